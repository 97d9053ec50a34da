#!/usr/bin/env bash
# An xsd:boolean is written "true" or "1", and an xsd:integer may have any size (XML Schema, part 2, 3.2.2 and 3.3.13).
# simplifySparqlResults of wikibase-sdk 11.6.6 turns the rows of a SPARQL result into plain values. It turns "1"^^xsd:boolean
# into false. An integer over 2^53 becomes its neighbour, and an infinite double becomes NaN. An xsd:long stays a text, although
# an xsd:integer becomes a number. Nothing is reported. A good engineer expects true for "1", and infinity for "INF". A test with
# "true" passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund wikibase-sdk@11.6.6 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { simplifySparqlResults } from "wikibase-sdk";

const values = [
  ["boolean", "true"], ["boolean", "1"], ["integer", "1977"], ["integer", "9007199254740993"], ["long", "1977"],
  ["decimal", "1.50"], ["double", "1.5E3"], ["double", "INF"], ["float", "-INF"],
];
for (const [name, value] of values) {
  const row = { value: { type: "literal", value, datatype: `http://www.w3.org/2001/XMLSchema#${name}` } };
  const [simple] = simplifySparqlResults({ head: { vars: ["value"] }, results: { bindings: [row, row] } });
  console.log(name, value, "is", simple);
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
boolean true is { value: true }
boolean 1 is { value: false }
integer 1977 is { value: 1977 }
integer 9007199254740993 is { value: 9007199254740992 }
long 1977 is { value: '1977' }
decimal 1.50 is { value: 1.5 }
double 1.5E3 is { value: 1500 }
double INF is { value: NaN }
float -INF is { value: NaN }
SEEN
echo "as described"
