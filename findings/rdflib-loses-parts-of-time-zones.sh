#!/usr/bin/env bash
# TIMEZONE returns the time zone of an instant as a duration (SPARQL 1.1, 17.4.5.8): PT3H30M for +03:30. rdflib 7.6.0 drops the
# minutes, and returns a zero duration for -00:30; TZ, which returns text, keeps them. A date can also have a time zone, and the
# same date begins at different instants in different zones (XPath, op:date-equal and op:date-less-than): rdflib drops the zone of
# a date and compares such dates as equal. A good engineer expects the results of pyoxigraph 0.5.13.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

for expression in (
    'TIMEZONE("2020-05-04T10:00:00+03:00"^^xsd:dateTime)',
    'TIMEZONE("2020-05-04T10:00:00+03:30"^^xsd:dateTime)',
    'TIMEZONE("2020-05-04T10:00:00-00:30"^^xsd:dateTime)',
    'TZ("2020-05-04T10:00:00+03:30"^^xsd:dateTime)',
    '"2020-05-04+03:00"^^xsd:date = "2020-05-04Z"^^xsd:date',
    '"2020-05-04+03:00"^^xsd:date < "2020-05-04Z"^^xsd:date',
):
    query = f"PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (({expression}) AS ?value) {{}}"
    ours = next(iter(rdflib.Graph().query(query)))[0]
    other = next(iter(pyoxigraph.Store().query(query)))["value"]
    print(f"{expression}: rdflib {ours}, oxigraph {other.value}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
TIMEZONE("2020-05-04T10:00:00+03:00"^^xsd:dateTime): rdflib PT3H, oxigraph PT3H
TIMEZONE("2020-05-04T10:00:00+03:30"^^xsd:dateTime): rdflib PT3H, oxigraph PT3H30M
TIMEZONE("2020-05-04T10:00:00-00:30"^^xsd:dateTime): rdflib P0D, oxigraph -PT30M
TZ("2020-05-04T10:00:00+03:30"^^xsd:dateTime): rdflib +03:30, oxigraph +03:30
"2020-05-04+03:00"^^xsd:date = "2020-05-04Z"^^xsd:date: rdflib true, oxigraph false
"2020-05-04+03:00"^^xsd:date < "2020-05-04Z"^^xsd:date: rdflib false, oxigraph true
SEEN
echo "as described"
