#!/usr/bin/env bash
# In a prefixed name, a backslash allows a character that is otherwise not possible there, such as a parenthesis or a slash, and is
# no part of the IRI (SPARQL 1.1, 4.1.1 and 19.8, PN_LOCAL_ESC). DBpedia has many such names, as in dbr:Bath_\(city\). rdflib 7.6.0
# and @comunica/query-sparql-rdfjs 5.4.1 keep the backslash: the query asks for another IRI and finds nothing. An IRI cannot contain
# a backslash (RFC 3987, 2.2), but no error is raised. rdflib also inserts it. A good engineer expects the same IRI in a query
# as in a file of Turtle, which has the same names (RDF 1.1 Turtle, 2.4). rdflib, and n3 2.13.12 for Comunica, read them correctly
# there. pyoxigraph 0.5.13 returns the rows. So does an IRI in angle brackets.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @comunica/query-sparql-rdfjs@5.4.1 n3@2.13.12 >> npm.log 2>&1
cat > city.ttl <<'TTL'
PREFIX city: <http://example.org/city/>
city:Bath_\(city\) city:twin city:Alkmaar .
city:Biel\/Bienne city:twin city:Iserlohn .
TTL
cat > queries.txt <<'TEXT'
SELECT ?twin { city:Bath_\(city\) city:twin ?twin }
SELECT ?twin { city:Biel\/Bienne city:twin ?twin }
SELECT ?twin { <http://example.org/city/Bath_(city)> city:twin ?twin }
TEXT
cat > ask.mjs <<'JS'
import { readFileSync } from "node:fs";
import { QueryEngine } from "@comunica/query-sparql-rdfjs";
import { Parser, Store } from "n3";

const PREFIX = "PREFIX city: <http://example.org/city/> ";
const sources = [new Store(new Parser().parse(readFileSync("city.ttl", "utf8")))];
for (const query of readFileSync("queries.txt", "utf8").trim().split("\n")) {
  const rows = await (await new QueryEngine().queryBindings(PREFIX + query, { sources })).toArray();
  console.log("comunica:", JSON.stringify(rows.map((row) => row.get("twin").value.slice(24))));
}
JS
cat > ask.py <<'PY'
import pyoxigraph
import rdflib

PREFIX = "PREFIX city: <http://example.org/city/> "
store = pyoxigraph.Store()
store.load(path="city.ttl")
graph = rdflib.Graph().parse("city.ttl")
for query in open("queries.txt").read().splitlines():
    print("pyoxigraph:", [row["twin"].value[24:] for row in store.query(PREFIX + query)])
    print("rdflib:", [str(row.twin)[24:] for row in graph.query(PREFIX + query)])
graph.update(PREFIX + r"INSERT DATA { city:Bath_\(city\) city:country city:England }")
print("rdflib, inserted:", *sorted({str(city) for city in graph.subjects() if "Bath" in city}))
PY
node ask.mjs > seen
"$folder/venv/bin/python" ask.py >> seen 2> warnings
cat seen
diff seen - <<'SEEN'
comunica: []
comunica: []
comunica: ["Alkmaar"]
pyoxigraph: ['Alkmaar']
rdflib: []
pyoxigraph: ['Iserlohn']
rdflib: []
pyoxigraph: ['Alkmaar']
rdflib: ['Alkmaar']
rdflib, inserted: http://example.org/city/Bath_(city) http://example.org/city/Bath_\(city\)
SEEN
echo "as described"
