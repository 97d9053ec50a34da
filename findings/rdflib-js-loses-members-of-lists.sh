#!/usr/bin/env bash
# A list of RDF is a chain of rdf:first and rdf:rest that ends with rdf:nil (RDF Schema 1.1, 5.2). The JavaScript library rdflib
# 2.4.0 writes "rdf:nill" instead in N-Triples and N-Quads, so that no reader finds the end. Of a list within a list, it writes only
# a blank node, and the members are lost. In RDF/XML, it writes only those members that have properties in the same graph: a list
# of texts, or of IRIs that are described elsewhere, becomes the empty list. No error is raised. A good engineer expects the same
# list after reading. Turtle of the same library is correct, so that a test of it passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdflib@2.4.0 >> npm.log 2>&1
cat > lists.ttl <<'TTL'
@prefix : <http://example.org/> .
:iris :list (:bath :beppu) .
:nested :list ("a" ("b")) .
:texts :list ("a" "b") .
:bath :country :england .
TTL
cat > write.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs";
import { graph, parse, serialize } from "rdflib";

const store = graph();
parse(readFileSync("lists.ttl", "utf8"), store, "http://example.org/", "text/turtle");
for (const [name, type] of [["ttl", "text/turtle"], ["nt", "application/n-triples"], ["rdf", "application/rdf+xml"]]) {
  writeFileSync(`again.${name}`, serialize(null, store, "http://example.org/", type));
}
JS
cat > read.py <<'PY'
from rdflib import RDF, Graph, URIRef


def members(graph, node):
    while (node, RDF.first, None) in graph:
        item = graph.value(node, RDF.first)
        yield f"({' '.join(members(graph, item))})" if (item, RDF.first, None) in graph else item.split("/")[-1]
        node = graph.value(node, RDF.rest)
    yield node.split("#")[-1] if isinstance(node, URIRef) else "no end"


for path in ("lists.ttl", "again.ttl", "again.nt", "again.rdf"):
    graph = Graph().parse(path, publicID="http://example.org/")
    for name in ("iris", "nested", "texts"):
        list_ = graph.value(URIRef(f"http://example.org/{name}"), URIRef("http://example.org/list"))
        print(f"{path}, {name}:", *("_" if len(item) > 25 else item for item in members(graph, list_)))
PY
node write.mjs
"$folder/venv/bin/python" read.py > seen
cat seen
diff seen - <<'SEEN'
lists.ttl, iris: bath beppu nil
lists.ttl, nested: a (b nil) nil
lists.ttl, texts: a b nil
again.ttl, iris: bath beppu nil
again.ttl, nested: a (b nil) nil
again.ttl, texts: a b nil
again.nt, iris: bath beppu nill
again.nt, nested: a _ nill
again.nt, texts: a b nill
again.rdf, iris: bath nil
again.rdf, nested: nil
again.rdf, texts: nil
SEEN
echo "as described"
