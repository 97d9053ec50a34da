#!/usr/bin/env bash
# Each solution of a SELECT is a row, also one in which no selected variable has a value (SPARQL 1.1, 16.1 and 18.2.4). Four
# agreements below have two dates of their end between them, so that a good engineer expects four rows. In rdflib 7.6.0 the
# result has the length 4, and four rows as CSV, JSON or XML, but iteration over it gives two: it leaves out rows without any
# value. With a second selected variable that has a value, all rows come back; `result.bindings` has all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import csv
import io
import json

import pyoxigraph
import rdflib

DATA = """@prefix : <http://example.org/> .
:a a :Agreement ; :end 2001 . :b a :Agreement . :c a :Agreement . :d a :Agreement ; :end 2002 .
"""
graph = rdflib.Graph().parse(data=DATA, format="turtle")
store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
for selected in ("?end", "?agreement ?end"):
    pattern = "?agreement a :Agreement OPTIONAL { ?agreement :end ?end }"
    query = f"PREFIX : <http://example.org/> SELECT {selected} {{ {pattern} }}"
    result = graph.query(query)
    table = list(csv.reader(io.StringIO(result.serialize(format="csv").decode())))
    rows = json.loads(result.serialize(format="json"))["results"]["bindings"]
    print(
        f"SELECT {selected} | rdflib: len {len(result)}, bindings {len(result.bindings)}, iterated {len(list(result))},",
        f"CSV {len(table) - 1}, JSON {len(rows)} | oxigraph: iterated {len(list(store.query(query)))}",
    )
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SELECT ?end | rdflib: len 4, bindings 4, iterated 2, CSV 4, JSON 4 | oxigraph: iterated 4
SELECT ?agreement ?end | rdflib: len 4, bindings 4, iterated 4, CSV 4, JSON 4 | oxigraph: iterated 4
SEEN
echo "as described"
