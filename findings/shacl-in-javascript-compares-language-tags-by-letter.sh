#!/usr/bin/env bash
# Language tags are compared without regard to case (RDF 1.1, Concepts, 3.3; RFC 5646, 2.1.1), and sh:languageIn uses langMatches
# (SHACL 4.4.4). pyoxigraph 0.5.13 stores tags in lower case: "az-Latn" becomes "az-latn". rdf-validate-shacl 0.6.5 and
# shacl-engine 1.1.2 compare case-sensitively: data exported from such a store violates sh:languageIn ("az-Latn"), and two names
# tagged "tr-TR" and "tr-tr" satisfy sh:uniqueLang. A good engineer who validates files before loading them expects that an export
# of the store conforms as well. pySHACL 0.40.1 ignores case. Use lower-case tags in shapes and data.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 pyshacl==0.40.1 rdflib==7.6.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund n3@2.13.12 rdf-ext@2.6.0 rdf-validate-shacl@0.6.5 shacl-engine@1.1.2 >> npm.log 2>&1
cat > languages.ttl <<'TTL'
@prefix ex: <http://example.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:name ; sh:property [ sh:path ex:name ; sh:languageIn ("az-Latn") ] .
TTL
sed 's/sh:languageIn ("az-Latn")/sh:uniqueLang true/' languages.ttl > unique.ttl
echo '<http://example.org/baku> <http://example.org/name> "Bakı"@az-Latn .' > file.nt
echo '<http://example.org/izmir> <http://example.org/name> "Alsancak"@tr-TR, "Konak"@tr-tr .' > two.nt
cat > store.py <<'PY'
import pyoxigraph

store = pyoxigraph.Store()
store.load(path="file.nt", format=pyoxigraph.RdfFormat.N_TRIPLES)
store.dump("copy.nt", format=pyoxigraph.RdfFormat.N_TRIPLES, from_graph=pyoxigraph.DefaultGraph())
print(*{quad.object for quad in store})
PY
cat > validate.py <<'PY'
import pyshacl
import rdflib

for shapes, data in (("languages.ttl", "file.nt"), ("languages.ttl", "copy.nt"), ("unique.ttl", "two.nt")):
    conforms = pyshacl.validate(rdflib.Graph().parse(data, format="turtle"), shacl_graph=rdflib.Graph().parse(shapes))[0]
    print(f"pySHACL: {data} with {shapes} conforms: {conforms}")
PY
cat > validate.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Parser } from "n3";
import rdf from "rdf-ext";
import RdfValidator from "rdf-validate-shacl";
import { Validator } from "shacl-engine";

const dataset = (file) => rdf.dataset(new Parser({ factory: rdf }).parse(readFileSync(file, "utf8")));
for (const [shapes, data] of [["languages.ttl", "file.nt"], ["languages.ttl", "copy.nt"], ["unique.ttl", "two.nt"]]) {
  const report = await new Validator(dataset(shapes), { factory: rdf }).validate({ dataset: dataset(data) });
  const other = await new RdfValidator(dataset(shapes)).validate(dataset(data));
  console.log(`${data} with ${shapes} conforms: shacl-engine ${report.conforms}, rdf-validate-shacl ${other.conforms}`);
}
JS
venv/bin/python store.py > seen
venv/bin/python validate.py >> seen
node validate.mjs >> seen
cat seen
diff seen - <<'SEEN'
"Bakı"@az-latn
pySHACL: file.nt with languages.ttl conforms: True
pySHACL: copy.nt with languages.ttl conforms: True
pySHACL: two.nt with unique.ttl conforms: False
file.nt with languages.ttl conforms: shacl-engine true, rdf-validate-shacl true
copy.nt with languages.ttl conforms: shacl-engine false, rdf-validate-shacl false
two.nt with unique.ttl conforms: shacl-engine true, rdf-validate-shacl true
SEEN
echo "as described"
