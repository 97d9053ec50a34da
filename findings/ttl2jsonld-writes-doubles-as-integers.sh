#!/usr/bin/env bash
# A literal keeps its datatype and value in another format of RDF. In JSON-LD, a JSON number without a fraction is an xsd:integer
# (JSON-LD 1.1 API, 8.2.2). @frogcat/ttl2jsonld 0.0.10 writes each xsd:double and xsd:integer of Turtle with an explicit datatype as a
# JSON number: the double 1000 becomes the integer 1000, an integer above 2^53 becomes its neighbour, and an infinite double becomes
# null, which JSON-LD reads as no statement. No error is raised. A good engineer expects literals with the same datatype and value,
# as for the shorthand 1e3, which stays a text with a type. Doubles with a fraction, and small integers, are the same after reading,
# so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @frogcat/ttl2jsonld@0.0.10 jsonld@9.0.0 >> npm.log 2>&1
cat > convert.mjs <<'JS'
import ttl2jsonld from "@frogcat/ttl2jsonld";
import jsonld from "jsonld";

const prefix = "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix : <http://example.org/> .";
for (const object of [
  '"41.9"^^xsd:double', '"1000.0"^^xsd:double', "1e3", '"INF"^^xsd:double',
  '"94782"^^xsd:integer', '"9007199254740993"^^xsd:integer', "9007199254740993",
]) {
  const text = JSON.stringify(ttl2jsonld.parse(`${prefix} :bath :value ${object} .`));
  const json = text.replace(/^.*:value":|[}]$/g, "").replaceAll("http://www.w3.org/2001/XMLSchema#", "xsd:");
  const [quad] = await jsonld.toRDF(JSON.parse(text));
  const read = quad ? `"${quad.object.value}"^^xsd:${quad.object.datatype.value.split("#")[1]}` : "nothing";
  console.log(`${object} is written as ${json} and read as ${read}`);
}
JS
node convert.mjs > seen
cat seen
diff seen - <<'SEEN'
"41.9"^^xsd:double is written as 41.9 and read as "4.19E1"^^xsd:double
"1000.0"^^xsd:double is written as 1000 and read as "1000"^^xsd:integer
1e3 is written as {"@value":"1e3","@type":"xsd:double"} and read as "1.0E3"^^xsd:double
"INF"^^xsd:double is written as null and read as nothing
"94782"^^xsd:integer is written as 94782 and read as "94782"^^xsd:integer
"9007199254740993"^^xsd:integer is written as 9007199254740992 and read as "9007199254740992"^^xsd:integer
9007199254740993 is written as 9007199254740992 and read as "9007199254740992"^^xsd:integer
SEEN
echo "as described"
