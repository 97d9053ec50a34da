#!/usr/bin/env bash
# SUBSTR is fn:substring of XPath (SPARQL 1.1, 17.4.3.3), which returns the characters at the positions p with start <= p <
# start + length, counted from 1: SUBSTR("abc", 0, 2) is "a", SUBSTR("abc", -1, 4) is "ab". rdflib 7.6.0 and
# @comunica/query-sparql-rdfjs 5.4.1 subtract one and slice as their languages do, which count a negative start from the end:
# the result is empty or a piece from the end, without an error. A good engineer expects the clipping of XPath, as in
# pyoxigraph 0.5.13, or an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0 pyoxigraph==0.5.13
cd "$folder"
npm init --yes > "$folder/npm.log"
npm install --silent --no-audit --no-fund @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> "$folder/npm.log" 2>&1
cat > queries.txt <<'TEXT'
SUBSTR("abcdef", 1, 2)
SUBSTR("abcdef", 0, 2)
SUBSTR("abcdef", 0, 4)
SUBSTR("abcdef", -1, 4)
SUBSTR("abcdef", -1)
TEXT
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { Store } from "n3";

const engine = new QueryEngine();
for (const expression of readFileSync("queries.txt", "utf8").trim().split("\n")) {
  const query = `SELECT (${expression} AS ?text) {}`;
  const rows = await (await engine.queryBindings(query, { sources: [new Store()] })).toArray();
  console.log(`comunica: ${expression} is "${rows[0].get("text").value}"`);
}
JS
cat > ask.py <<'PY'
import pyoxigraph
import rdflib

for name, source in (("rdflib", rdflib.Graph()), ("oxigraph", pyoxigraph.Store())):
    for expression in open("queries.txt").read().splitlines():
        text = next(iter(source.query(f"SELECT ({expression} AS ?text) {{}}")))["text"]
        print(f'{name}: {expression} is "{getattr(text, "value", None)}"')
PY
node ask.mjs > seen
"$folder/venv/bin/python" ask.py >> seen
cat seen
diff seen - <<'SEEN'
comunica: SUBSTR("abcdef", 1, 2) is "ab"
comunica: SUBSTR("abcdef", 0, 2) is ""
comunica: SUBSTR("abcdef", 0, 4) is ""
comunica: SUBSTR("abcdef", -1, 4) is ""
comunica: SUBSTR("abcdef", -1) is "ef"
rdflib: SUBSTR("abcdef", 1, 2) is "ab"
rdflib: SUBSTR("abcdef", 0, 2) is ""
rdflib: SUBSTR("abcdef", 0, 4) is ""
rdflib: SUBSTR("abcdef", -1, 4) is ""
rdflib: SUBSTR("abcdef", -1) is "ef"
oxigraph: SUBSTR("abcdef", 1, 2) is "ab"
oxigraph: SUBSTR("abcdef", 0, 2) is "a"
oxigraph: SUBSTR("abcdef", 0, 4) is "abc"
oxigraph: SUBSTR("abcdef", -1, 4) is "ab"
oxigraph: SUBSTR("abcdef", -1) is "abcdef"
SEEN
echo "as described"
