#!/usr/bin/env bash
# SPARQL 1.1 (18.6) evaluates the pattern of `GRAPH ?g { … }` once for each named graph, within that graph, and binds ?g to
# its name afterwards. pyoxigraph 0.5.13 passes ?g down as a variable of the pattern instead. A sub-select that does not
# return ?g hides it: the sub-select then reads all named graphs together, once, and ?g stays unbound. VALUES before the group
# does not limit it, and labels rows of other graphs with the given one; a count is that of all graphs, and a FILTER on ?g
# finds nothing. rdflib 7.6.0 follows the text. Two forms give the same rows in both: a constant graph, and a
# sub-select that returns ?g itself and has no LIMIT. VALUES within the group leaves ?g unbound likewise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

DATA = """<urn:bath> <urn:twin> <urn:aix> <urn:a> .
<urn:kazan> <urn:twin> <urn:izmir> <urn:b> .
"""
QUERIES = (
    "{ GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } }",
    "{ VALUES ?g { <urn:a> } GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } }",
    "{ GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } FILTER(?g = <urn:a>) }",
    "{ GRAPH ?g { { SELECT (COUNT(*) AS ?x) { ?s ?p ?y } } } }",
    "{ GRAPH ?g { VALUES ?x { 1 } } }",
    "{ GRAPH ?g { { SELECT ?g ?x { ?x ?p ?y } } } }",
    "{ GRAPH <urn:a> { { SELECT ?x { ?x ?p ?y } } } }",
)


def rows(found, text):
    return sorted(", ".join("no graph" if row[name] is None else text(row[name]) for name in ("g", "x")) for row in found)


store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.N_QUADS)
dataset = rdflib.Dataset()
dataset.parse(data=DATA, format="nquads")
for query in QUERIES:
    print(query)
    print("  oxigraph", *(f"({row})" for row in rows(store.query(f"SELECT ?g ?x {query}"), lambda term: term.value)))
    print("  rdflib  ", *(f"({row})" for row in rows(dataset.query(f"SELECT ?g ?x {query}"), str)))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
{ GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } }
  oxigraph (no graph, urn:bath) (no graph, urn:kazan)
  rdflib   (urn:a, urn:bath) (urn:b, urn:kazan)
{ VALUES ?g { <urn:a> } GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } }
  oxigraph (urn:a, urn:bath) (urn:a, urn:kazan)
  rdflib   (urn:a, urn:bath)
{ GRAPH ?g { { SELECT ?x { ?x ?p ?y } } } FILTER(?g = <urn:a>) }
  oxigraph
  rdflib   (urn:a, urn:bath)
{ GRAPH ?g { { SELECT (COUNT(*) AS ?x) { ?s ?p ?y } } } }
  oxigraph (no graph, 2)
  rdflib   (urn:a, 1) (urn:b, 1)
{ GRAPH ?g { VALUES ?x { 1 } } }
  oxigraph (no graph, 1)
  rdflib   (urn:a, 1) (urn:b, 1)
{ GRAPH ?g { { SELECT ?g ?x { ?x ?p ?y } } } }
  oxigraph (urn:a, urn:bath) (urn:b, urn:kazan)
  rdflib   (urn:a, urn:bath) (urn:b, urn:kazan)
{ GRAPH <urn:a> { { SELECT ?x { ?x ?p ?y } } } }
  oxigraph (no graph, urn:bath)
  rdflib   (no graph, urn:bath)
SEEN
echo "as described"
