#!/usr/bin/env bash
# An xsd:boolean may be written "1" or "0" (XML Schema, part 2, 3.2.2). A bare 1 in Turtle is an xsd:integer; only true and false
# are booleans (RDF 1.1 Turtle, 2.5.2 and 2.5.3). @jeswr/pretty-turtle 1.8.2 writes the text of each xsd:boolean and xsd:integer
# bare: the boolean "1" becomes the integer 1. An ill-typed integer "1.5" becomes a decimal, and "unknown" makes the file unreadable.
# So do names that Turtle cannot shorten without an escape, such as http://example.org/Bath,Maine or one that ends with a point.
# Writing raises no error. A good engineer expects the same triples after reading, as from the writer of n3 2.13.12, on which the
# library builds. Tables without a boolean type have "1", so that this is no rare form. "true" is written correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @jeswr/pretty-turtle@1.8.2 n3@2.13.12 >> npm.log 2>&1
cat > write.mjs <<'JS'
import { write } from "@jeswr/pretty-turtle";
import { Parser, Writer } from "n3";

const prefixes = { ex: "http://example.org/", xsd: "http://www.w3.org/2001/XMLSchema#" };
const head = Object.entries(prefixes).map(([name, iri]) => `PREFIX ${name}: <${iri}>`).join(" ");
const show = ({ value, datatype }) => `${value} ${datatype?.value.split("#")[1] ?? ""}`.trim();
for (const object of [
  "true", '"true"^^xsd:boolean', '"1"^^xsd:boolean', '"1.5"^^xsd:integer', '"unknown"^^xsd:integer',
  "<http://example.org/Bath>", "<http://example.org/Bath,Maine>", "<http://example.org/St.>", "<http://example.org/Bath_(city)>",
]) {
  const quads = new Parser().parse(`${head} ex:a ex:b ${object} .`);
  const texts = { n3: new Writer({ prefixes }).quadsToString(quads), "pretty-turtle": await write(quads, { prefixes }) };
  for (const [name, text] of Object.entries(texts)) {
    try {
      console.log(`${object}, ${name}:`, new Parser().parse(`${head} ${text}`).map((quad) => show(quad.object)).join(", "));
    } catch (error) {
      console.log(`${object}, ${name}:`, error.name);
    }
  }
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
true, n3: true boolean
true, pretty-turtle: true boolean
"true"^^xsd:boolean, n3: true boolean
"true"^^xsd:boolean, pretty-turtle: true boolean
"1"^^xsd:boolean, n3: 1 boolean
"1"^^xsd:boolean, pretty-turtle: 1 integer
"1.5"^^xsd:integer, n3: 1.5 integer
"1.5"^^xsd:integer, pretty-turtle: 1.5 decimal
"unknown"^^xsd:integer, n3: unknown integer
"unknown"^^xsd:integer, pretty-turtle: Error
<http://example.org/Bath>, n3: http://example.org/Bath
<http://example.org/Bath>, pretty-turtle: http://example.org/Bath
<http://example.org/Bath,Maine>, n3: http://example.org/Bath,Maine
<http://example.org/Bath,Maine>, pretty-turtle: Error
<http://example.org/St.>, n3: http://example.org/St.
<http://example.org/St.>, pretty-turtle: Error
<http://example.org/Bath_(city)>, n3: http://example.org/Bath_(city)
<http://example.org/Bath_(city)>, pretty-turtle: Error
SEEN
echo "as described"
