#!/usr/bin/env bash
# All triples of a named graph in JSON-LD belong to it, also those that make up a list (JSON-LD 1.1 API, 8.1 and 8.3).
# jsonld-streaming-parser 5.0.1, which Comunica uses, puts the rdf:first and rdf:rest of each list into the default graph. The
# statement that refers to the list stays in the named graph, where the list has no members. No error is raised. A good engineer
# expects the same quads as from jsonld 9.0.0. A query that asks the named graph for the members of a list finds none, and a graph
# that is replaced leaves its lists behind in the default graph. Documents without named graphs, and named graphs without lists, are
# read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld-streaming-parser@5.0.1 jsonld@9.0.0 @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> npm.log 2>&1
cat > network.jsonld <<'JSON'
{
  "@context": {"@vocab": "http://example.org/", "members": {"@type": "@id", "@container": "@list"}, "seat": {"@type": "@id"}},
  "@id": "http://example.org/release",
  "@graph": [
    {
      "@id": "http://example.org/network",
      "seat": "http://example.org/bath",
      "members": ["http://example.org/bath", "http://example.org/beppu"]
    }
  ]
}
JSON
cat > read.mjs <<'JS'
import { createReadStream, readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import jsonld from "jsonld";
import { JsonLdParser } from "jsonld-streaming-parser";
import { Parser, Store } from "n3";

const text = await jsonld.toRDF(JSON.parse(readFileSync("network.jsonld", "utf8")), { format: "application/n-quads" });
const datasets = { "jsonld": new Store(new Parser().parse(text)), "jsonld-streaming-parser": new Store() };
for await (const quad of createReadStream("network.jsonld").pipe(new JsonLdParser())) datasets["jsonld-streaming-parser"].add(quad);

const engine = new QueryEngine();
const name = (term) => (term.termType === "BlankNode" ? "_" : term.value.replace(/^.*[/#]/, ""));
const path = "<http://example.org/members>/rdf:rest*/rdf:first";
const query = `PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
  SELECT ?city { GRAPH <http://example.org/release> { ?network ${path} ?city } }`;
for (const [parser, store] of Object.entries(datasets)) {
  for (const quad of store) {
    console.log(`${parser}:`, ...[quad.subject, quad.predicate, quad.object].map(name), `(${name(quad.graph) || "default graph"})`);
  }
  const rows = await (await engine.queryBindings(query, { sources: [store] })).toArray();
  console.log(`${parser}, members in the graph:`, rows.map((row) => name(row.get("city"))).join(", ") || "none");
}
JS
node read.mjs > unsorted
LC_ALL=C sort unsorted > seen
cat seen
diff seen - <<'SEEN'
jsonld, members in the graph: bath, beppu
jsonld-streaming-parser, members in the graph: none
jsonld-streaming-parser: _ first bath (default graph)
jsonld-streaming-parser: _ first beppu (default graph)
jsonld-streaming-parser: _ rest _ (default graph)
jsonld-streaming-parser: _ rest nil (default graph)
jsonld-streaming-parser: network members _ (release)
jsonld-streaming-parser: network seat bath (release)
jsonld: _ first bath (release)
jsonld: _ first beppu (release)
jsonld: _ rest _ (release)
jsonld: _ rest nil (release)
jsonld: network members _ (release)
jsonld: network seat bath (release)
SEEN
echo "as described"
