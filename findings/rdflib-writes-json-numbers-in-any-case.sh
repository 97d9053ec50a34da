#!/usr/bin/env bash
# A writer of JSON-LD turns literals into numbers of JSON only if it is asked to, because a number may change on the way (JSON-LD
# 1.1 API, JsonLdOptions, useNativeTypes, and 8.6). rdflib 7.6.0 has this option, `use_native_types`, but writes numbers whatever
# its value. jsonld 9.0.0 for JavaScript then reads another integer above 2^53. An infinite double is written as Infinity, which
# JSON does not have (RFC 8259, 6), so that JavaScript cannot parse the file. A node whose type is a blank node, as in OWL, gets an
# object as its @type, where only texts are allowed (JSON-LD 1.1, 9.2). jsonld refuses that as well. Writing raises no error, and
# rdflib reads its own files. A good engineer expects what pyoxigraph 0.5.13 writes. Decimals are written as text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld@9.0.0 >> npm.log 2>&1
cat > write.py <<'PY'
import pyoxigraph
import rdflib

PREFIX = "PREFIX : <http://example.org/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "
for name, text in (
    ("small", ":bath :id 1994"),
    ("large", ":bath :id 9007199254740993"),
    ("infinite", ':bath :ratio "INF"^^xsd:double'),
    ("type", ":bath a [ :in :england ]"),
):
    graph = rdflib.Graph().parse(data=f"{PREFIX}{text} .")
    graph.serialize(f"{name}-rdflib.jsonld", format="json-ld", use_native_types=False)
    assert len(rdflib.Graph().parse(f"{name}-rdflib.jsonld")) == len(graph)
    triples = pyoxigraph.parse(f"{PREFIX}{text} .", format=pyoxigraph.RdfFormat.TURTLE)
    pyoxigraph.serialize(triples, f"{name}-pyoxigraph.jsonld", format=pyoxigraph.RdfFormat.JSON_LD)
PY
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import jsonld from "jsonld";

const read = (name) => JSON.parse(readFileSync(`${name}.jsonld`, "utf8"));
for (const name of ["small", "large", "type"]) {
  for (const writer of ["pyoxigraph", "rdflib"]) {
    try {
      const rdf = await jsonld.toRDF(read(`${name}-${writer}`));
      console.log(name, writer, ...rdf.map((quad) => quad.object.value));
    } catch (error) {
      console.log(name, writer, error.details.code);
    }
  }
}
console.log("infinite pyoxigraph", JSON.stringify(read("infinite-pyoxigraph")[0]["http://example.org/ratio"]));
try {
  read("infinite-rdflib");
} catch (error) {
  console.log("infinite rdflib", error.name);
}
JS
"$folder/venv/bin/python" write.py
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
small pyoxigraph 1994
small rdflib 1994
large pyoxigraph 9007199254740993
large rdflib 9007199254740992
type pyoxigraph http://example.org/england b0
type rdflib invalid type value
infinite pyoxigraph [{"@type":"http://www.w3.org/2001/XMLSchema#double","@value":"INF"}]
infinite rdflib SyntaxError
SEEN
echo "as described"
