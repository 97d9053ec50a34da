#!/usr/bin/env bash
# In CSV on the Web, a column has a name for use in URI templates, and titles, which are the texts of the header (Metadata Vocabulary
# for Tabular Data, 5.1.3 and 5.6). rdf-parser-csvw 1.1.0 fills a template by the titles. With the usual short names, {id} is empty,
# so that all rows have the same subject, and the statements of all cities become those of one. A list with a separator is kept as
# one text, of several texts for null only one counts, the formats of numbers and booleans have no effect, and a cell that is no
# date becomes "Invalid DateTime" with the type xsd:date. No error is raised. A good engineer expects a subject for each city, two
# twins of bath, 94782, false, and no date of beppu. Where the header consists of the names, the subjects are correct, so that an
# ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rdf-parser-csvw@1.1.0 rdf-ext@2.6.0 n3@2.13.12 >> npm.log 2>&1
cat > titles.csv <<'CSV'
Identifier,Twins,Population,Since,Capital
bath,beppu;alkmaar,94.782,23.05.1994,N
beppu,bath,113.045,unknown,N
CSV
sed '1s/.*/id,twins,population,since,capital/' titles.csv > names.csv
cat > read.mjs <<'JS'
import { createReadStream } from "node:fs";
import { Parser } from "n3";
import rdf from "rdf-ext";
import CsvwParser from "rdf-parser-csvw";

const metadata = (titles) => `
  @prefix : <http://www.w3.org/ns/csvw#> .
  @base <http://example.org/> .
  <table> :url <cities.csv> ; :tableSchema [
    :aboutUrl "http://example.org/{id}" ; :propertyUrl "http://example.org/{_name}" ; :column (
      [ :name "id" ; :title "${titles[0]}" ; :suppressOutput true ]
      [ :name "twins" ; :title "${titles[1]}" ; :separator ";" ]
      [ :name "population" ; :title "${titles[2]}" ; :datatype [ :base "integer" ; :format [ :groupChar "." ] ] ]
      [ :name "since" ; :title "${titles[3]}" ; :datatype [ :base "date" ; :format "dd.MM.yyyy" ] ; :null "-", "unknown" ]
      [ :name "capital" ; :title "${titles[4]}" ; :datatype [ :base "boolean" ; :format "Y|N" ] ] ) ] .`;
for (const [path, titles] of [
  ["names.csv", ["id", "twins", "population", "since", "capital"]],
  ["titles.csv", ["Identifier", "Twins", "Population", "Since", "Capital"]],
]) {
  const dataset = rdf.dataset(new Parser({ factory: rdf }).parse(metadata(titles)));
  const parser = new CsvwParser({ factory: rdf, metadata: dataset, baseIRI: "http://example.org/cities.csv" });
  for await (const quad of parser.import(createReadStream(path, "utf8"))) {
    if (quad.object.termType !== "Literal" || quad.predicate.value.includes("csvw#")) continue;
    const type = quad.object.datatype.value.split("#")[1];
    console.log(`${path}: <${quad.subject.value}> ${quad.predicate.value.split("/").at(-1)} "${quad.object.value}"^^xsd:${type}`);
  }
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
names.csv: <http://example.org/bath> twins "beppu;alkmaar"^^xsd:string
names.csv: <http://example.org/bath> population "94.782"^^xsd:integer
names.csv: <http://example.org/bath> since "1994-05-23"^^xsd:date
names.csv: <http://example.org/bath> capital "N"^^xsd:boolean
names.csv: <http://example.org/beppu> twins "bath"^^xsd:string
names.csv: <http://example.org/beppu> population "113.045"^^xsd:integer
names.csv: <http://example.org/beppu> since "Invalid DateTime"^^xsd:date
names.csv: <http://example.org/beppu> capital "N"^^xsd:boolean
titles.csv: <http://example.org/> twins "beppu;alkmaar"^^xsd:string
titles.csv: <http://example.org/> population "94.782"^^xsd:integer
titles.csv: <http://example.org/> since "1994-05-23"^^xsd:date
titles.csv: <http://example.org/> capital "N"^^xsd:boolean
titles.csv: <http://example.org/> twins "bath"^^xsd:string
titles.csv: <http://example.org/> population "113.045"^^xsd:integer
titles.csv: <http://example.org/> since "Invalid DateTime"^^xsd:date
titles.csv: <http://example.org/> capital "N"^^xsd:boolean
SEEN
echo "as described"
