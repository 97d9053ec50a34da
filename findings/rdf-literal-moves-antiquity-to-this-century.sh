#!/usr/bin/env bash
# A year before the year 1 is written with a minus, as in "-0044" (XML Schema, part 2, 3.2.7 and 3.2.11). rdf-literal 2.0.0 turns
# literals of RDF/JS into values of JavaScript and back. It passes the text of a date to Date, which here takes the minus for a
# separator. The year -0044 becomes 2044, and Rome's -0752 becomes 0752. Nothing is reported. With validation, `fromRdf` rejects
# the valid year. Writing loses more: zeros that the datatype requires (79, 1977-5), most digits of 0.1 + 0.2, and infinity,
# which becomes NaN. A decimal gets an exponent, which xsd:decimal does not allow. A good engineer expects the same value after
# reading and writing. Recent days come back unchanged, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdf-literal@2.0.0 n3@2.13.12 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { DataFactory } from "n3";
import { fromRdf, toRdf } from "rdf-literal";

const schema = "http://www.w3.org/2001/XMLSchema#";
for (const [text, name] of [
  ["1994-05-23", "date"], ["-0044-03-15", "date"], ["-0752-04-21", "date"], ["-0044", "gYear"], ["0079", "gYear"],
  ["1977-05", "gYearMonth"], ["1.5", "decimal"], ["INF", "double"],
]) {
  const datatype = DataFactory.namedNode(schema + name);
  const value = fromRdf(DataFactory.literal(text, datatype));
  console.log(`${name} ${text} is written as`, toRdf(value, { dataFactory: DataFactory, datatype }).value);
}
for (const number of [0.25, 0.1 + 0.2]) console.log(number, "is written as", toRdf(number, { dataFactory: DataFactory }).value);
try {
  fromRdf(DataFactory.literal("-0044", DataFactory.namedNode(`${schema}gYear`)), true);
} catch (error) {
  console.log(error.message);
}
JS
TZ=UTC node read.mjs > seen
cat seen
diff seen - <<'SEEN'
date 1994-05-23 is written as 1994-05-23
date -0044-03-15 is written as 2044-03-15
date -0752-04-21 is written as 0752-04-21
gYear -0044 is written as 2044
gYear 0079 is written as 79
gYearMonth 1977-05 is written as 1977-5
decimal 1.5 is written as 1.5E0
double INF is written as NaN
0.25 is written as 2.5E-1
0.30000000000000004 is written as 3.0E-1
Invalid RDF http://www.w3.org/2001/XMLSchema#gYear value: '-0044'
SEEN
echo "as described"
