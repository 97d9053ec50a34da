#!/usr/bin/env bash
# A cast between numbers converts the value (SPARQL 1.1, 17.5, with the rules of XPath, 19.1.2): xsd:integer(1.9) is 1, and
# xsd:decimal(1e2) is 100. rdflib 7.6.0 takes the text of the argument as the text of the result instead, and what is not a
# valid text there is an error: no double becomes an integer or a decimal, and no boolean an integer. A good engineer casts a
# quotient or an area to an integer to cut its fraction off. FLOOR and ROUND work.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

graph, store = rdflib.Graph(), pyoxigraph.Store()
for cast in (
    "xsd:integer(1.9)",
    "xsd:integer(1e0)",
    "xsd:integer(true)",
    "xsd:decimal(1e2)",
    "xsd:boolean(0.0)",
    "xsd:decimal(2)",
    "xsd:double(2)",
    "FLOOR(1.9)",
):
    query = f'PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (COALESCE(STR({cast}), "error") AS ?text) {{}}'
    print(f"{cast}: rdflib {next(iter(graph.query(query)))[0]}, oxigraph {next(iter(store.query(query)))['text'].value}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
xsd:integer(1.9): rdflib error, oxigraph 1
xsd:integer(1e0): rdflib error, oxigraph 1
xsd:integer(true): rdflib error, oxigraph 1
xsd:decimal(1e2): rdflib 100.0, oxigraph 100
xsd:boolean(0.0): rdflib error, oxigraph false
xsd:decimal(2): rdflib 2, oxigraph 2
xsd:double(2): rdflib 2.0, oxigraph 2
FLOOR(1.9): rdflib 1, oxigraph 1
SEEN
echo "as described"
