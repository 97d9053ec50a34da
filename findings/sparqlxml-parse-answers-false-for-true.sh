#!/usr/bin/env bash
# A result of ASK in XML has a boolean of XML Schema, around which blanks and line breaks are allowed. The elements may have a
# prefix for their namespace, and a text may contain a comment or a CDATA section (SPARQL Query Results XML Format, Boolean Results
# and XML Schemas; XML Schema, part 2, 4.3.6; XML 1.0, 2.5 and 2.7). sparqlxml-parse 3.3.0, with which Comunica reads the answers of
# endpoints, returns false for a true with blanks around it. It keeps only the last piece of a text that a comment or a CDATA
# section divides, and finds no results behind a prefix. Only the last one is an error. A good engineer expects the answers of
# rdflib 7.6.0. A true without blanks, and a text without comments, are read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund sparqlxml-parse@3.3.0 >> npm.log 2>&1
ns="http://www.w3.org/2005/sparql-results#"
row() { echo "<sparql xmlns='$ns'><head><variable name='name'/></head><results><result><binding name='name'>$1</binding></result></results></sparql>"; }
{
  echo "<sparql xmlns='$ns'><head/><boolean>true</boolean></sparql>"
  echo "<sparql xmlns='$ns'><head/><boolean> true </boolean></sparql>"
  echo "<s:sparql xmlns:s='$ns'><s:head/><s:boolean>true</s:boolean></s:sparql>"
  row "<literal>Bath Spa</literal>"
  row "<literal>Bath<!-- in Somerset --> Spa</literal>"
  row "<literal><![CDATA[Bath]]> Spa</literal>"
} > answers.txt
cat > read.mjs <<'JS'
import fs from "node:fs";
import { Readable } from "node:stream";
import { SparqlXmlParser } from "sparqlxml-parse";

const parser = new SparqlXmlParser();
for (const text of fs.readFileSync("answers.txt", "utf8").trim().split("\n")) {
  let answer;
  try {
    if (text.includes("boolean")) {
      answer = await parser.parseXmlBooleanStream(Readable.from([text]));
    } else {
      for await (const row of parser.parseXmlResultsStream(Readable.from([text]))) answer = row.name.value;
    }
  } catch (error) {
    answer = error.message;
  }
  console.log(`sparqlxml-parse: ${answer}`);
}
JS
cat > read.py <<'PY'
from io import StringIO

from rdflib.query import Result

for text in open("answers.txt", encoding="utf-8"):
    result = Result.parse(StringIO(text), format="xml")
    print("rdflib:", str(result.askAnswer).lower() if result.type == "ASK" else next(iter(result)).name)
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
sparqlxml-parse: true
sparqlxml-parse: false
sparqlxml-parse: No valid ASK response was found.
sparqlxml-parse: Bath Spa
sparqlxml-parse:  Spa
sparqlxml-parse:  Spa
rdflib: true
rdflib: true
rdflib: true
rdflib: Bath Spa
rdflib: Bath Spa
rdflib: Bath Spa
SEEN
echo "as described"
