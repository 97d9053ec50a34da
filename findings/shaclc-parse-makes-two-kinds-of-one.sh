#!/usr/bin/env bash
# In the compact syntax of SHACL, BlankNodeOrIRI, BlankNodeOrLiteral and IRIOrLiteral are node kinds, and a text may have escapes,
# such as \\ (SHACL Compact Syntax, Grammar and Production Rules). shaclc-parse 2.0.0, which Comunica uses, reads each of these
# kinds as two: BlankNode and IRI. A shape has at most one node kind (SHACL, 4.1.3), and no node has both, so that
# rdf-validate-shacl 0.6.5 rejects all values. The rest of the word, "Or", is printed. A text with an escape ends with a TypeError,
# also the pattern of the first example of the specification. A name of a datatype is taken for a class if it is not in a short
# list: an xsd:date has to be an instance of the class xsd:date. No error is raised for these. A good engineer expects the one kind,
# and sh:datatype for XML Schema. The kinds BlankNode, IRI and Literal, and xsd:string, are read correctly, so that an ordinary test
# passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund shaclc-parse@2.0.0 rdf-validate-shacl@0.6.5 @zazuko/env@3.0.1 n3@2.13.12 >> npm.log 2>&1
cat > read.mjs <<'JS'
import rdf from "@zazuko/env";
import { Parser } from "n3";
import SHACLValidator from "rdf-validate-shacl";
import { parse } from "shaclc-parse";

const prefixes = `PREFIX ex: <http://example.org/>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
`;
const data = new Parser().parse(`${prefixes} ex:bath a ex:City ; ex:twin ex:beppu ; ex:since "1994-05-23"^^xsd:date ; ex:code "41906" .`);
for (const constraint of [
  "ex:twin IRI", "ex:twin BlankNodeOrIRI", "ex:code IRIOrLiteral", "ex:code xsd:string", "ex:since xsd:date",
  'ex:code pattern="^[0-9]{5}$"', String.raw`ex:code pattern="^\\d{5}$"`,
]) {
  const print = process.stdout.write;
  process.stdout.write = () => true;
  let result;
  try {
    const shapes = parse(`${prefixes} shape ex:CityShape -> ex:City { ${constraint} . }`, { baseIRI: "http://example.org/" });
    const validator = new SHACLValidator(rdf.dataset(shapes), { factory: rdf });
    const report = await validator.validate(rdf.dataset(data));
    const property = shapes.filter((quad) => quad.subject.termType === "BlankNode" && !quad.predicate.value.endsWith("path"));
    const short = (term) => term.value.replace(/^.*\//, "").replace("shacl#", "sh:").replace("XMLSchema#", "xsd:");
    const triples = property.map((quad) => `${short(quad.predicate)} ${short(quad.object)}`).join(", ");
    result = `${triples}; the data ${report.conforms ? "conform" : "do not conform"}`;
  } catch (error) {
    result = `${error.name}: ${error.message}`;
  }
  process.stdout.write = print;
  console.log(`${constraint}: ${result}`);
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
ex:twin IRI: sh:nodeKind sh:IRI; the data conform
ex:twin BlankNodeOrIRI: sh:nodeKind sh:BlankNode, sh:nodeKind sh:IRI; the data do not conform
ex:code IRIOrLiteral: sh:nodeKind sh:IRI, sh:nodeKind sh:Literal; the data do not conform
ex:code xsd:string: sh:datatype xsd:string; the data conform
ex:since xsd:date: sh:class xsd:date; the data do not conform
ex:code pattern="^[0-9]{5}$": sh:pattern ^[0-9]{5}$; the data conform
ex:code pattern="^\\d{5}$": TypeError: Cannot use 'in' operator to search for '\' in undefined
SEEN
echo "as described"
