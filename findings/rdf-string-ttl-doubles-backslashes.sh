#!/usr/bin/env bash
# A text in Turtle has escapes, such as \n for a line break and \\ for a backslash, which stand for a single character (RDF 1.1
# Turtle, 2.5.1 and 6.4). rdf-string-ttl 2.0.1 writes terms of RDF/JS as such texts and reads them again. termToString escapes the
# characters, but stringToTerm does not replace the escapes: a line break comes back as a backslash and an n, and each further
# writing doubles the backslashes. No error is raised. Only an escaped quotation mark is read correctly, so that an ordinary test
# passes. A good engineer expects the same term after both conversions, as with rdf-string 2.0.1, which has the same functions
# without escapes, and as n3 2.13.12 reads the same text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdf-string-ttl@2.0.1 rdf-string@2.0.1 n3@2.13.12 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { DataFactory, Parser } from "n3";
import * as plain from "rdf-string";
import * as turtle from "rdf-string-ttl";

const show = (term) => JSON.stringify(term.value);
for (const value of ['the "twin" towns', "1 High Street\nBath", "Bath\tBeppu", "C:\\archive"]) {
  const term = DataFactory.literal(value, "en");
  const text = turtle.termToString(term);
  const once = turtle.stringToTerm(text);
  const twice = turtle.stringToTerm(turtle.termToString(once));
  console.log("text in Turtle:", text);
  console.log("  rdf-string-ttl:", show(once), "then", show(twice));
  console.log("  rdf-string:", show(plain.stringToTerm(plain.termToString(term))));
  console.log("  n3:", show(new Parser().parse(`<urn:x:a> <urn:x:b> ${text} .`)[0].object));
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
text in Turtle: "the \"twin\" towns"@en
  rdf-string-ttl: "the \"twin\" towns" then "the \"twin\" towns"
  rdf-string: "the \"twin\" towns"
  n3: "the \"twin\" towns"
text in Turtle: "1 High Street\nBath"@en
  rdf-string-ttl: "1 High Street\\nBath" then "1 High Street\\\\nBath"
  rdf-string: "1 High Street\nBath"
  n3: "1 High Street\nBath"
text in Turtle: "Bath\tBeppu"@en
  rdf-string-ttl: "Bath\\tBeppu" then "Bath\\\\tBeppu"
  rdf-string: "Bath\tBeppu"
  n3: "Bath\tBeppu"
text in Turtle: "C:\\archive"@en
  rdf-string-ttl: "C:\\\\archive" then "C:\\\\\\\\archive"
  rdf-string: "C:\\archive"
  n3: "C:\\archive"
SEEN
echo "as described"
