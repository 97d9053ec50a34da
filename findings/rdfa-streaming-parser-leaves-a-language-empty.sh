#!/usr/bin/env bash
# An empty lang attribute means that a text has no language, so that its literal is a plain one (RDFa Core 1.1, 7.5).
# rdfa-streaming-parser 3.0.2, which Comunica uses, makes it an rdf:langString with an empty language. RDF 1.1 has no such
# literal (Concepts, 3.3). It is another term than the plain text, so that a join does not find it. pyoxigraph 0.5.13 refuses the
# N-Triples that n3 2.13.12 writes of it. The parser reports nothing. A good engineer expects a plain literal, as
# rdfxml-streaming-parser 3.3.0 makes for an empty xml:lang. Codes on a page in some language are marked so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund n3@2.13.12 rdfa-streaming-parser@3.0.2 rdfxml-streaming-parser@3.3.0 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { writeFileSync } from "node:fs";
import n3 from "n3";
import { RdfaParser } from "rdfa-streaming-parser";
import { RdfXmlParser } from "rdfxml-streaming-parser";

const read = async (parser, text) => {
  const quads = [];
  parser.end(text);
  for await (const quad of parser) quads.push(quad);
  return quads;
};
const page = await read(
  new RdfaParser({ baseIRI: "http://example.org/", contentType: "text/html" }),
  '<html lang="en"><p property="http://example.org/name">Bath</p><p lang="" property="http://example.org/code">GB-BAS</p></html>',
);
const show = (name, { object: { value, datatype, language } }) =>
  console.log(name, value, datatype.value.split("#")[1], JSON.stringify(language));
for (const quad of page) show("RDFa:", quad);
const document = await read(
  new RdfXmlParser(),
  `<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:ex="http://example.org/" xml:lang="en"
    rdf:about="http://example.org/"><ex:code xml:lang="">GB-BAS</ex:code></rdf:Description>`,
);
for (const quad of document) show("RDF/XML:", quad);
writeFileSync("page.nt", new n3.Writer({ format: "N-Triples" }).quadsToString(page));
JS
cat > read.py <<'PY'
import pyoxigraph

try:
    print("pyoxigraph:", len(list(pyoxigraph.parse(path="page.nt"))))
except SyntaxError as error:
    print("pyoxigraph:", error.msg.split(": ", 1)[-1])
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
RDFa: Bath langString "en"
RDFa: GB-BAS langString ""
RDF/XML: GB-BAS string ""
pyoxigraph: The datatype of a literal without a language tag must not be rdf:langString
SEEN
echo "as described"
