#!/usr/bin/env bash
# The default graph of a query with several FROM clauses is the merge of these graphs (SPARQL 1.1, 13.2.1). A graph is a set: a
# triple that two of them contain is in the merge once. pyoxigraph 0.5.13 matches it once for each graph, with FROM and with
# `use_default_graph_as_union`. So COUNT and SUM grow with the number of sources that agree, and a join of two patterns multiplies
# the rows. A good engineer keeps each source in its own graph and expects the counts of the merge, as in rdflib 7.6.0. DISTINCT
# in a sub-select below the aggregate gives the same count in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

DATA = """@prefix ex: <http://example.org/> .
ex:council { ex:bath ex:partner ex:aix ; ex:inhabitants 94000 }
ex:gazette { ex:bath ex:partner ex:aix ; ex:inhabitants 94000 . ex:bath ex:partner ex:beppu }"""
store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TRIG)
dataset = rdflib.Dataset()
dataset.parse(data=DATA, format="trig")
FROM = "FROM <http://example.org/council> FROM <http://example.org/gazette>"
for form in (
    "SELECT (COUNT(*) AS ?n) {} {{ ?city ex:partner ?partner }}",
    "SELECT (SUM(?inhabitants) AS ?n) {} {{ ?city ex:inhabitants ?inhabitants }}",
    "SELECT (COUNT(*) AS ?n) {} {{ ?city ex:inhabitants ?inhabitants ; ex:partner ?partner }}",
    "SELECT (COUNT(*) AS ?n) {} {{ SELECT DISTINCT ?city ?partner {{ ?city ex:partner ?partner }} }}",
):
    query = "PREFIX ex: <http://example.org/> " + form
    print(form.format("FROM …"))
    print(" rdflib:", next(iter(dataset.query(query.format(FROM))))[0])
    print(" oxigraph:", next(iter(store.query(query.format(FROM))))["n"].value, end="")
    print(", as union:", next(iter(store.query(query.format(""), use_default_graph_as_union=True)))["n"].value)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SELECT (COUNT(*) AS ?n) FROM … { ?city ex:partner ?partner }
 rdflib: 2
 oxigraph: 3, as union: 3
SELECT (SUM(?inhabitants) AS ?n) FROM … { ?city ex:inhabitants ?inhabitants }
 rdflib: 94000
 oxigraph: 188000, as union: 188000
SELECT (COUNT(*) AS ?n) FROM … { ?city ex:inhabitants ?inhabitants ; ex:partner ?partner }
 rdflib: 2
 oxigraph: 6, as union: 6
SELECT (COUNT(*) AS ?n) FROM … { SELECT DISTINCT ?city ?partner { ?city ex:partner ?partner } }
 rdflib: 2
 oxigraph: 2, as union: 2
SEEN
echo "as described"
