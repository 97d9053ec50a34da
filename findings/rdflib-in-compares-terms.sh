#!/usr/bin/env bash
# `?x IN (a, b)` means `(?x = a) || (?x = b)`, and NOT IN is its negation (SPARQL 1.1, 17.4.1.9), so that values are compared:
# 1977 is in (1977.0), and an instant is in a list that contains it in another time zone. rdflib 7.6.0 compares terms instead. It
# does not match a number of another datatype, such as the xsd:int of a table that was mapped to RDF, and NOT IN then keeps the
# row. A good engineer who replaces several `=` by IN expects the same rows, and loses some without an error. pyoxigraph 0.5.13
# evaluates IN as specified.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

for expression in (
    "1977 = 1977.0",
    "1977 IN (1977.0)",
    "1977 NOT IN (1977.0)",
    '1977 IN ("1977"^^xsd:int)',
    '"2020-01-01T00:00:00Z"^^xsd:dateTime = "2020-01-01T03:00:00+03:00"^^xsd:dateTime',
    '"2020-01-01T00:00:00Z"^^xsd:dateTime IN ("2020-01-01T03:00:00+03:00"^^xsd:dateTime)',
):
    query = f"PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (({expression}) AS ?is) {{}}"
    ours = next(iter(rdflib.Graph().query(query)))[0]
    other = next(iter(pyoxigraph.Store().query(query)))["is"]
    print(f"{expression}: rdflib {ours}, oxigraph {other.value}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1977 = 1977.0: rdflib true, oxigraph true
1977 IN (1977.0): rdflib false, oxigraph true
1977 NOT IN (1977.0): rdflib true, oxigraph false
1977 IN ("1977"^^xsd:int): rdflib false, oxigraph true
"2020-01-01T00:00:00Z"^^xsd:dateTime = "2020-01-01T03:00:00+03:00"^^xsd:dateTime: rdflib true, oxigraph true
"2020-01-01T00:00:00Z"^^xsd:dateTime IN ("2020-01-01T03:00:00+03:00"^^xsd:dateTime): rdflib false, oxigraph true
SEEN
echo "as described"
