#!/usr/bin/env bash
# pyoxigraph 0.5.13 returns the alternative path `?s (:a|:b) ?o` without duplicates. SPARQL 1.1 (18.4) defines it as a
# UNION, which is a bag: two properties with one value make two rows. rdflib 7.6.0 returns both. COUNT over such a path is
# therefore lower in oxigraph; the UNION written out gives the full count in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

DATA = '@prefix : <http://example.org/> . :town :name "Bath" ; :short "Bath" .'
PATH = "PREFIX : <http://example.org/> SELECT (COUNT(*) AS ?n) { :town (:name|:short) ?o }"
UNION = "PREFIX : <http://example.org/> SELECT (COUNT(*) AS ?n) { { :town :name ?o } UNION { :town :short ?o } }"

store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
graph = rdflib.Graph().parse(data=DATA, format="turtle")
for name, query in (("path", PATH), ("union", UNION)):
    print(name, "oxigraph", next(iter(store.query(query)))["n"].value, "rdflib", next(iter(graph.query(query)))[0])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
path oxigraph 1 rdflib 2
union oxigraph 2 rdflib 2
SEEN
echo "as described"
