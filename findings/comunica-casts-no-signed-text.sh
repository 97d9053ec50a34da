#!/usr/bin/env bash
# A cast from text accepts each lexical form of the datatype (SPARQL 1.1, 17.5): xsd:integer("-5") is -5, and xsd:decimal(".5") is
# 0.5. @comunica/query-sparql-rdfjs 5.4.1 accepts no sign in a cast to xsd:integer, and requires digits on both sides of the point
# in a cast to xsd:decimal. The variable stays unbound, for example for the amounts in Wikidata's JSON ("+4400000"). Literals with
# these lexical forms are read correctly, and a cast to xsd:double accepts a sign, so a good engineer expects the same of
# xsd:integer. STRDT, or a cast through xsd:double, gives the integer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> npm.log 2>&1
cat > expressions.txt <<'TEXT'
xsd:integer("5")
xsd:integer("-5")
xsd:integer("+4400000")
xsd:decimal("-5.5")
xsd:decimal(".5")
xsd:decimal("5.")
xsd:double("-5")
"+4400000"^^xsd:integer + 0
STRDT("-5", xsd:integer) + 0
xsd:integer(xsd:double("-5"))
TEXT
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { Store } from "n3";

const engine = new QueryEngine();
for (const expression of readFileSync("expressions.txt", "utf8").trim().split("\n")) {
  const query = `PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (${expression} AS ?number) {}`;
  const rows = await (await engine.queryBindings(query, { sources: [new Store()] })).toArray();
  console.log(`comunica: ${expression} is ${rows[0].get("number")?.value}`);
}
JS
cat > ask.py <<'PY'
import pyoxigraph

for expression in open("expressions.txt").read().splitlines():
    query = f"PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT ({expression} AS ?number) {{}}"
    print(f"oxigraph: {expression} is {next(iter(pyoxigraph.Store().query(query)))['number'].value}")
PY
node ask.mjs > seen
"$folder/venv/bin/python" ask.py >> seen
cat seen
diff seen - <<'SEEN'
comunica: xsd:integer("5") is 5
comunica: xsd:integer("-5") is undefined
comunica: xsd:integer("+4400000") is undefined
comunica: xsd:decimal("-5.5") is -5.5
comunica: xsd:decimal(".5") is undefined
comunica: xsd:decimal("5.") is undefined
comunica: xsd:double("-5") is -5.0E0
comunica: "+4400000"^^xsd:integer + 0 is 4400000
comunica: STRDT("-5", xsd:integer) + 0 is -5
comunica: xsd:integer(xsd:double("-5")) is -5
oxigraph: xsd:integer("5") is 5
oxigraph: xsd:integer("-5") is -5
oxigraph: xsd:integer("+4400000") is 4400000
oxigraph: xsd:decimal("-5.5") is -5.5
oxigraph: xsd:decimal(".5") is 0.5
oxigraph: xsd:decimal("5.") is 5
oxigraph: xsd:double("-5") is -5
oxigraph: "+4400000"^^xsd:integer + 0 is 4400000
oxigraph: STRDT("-5", xsd:integer) + 0 is -5
oxigraph: xsd:integer(xsd:double("-5")) is -5
SEEN
echo "as described"
