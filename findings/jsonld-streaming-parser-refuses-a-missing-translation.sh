#!/usr/bin/env bash
# In a language map of JSON-LD, the value of a language may be null, and is then left out (JSON-LD 1.1, 9.8).
# jsonld-streaming-parser 5.0.1, which Comunica uses, ends with an error at null. A good engineer expects the other translations,
# as from jsonld 9.0.0 and rdflib 7.6.0. Names from a table in which some translations are missing give such a map. The parser
# accepts null as the value of a property, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld-streaming-parser@5.0.1 jsonld@9.0.0 >> npm.log 2>&1
cat > town.json <<'JSON'
{
  "@context": {"ex": "http://example.org/", "name": {"@id": "ex:name", "@container": "@language"}},
  "@id": "ex:bath",
  "ex:area": null,
  "name": {"en": "Bath", "az": null}
}
JSON
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import jsonld from "jsonld";
import { JsonLdParser } from "jsonld-streaming-parser";

const text = readFileSync("town.json", "utf8");
console.log("jsonld.js:", (await jsonld.toRDF(JSON.parse(text), { format: "application/n-quads" })).trim());
for (const document of [text, text.replace(', "az": null', "")]) {
  const parser = new JsonLdParser();
  parser.end(document);
  try {
    for await (const { object } of parser) console.log("jsonld-streaming-parser:", object.value);
  } catch (error) {
    console.log("jsonld-streaming-parser:", error.message);
  }
}
JS
cat > read.py <<'PY'
import rdflib

print("rdflib:", *rdflib.Graph().parse("town.json", format="json-ld").objects())
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
jsonld.js: <http://example.org/bath> <http://example.org/name> "Bath"@en .
jsonld-streaming-parser: Got invalid language map value, got 'null', but expected string
jsonld-streaming-parser: Bath
rdflib: Bath
SEEN
echo "as described"
