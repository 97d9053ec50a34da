#!/usr/bin/env bash
# A function that fails for one row leaves its value unbound in that row, and a FILTER drops the row (SPARQL 1.1, 17.2). In rdflib
# 7.6.0, YEAR ends the whole query with a Python AttributeError if one xsd:date is before the year 1, or has a year of five
# digits: rdflib has no Python value for such a literal and then reads the year of the literal itself. A good engineer expects
# that only this row has no year, as for plain text, or the year -43, as in pyoxigraph 0.5.13, because the date is valid. One
# founding date in antiquity thus breaks each query that uses YEAR.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging

import pyoxigraph
import rdflib

logging.disable(logging.CRITICAL)
DATES = ('"unknown"', '"-0043-03-15"^^xsd:date', '"12020-03-15"^^xsd:date')


def years(rows):
    try:
        return [year and (getattr(year, "value", None) or str(year)) for year in (row[1] for row in rows)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for date in DATES:
    query = f"""PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
        SELECT ?date (YEAR(?date) AS ?year) {{ VALUES ?date {{ "1977-10-05"^^xsd:date {date} }} }}"""
    print(date)
    print(" rdflib:", years((row.date, row.year and row.year.toPython()) for row in rdflib.Graph().query(query)))
    print(" oxigraph:", years(pyoxigraph.Store().query(query)))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
"unknown"
 rdflib: ['1977', None]
 oxigraph: ['1977', None]
"-0043-03-15"^^xsd:date
 rdflib: AttributeError: 'Literal' object has no attribute 'year'
 oxigraph: ['1977', '-43']
"12020-03-15"^^xsd:date
 rdflib: AttributeError: 'Literal' object has no attribute 'year'
 oxigraph: ['1977', '12020']
SEEN
echo "as described"
