#!/usr/bin/env bash
# COUNT of an expression is the number of solutions in which it has a value and no error (SPARQL 1.1, 18.5.1.2). One of the
# two rows below has a year, so a good engineer expects 1. In pyoxigraph 0.5.13 one error leaves the whole count unbound;
# rdflib 7.6.0 counts the errors as well; sparq-rdf 0.1.6 gives 1. COUNT of a variable is right in all of them. BIND the
# expression to a variable first, and count the variable.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0 sparq-rdf==0.1.6
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib
import sparq

DATA = '<http://example.org/bath> <http://example.org/name> "Bath" .'
ROWS = 'VALUES (?since ?town) { (1977 "Aix") ("unknown" UNDEF) }'
store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
graphs = (store, rdflib.Graph().parse(data=DATA, format="turtle"), sparq.Graph.load(DATA))
for count, more in (
    ("COUNT(?town)", ""),
    ("COUNT(STR(?town))", ""),
    ("COUNT(?since + 1)", ""),
    ("COUNT(DISTINCT ?since + 1)", ""),
    ("COUNT(?next)", "BIND(?since + 1 AS ?next)"),
):
    query = f"SELECT ({count} AS ?n) {{ {ROWS} {more} }}"
    first = next(iter(graphs[0].query(query)))["n"]
    second = next(iter(graphs[1].query(query)))[0]
    third = graphs[2].query(query).rows[0]["n"]
    print(f"{more} {count}".strip(), "| oxigraph", first and first.value, "| rdflib", second, "| sparq", third)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
COUNT(?town) | oxigraph 1 | rdflib 1 | sparq 1
COUNT(STR(?town)) | oxigraph None | rdflib 2 | sparq 1
COUNT(?since + 1) | oxigraph None | rdflib 2 | sparq 1
COUNT(DISTINCT ?since + 1) | oxigraph None | rdflib 2 | sparq 1
BIND(?since + 1 AS ?next) COUNT(?next) | oxigraph 1 | rdflib 1 | sparq 1
SEEN
echo "as described"
