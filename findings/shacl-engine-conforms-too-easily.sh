#!/usr/bin/env bash
# An instance of a subclass is a SHACL instance of its class if the data graph has rdfs:subClassOf (SHACL, 2.1.3.2 and 4.1.1), and
# a report conforms only if it has no results (3.6.1). shacl-engine 1.1.2 reads rdfs:subClassOf only in the shapes graph: with the
# hierarchy in the data graph, a target class misses the instances of its subclass, and sh:class rejects them. A report conforms
# although it has a result with a custom severity (2.1.4). A constraint that it does not support, such as sh:sparql without its
# add-on, is ignored without a warning. A good engineer expects violations, or an error, as from rdf-validate-shacl 0.6.5. Put the
# hierarchy into both graphs, and count the results.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund n3@2.13.12 rdf-ext@2.6.0 rdf-validate-shacl@0.6.5 shacl-engine@1.1.2 >> npm.log 2>&1
cat > validate.mjs <<'JS'
import { Parser } from "n3";
import rdf from "rdf-ext";
import RdfValidator from "rdf-validate-shacl";
import { Validator } from "shacl-engine";

const PREFIXES = `@prefix ex: <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
  @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .`;
const dataset = (text) => rdf.dataset(new Parser({ factory: rdf }).parse(PREFIXES + text));
const HIERARCHY = "ex:SisterAgreement rdfs:subClassOf ex:Agreement .";
const DATA = "ex:a1 a ex:SisterAgreement . ex:bath ex:agreement ex:a1 .";
const TARGET = "ex:S a sh:NodeShape ; sh:targetClass ex:Agreement ; sh:property [ sh:path ex:date ; sh:minCount 1 ] .";
const CLASS = "ex:S a sh:NodeShape ; sh:targetNode ex:bath ; sh:property [ sh:path ex:agreement ; sh:class ex:Agreement ] .";
const CASES = {
  "target class, hierarchy in the data": [TARGET, DATA + HIERARCHY],
  "target class, hierarchy in the shapes": [TARGET + HIERARCHY, DATA],
  "sh:class, hierarchy in the data": [CLASS, DATA + HIERARCHY],
  "sh:class, hierarchy in the shapes": [CLASS + HIERARCHY, DATA],
  "severity ex:Hint": [`ex:S a sh:NodeShape ; sh:targetNode ex:bath ; sh:severity ex:Hint ; sh:class ex:Town .`, DATA],
  "sh:sparql": [`ex:S a sh:NodeShape ; sh:targetNode ex:bath ;
    sh:sparql [ sh:select "SELECT $this { $this <http://example.org/agreement> ?agreement }" ] .`, DATA],
};
for (const [name, [shapes, data]] of Object.entries(CASES)) {
  const report = await new Validator(dataset(shapes), { factory: rdf }).validate({ dataset: dataset(data) });
  let other;
  try {
    other = (await new RdfValidator(dataset(shapes)).validate(dataset(data))).conforms;
  } catch (error) {
    other = error.message.split(" http")[0];
  }
  console.log(`${name}: shacl-engine ${report.conforms} (results: ${report.results.length}), rdf-validate-shacl ${other}`);
}
JS
node validate.mjs | tee seen
diff seen - <<'SEEN'
target class, hierarchy in the data: shacl-engine true (results: 0), rdf-validate-shacl false
target class, hierarchy in the shapes: shacl-engine false (results: 1), rdf-validate-shacl true
sh:class, hierarchy in the data: shacl-engine false (results: 1), rdf-validate-shacl true
sh:class, hierarchy in the shapes: shacl-engine true (results: 0), rdf-validate-shacl false
severity ex:Hint: shacl-engine true (results: 1), rdf-validate-shacl false
sh:sparql: shacl-engine true (results: 0), rdf-validate-shacl Cannot find validator for constraint component
SEEN
echo "as described"
