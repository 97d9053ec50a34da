#!/usr/bin/env bash
# The value of a time element in microdata is its attribute datetime or, without one, its text (HTML, 5.2.4 and 4.5.14). A
# page with <time itemprop="startDate">1994-05-23</time> therefore states the date. extruct 0.18.0 and microdata 0.8.0 for Python,
# and microdata-node 2.0.0 for JavaScript, return an empty text for it. microdata-node also turns the value of a data element into
# a number, so that the postcode 01067 becomes 1067. microdata reads the text of data and meter instead of their value. No error is
# raised. A good engineer expects the date and the postcode of the page, as from microdata-rdf-streaming-parser 3.0.0. With an
# attribute datetime, all four read the date, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check extruct==0.18.0 microdata==0.8.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund microdata-node@2.0.0 microdata-rdf-streaming-parser@3.0.0 >> npm.log 2>&1
cat > page.html <<'HTML'
<!doctype html>
<title>A meeting of twin cities</title>
<div itemscope itemtype="https://schema.org/Event">
  <time itemprop="startDate">1994-05-23</time>
  <time itemprop="endDate" datetime="1994-05-24">the day after</time>
  <data itemprop="postalCode" value="01067">Dresden</data>
  <meter itemprop="attendance" min="0" max="400" value="350">almost all</meter>
</div>
HTML
cat > read.mjs <<'JS'
import { createReadStream, readFileSync } from "node:fs";
import { toJson } from "microdata-node";
import { MicrodataRdfParser } from "microdata-rdf-streaming-parser";

const names = ["startDate", "endDate", "postalCode", "attendance"];
const { properties } = toJson(readFileSync("page.html", "utf8")).items[0];
console.log("microdata-node:", ...names.map((name) => JSON.stringify(properties[name][0])));
const values = {};
for await (const quad of createReadStream("page.html").pipe(new MicrodataRdfParser({ baseIRI: "http://example.org/" }))) {
  values[quad.predicate.value.split("/").at(-1)] = quad.object.value;
}
console.log("microdata-rdf-streaming-parser:", ...names.map((name) => JSON.stringify(values[name])));
JS
cat > read.py <<'PY'
import json

import extruct
import microdata

NAMES = ("startDate", "endDate", "postalCode", "attendance")
page = open("page.html").read()
properties = extruct.extract(page, syntaxes=["microdata"])["microdata"][0]["properties"]
print("extruct:", *(json.dumps(properties[name]) for name in NAMES))
properties = microdata.get_items(page)[0].props
print("microdata:", *(json.dumps(properties[name][0]) for name in NAMES))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
microdata-node: "" "1994-05-24" 1067 350
microdata-rdf-streaming-parser: "1994-05-23" "1994-05-24" "01067" "350"
extruct: "" "1994-05-24" "01067" "350"
microdata: "" "1994-05-24" "Dresden" "almost all"
SEEN
echo "as described"
