#!/usr/bin/env bash
# An xsd:boolean is written "true" or "1" (XML Schema, part 2, 3.2.2), and Turtle abbreviates the first one to `true`. The
# JavaScript library rdflib 2.4.0 writes each boolean that is not "1" as `false`, in Turtle and in JSON-LD. Its own parser reads
# the abbreviation as "1", so that `true` is written again as `true` and a simple test passes. But "true"^^xsd:boolean, as in
# N-Triples, keeps its lexical form when it is read and becomes `false`. No error is raised. A good engineer expects that a value
# is written as it was read. N-Triples output is correct.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdflib@2.4.0 >> npm.log 2>&1
cat > write.mjs <<'JS'
import { graph, parse, serialize } from "rdflib";

const PREFIXES = "@prefix ex: <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .";
for (const value of ["true", '"true"^^xsd:boolean', '"1"^^xsd:boolean', '"false"^^xsd:boolean']) {
  const store = graph();
  parse(`${PREFIXES} ex:agreement ex:inForce ${value} .`, store, "http://example.org/", "text/turtle");
  const written = (type) => serialize(null, store, "http://other.example/", type, undefined, { flags: "" });
  const turtle = (await written("text/turtle")).match(/ (\S+)\.\s*$/)[1];
  const json = (await written("application/ld+json")).match(/: (true|false)/)[1];
  const triples = (await written("application/n-triples")).match(/"(\w+)"/)[1];
  console.log(`${value}: Turtle ${turtle}, JSON-LD ${json}, N-Triples ${triples}`);
}
JS
node write.mjs | tee seen
diff seen - <<'SEEN'
true: Turtle true, JSON-LD true, N-Triples 1
"true"^^xsd:boolean: Turtle false, JSON-LD false, N-Triples true
"1"^^xsd:boolean: Turtle true, JSON-LD true, N-Triples 1
"false"^^xsd:boolean: Turtle false, JSON-LD false, N-Triples false
SEEN
echo "as described"
