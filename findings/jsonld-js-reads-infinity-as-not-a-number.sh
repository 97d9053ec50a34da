#!/usr/bin/env bash
# A value of JSON-LD that is a text with the type xsd:double keeps its lexical form in RDF. Only a number of JSON is converted to a
# canonical one (JSON-LD 1.1 API, 8.2.2). jsonld 9.0.0 for JavaScript parses the text as a number as well and writes it again:
# "INF" and "-INF" become NaN. A double that needs more than 16 digits becomes its neighbour. A text that is no double, such as
# "12 km", becomes the number 12. No error is raised, also not with `safe`. The hash of a signed document is then that of another
# value. A good engineer writes such a value as text in order to keep it, and expects the results of pyoxigraph 0.5.13 and
# jsonld-streaming-parser 5.0.1. Texts with the types xsd:float and xsd:decimal are kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld@9.0.0 jsonld-streaming-parser@5.0.1 >> npm.log 2>&1
cat > values.jsonld <<'JSON'
{
  "@context": {"@vocab": "http://example.org/", "xsd": "http://www.w3.org/2001/XMLSchema#"},
  "@id": "http://example.org/bath",
  "double": [
    {"@value": "INF", "@type": "xsd:double"},
    {"@value": "-INF", "@type": "xsd:double"},
    {"@value": "0.30000000000000004", "@type": "xsd:double"},
    {"@value": "12 km", "@type": "xsd:double"}
  ],
  "float": {"@value": "INF", "@type": "xsd:float"},
  "decimal": {"@value": "41.90", "@type": "xsd:decimal"}
}
JSON
cat > read.mjs <<'JS'
import { createReadStream, readFileSync } from "node:fs";
import jsonld from "jsonld";
import { JsonLdParser } from "jsonld-streaming-parser";

const show = (name, quads) => console.log(name, quads.map((quad) => quad.object.value).sort().join(", "));
show("jsonld:", await jsonld.toRDF(JSON.parse(readFileSync("values.jsonld", "utf8")), { safe: true }));
const quads = [];
for await (const quad of createReadStream("values.jsonld").pipe(new JsonLdParser())) quads.push(quad);
show("jsonld-streaming-parser:", quads);
JS
cat > read.py <<'PY'
import pyoxigraph

print("pyoxigraph:", ", ".join(sorted(quad.object.value for quad in pyoxigraph.parse(path="values.jsonld"))))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
jsonld: 1.2E1, 3.0E-1, 41.90, INF, NaN, NaN
jsonld-streaming-parser: -INF, 0.30000000000000004, 12 km, 41.90, INF, INF
pyoxigraph: -INF, 0.30000000000000004, 12 km, 41.90, INF, INF
SEEN
echo "as described"
