#!/usr/bin/env bash
# The text of a property element in RDF/XML is the text of its XML content (RDF 1.1 XML Syntax, 7.2.16). A comment is no part of
# it, and a CDATA section is plain text (XML 1.0, 2.5 and 2.7). rdfxml-streaming-parser 3.3.0, which Comunica uses, keeps only
# the last piece of a text that a comment or a CDATA section divides. "Bath<!-- in Somerset --> Spa" becomes " Spa", without an
# error. pyoxigraph 0.5.13 refuses such a text as a syntax error. A good engineer expects the whole text from both, as from
# rdflib 7.6.0. Character references, and a text that is one CDATA section, are read correctly. An ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0 pyoxigraph==0.5.13
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdfxml-streaming-parser@3.3.0 >> npm.log 2>&1
cat > texts.json <<'JSON'
["Beppu &amp; B&#97;th", "Bath<!-- in Somerset --> Spa",
  "Agreement of <![CDATA[Bath & Beppu]]>",
  "<![CDATA[signed in <b>1994</b>]]>"]
JSON
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { RdfXmlParser } from "rdfxml-streaming-parser";

for (const text of JSON.parse(readFileSync("texts.json"))) {
  const parser = new RdfXmlParser();
  parser.end(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:ex="http://example.org/">
    <rdf:Description rdf:about="http://example.org/1"><ex:text>${text}</ex:text></rdf:Description></rdf:RDF>`);
  for await (const { object } of parser) console.log("rdfxml-streaming-parser:", JSON.stringify(object.value));
}
JS
cat > read.py <<'PY'
import json

import pyoxigraph
import rdflib

for text in json.load(open("texts.json")):
    document = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:ex="http://example.org/">
    <rdf:Description rdf:about="http://example.org/1"><ex:text>{text}</ex:text></rdf:Description></rdf:RDF>"""
    print("rdflib:", *(json.dumps(str(value)) for value in rdflib.Graph().parse(data=document, format="xml").objects()))
    try:
        triples = list(pyoxigraph.parse(document, pyoxigraph.RdfFormat.RDF_XML))
        print("pyoxigraph:", *(json.dumps(triple.object.value) for triple in triples))
    except SyntaxError as error:
        print("pyoxigraph:", error)
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
rdfxml-streaming-parser: "Beppu & Bath"
rdfxml-streaming-parser: " Spa"
rdfxml-streaming-parser: "Bath & Beppu"
rdfxml-streaming-parser: "signed in <b>1994</b>"
rdflib: "Beppu & Bath"
pyoxigraph: "Beppu & Bath"
rdflib: "Bath Spa"
pyoxigraph: Unexpected text event: ' Spa'
rdflib: "Agreement of Bath & Beppu"
pyoxigraph: Unexpected text event: 'Bath & Beppu'
rdflib: "signed in <b>1994</b>"
pyoxigraph: "signed in <b>1994</b>"
SEEN
echo "as described"
