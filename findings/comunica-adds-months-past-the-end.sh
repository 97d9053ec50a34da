#!/usr/bin/env bash
# A month after 31 January is the last day of February: XPath (op:add-yearMonthDuration-to-date) counts the months and takes
# the last day of a shorter one. @comunica/query-sparql-rdfjs 5.4.1 goes on into March, as JavaScript's Date does, so that a
# term of one year from 29 February ends on 1 March, and a month before 31 May is 1 May. A good engineer expects the dates of
# XPath, because Comunica computes with its types of durations. rdflib 7.6.0 gives them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
npm init --yes > "$folder/npm.log"
npm install --silent --no-audit --no-fund @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> "$folder/npm.log" 2>&1
cat > queries.txt <<'TEXT'
"2020-01-15"^^xsd:date + "P1M"^^xsd:yearMonthDuration
"2020-01-31"^^xsd:date + "P1M"^^xsd:yearMonthDuration
"2020-02-29"^^xsd:date + "P1Y"^^xsd:yearMonthDuration
"2020-05-31"^^xsd:date - "P1M"^^xsd:yearMonthDuration
TEXT
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { Store } from "n3";

const engine = new QueryEngine();
for (const expression of readFileSync("queries.txt", "utf8").trim().split("\n")) {
  const query = `PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (STR(${expression}) AS ?date) {}`;
  const rows = await (await engine.queryBindings(query, { sources: [new Store()] })).toArray();
  console.log(`comunica: ${expression} is ${rows[0].get("date").value}`);
}
JS
cat > ask.py <<'PY'
import rdflib

for expression in open("queries.txt").read().splitlines():
    query = f"PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (STR({expression}) AS ?date) {{}}"
    print(f"rdflib: {expression} is {next(iter(rdflib.Graph().query(query)))[0]}")
PY
node ask.mjs > seen
"$folder/venv/bin/python" ask.py >> seen
cat seen
diff seen - <<'SEEN'
comunica: "2020-01-15"^^xsd:date + "P1M"^^xsd:yearMonthDuration is 2020-02-15
comunica: "2020-01-31"^^xsd:date + "P1M"^^xsd:yearMonthDuration is 2020-03-02
comunica: "2020-02-29"^^xsd:date + "P1Y"^^xsd:yearMonthDuration is 2021-03-01
comunica: "2020-05-31"^^xsd:date - "P1M"^^xsd:yearMonthDuration is 2020-05-01
rdflib: "2020-01-15"^^xsd:date + "P1M"^^xsd:yearMonthDuration is 2020-02-15
rdflib: "2020-01-31"^^xsd:date + "P1M"^^xsd:yearMonthDuration is 2020-02-29
rdflib: "2020-02-29"^^xsd:date + "P1Y"^^xsd:yearMonthDuration is 2021-02-28
rdflib: "2020-05-31"^^xsd:date - "P1M"^^xsd:yearMonthDuration is 2020-04-30
SEEN
echo "as described"
