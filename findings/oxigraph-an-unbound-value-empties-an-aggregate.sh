#!/usr/bin/env bash
# An unbound variable is an error in an aggregate (SPARQL 1.1, 18.5.1): COUNT and SAMPLE leave it out, SUM, AVG and
# GROUP_CONCAT have no value. pyoxigraph 0.5.13 follows this, and does the same with MIN and MAX; rdflib 7.6.0 leaves the
# value out everywhere, as SQL does with NULL. One solution of an OPTIONAL without a match therefore empties the aggregate
# of its whole group, in oxigraph alone. COALESCE or a FILTER makes both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

DATA = """@prefix : <http://example.org/> . :bath :tie :aix, :alkmaar . :aix :since 1977 ."""
QUERY = """PREFIX : <http://example.org/>
SELECT ({} AS ?value) {{ :bath :tie ?town OPTIONAL {{ ?town :since ?year }} }}"""

store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
graph = rdflib.Graph().parse(data=DATA, format="turtle")
for aggregate in ("COUNT(?year)", "SAMPLE(?year)", "SUM(?year)", "MAX(?year)", "GROUP_CONCAT(?year)", "SUM(COALESCE(?year, 0))"):
    value = next(iter(store.query(QUERY.format(aggregate))))["value"]
    print(aggregate, "oxigraph", value and value.value, "rdflib", next(iter(graph.query(QUERY.format(aggregate))))[0])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
COUNT(?year) oxigraph 1 rdflib 1
SAMPLE(?year) oxigraph 1977 rdflib 1977
SUM(?year) oxigraph None rdflib 1977
MAX(?year) oxigraph None rdflib 1977
GROUP_CONCAT(?year) oxigraph None rdflib 1977
SUM(COALESCE(?year, 0)) oxigraph 1977 rdflib 1977
SEEN
echo "as described"
