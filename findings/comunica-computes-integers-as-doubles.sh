#!/usr/bin/env bash
# Numbers of SPARQL 1.1 (17.3) that are no doubles are xsd:integer and xsd:decimal, whose arithmetic is exact.
# @comunica/query-sparql-rdfjs 5.4.1 computes both with JavaScript's numbers: above 2^53 a sum is a neighbour, two different
# integers are equal, and the last digits of a decimal are lost, without an error. A good engineer expects that large
# identifiers and amounts can be compared, because a literal that is only read comes back exactly. rdflib 7.6.0 is exact.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
npm init --yes > "$folder/npm.log"
npm install --silent --no-audit --no-fund @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> "$folder/npm.log" 2>&1
cat > queries.txt <<'TEXT'
9007199254740993
9007199254740993 + 0
9007199254740993 = 9007199254740992
9007199254740992 < 9007199254740993
1.000000000000000001 * 3
TEXT
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { Store } from "n3";

const engine = new QueryEngine();
for (const expression of readFileSync("queries.txt", "utf8").trim().split("\n")) {
  const query = `SELECT (${expression} AS ?value) {}`;
  const rows = await (await engine.queryBindings(query, { sources: [new Store()] })).toArray();
  console.log(`comunica: ${expression} is ${rows[0].get("value").value}`);
}
JS
cat > ask.py <<'PY'
import rdflib

for expression in open("queries.txt").read().splitlines():
    print(f"rdflib: {expression} is {next(iter(rdflib.Graph().query(f'SELECT ({expression} AS ?value) {{}}')))[0]}")
PY
node ask.mjs > seen
"$folder/venv/bin/python" ask.py >> seen
cat seen
diff seen - <<'SEEN'
comunica: 9007199254740993 is 9007199254740993
comunica: 9007199254740993 + 0 is 9007199254740992
comunica: 9007199254740993 = 9007199254740992 is true
comunica: 9007199254740992 < 9007199254740993 is false
comunica: 1.000000000000000001 * 3 is 3.0
rdflib: 9007199254740993 is 9007199254740993
rdflib: 9007199254740993 + 0 is 9007199254740993
rdflib: 9007199254740993 = 9007199254740992 is false
rdflib: 9007199254740992 < 9007199254740993 is true
rdflib: 1.000000000000000001 * 3 is 3.000000000000000003
SEEN
echo "as described"
