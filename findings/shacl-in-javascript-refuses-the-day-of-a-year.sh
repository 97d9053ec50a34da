#!/usr/bin/env bash
# xsd:gMonthDay is written --05-23, and xsd:gDay ---05 (XML Schema Part 2, gMonthDay and gDay). rdf-validate-datatype 0.2.2
# refuses both, and accepts 05-23 and 05, which are no values of these types. It accepts 30 February as a date, and a time
# with hour 25. rdf-validate-shacl 0.6.5 decides sh:datatype by it, so that it reports the correct anniversary of a town, and
# passes the wrong one. A good engineer expects the lexical forms of the specification. xsd:gMonth and xsd:gYearMonth are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund \
  rdf-validate-datatype@0.2.2 rdf-validate-shacl@0.6.5 @zazuko/env@3.0.1 n3@2.0.1 >> npm.log 2>&1
cat > check.mjs <<'JS'
import rdf from "@zazuko/env";
import { Parser } from "n3";
import SHACLValidator from "rdf-validate-shacl";
import { validateTerm } from "rdf-validate-datatype";

const XSD = "http://www.w3.org/2001/XMLSchema#";
const literals = [
  ["gMonthDay", "--05-23"],
  ["gMonthDay", "05-23"],
  ["gDay", "---05"],
  ["gDay", "05"],
  ["gMonth", "--05"],
  ["gYearMonth", "1994-05"],
  ["date", "1994-02-30"],
  ["dateTime", "1994-02-28T25:00:00"],
];
for (const [type, text] of literals) {
  console.log(type, text, validateTerm(rdf.literal(text, rdf.namedNode(XSD + type))) ? "accepted" : "refused");
}

const prefixes = `@prefix : <https://example.org/> . @prefix xsd: <${XSD}> . @prefix sh: <http://www.w3.org/ns/shacl#> .\n`;
const read = (text) => rdf.dataset(new Parser().parse(prefixes + text));
const shapes = read(":Town sh:targetSubjectsOf :feast ; sh:property [ sh:path :feast ; sh:datatype xsd:gMonthDay ] .");
const validator = new SHACLValidator(shapes, { factory: rdf });
for (const day of ["--05-23", "05-23"]) {
  const report = await validator.validate(read(`:bath :feast "${day}"^^xsd:gMonthDay .`));
  console.log("feast", day, report.conforms ? "conforms" : "violates");
}
JS
node check.mjs > seen
cat seen
diff seen - <<'SEEN'
gMonthDay --05-23 refused
gMonthDay 05-23 accepted
gDay ---05 refused
gDay 05 accepted
gMonth --05 accepted
gYearMonth 1994-05 accepted
date 1994-02-30 accepted
dateTime 1994-02-28T25:00:00 accepted
feast --05-23 violates
feast 05-23 conforms
SEEN
echo "as described"
