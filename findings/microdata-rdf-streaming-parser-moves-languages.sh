#!/usr/bin/env bash
# The language of a text in HTML is the one of its nearest ancestor with a lang attribute, and relative addresses start from the
# base element (HTML, 3.2.6.2 and 4.2.3). microdata-rdf-streaming-parser 3.0.0, which Comunica uses, remembers one language for
# each item: it gives a language to all texts that follow in the item, also to a code in a meta element, and ignores the lang
# attribute of the page. It ignores the base element. A day of each year (05-28) becomes an xsd:gYearMonth, and a double with an
# exponent (23e5) an xsd:integer, neither of which is in the lexical space of its type (XML Schema, part 2, 3.2.10 and 3.3.13). No
# error is raised. A good engineer expects languages and addresses as a browser determines them, and no literal that is ill-typed.
# An item in one language without these is read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund microdata-rdf-streaming-parser@3.0.0 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { Readable } from "node:stream";
import { MicrodataRdfParser } from "microdata-rdf-streaming-parser";

const head = "<!DOCTYPE html><title>Baku</title>";
const item = (content) => `<div itemscope itemtype="http://schema.org/City">${content}</div>`;
const pages = {
  "language of a neighbour": item(
    '<span itemprop="name" lang="tr">Bakü</span><span itemprop="code">B1</span><meta itemprop="code" content="B2">',
  ),
  "language of the item": item('<span itemprop="name">Bakü</span>').replace("<div", '<div lang="tr"'),
  "language of the page":
    `<!DOCTYPE html><html lang="tr"><title>Bakü</title><body>${item('<span itemprop="name">Bakü</span>')}</body></html>`,
  "base of the page": `<base href="http://data.example.org/">${item('<a itemprop="url" href="baku">Bakü</a>')}`,
  "day of each year": item('<time itemprop="holiday" datetime="05-28">28 May</time>'),
  "month of a year": item('<time itemprop="founded" datetime="1918-05">May 1918</time>'),
  "numbers": item('<data itemprop="people" value="2300000">x</data><data itemprop="people" value="23e5">x</data>'),
};
for (const [kind, html] of Object.entries(pages)) {
  const parser = new MicrodataRdfParser({ baseIRI: "http://example.org/page" });
  for await (const { predicate, object } of Readable.from([html.startsWith("<!DOCTYPE") ? html : head + html]).pipe(parser)) {
    if (predicate.value.endsWith("#type")) continue;
    const type = object.termType === "Literal" ? object.language || object.datatype.value.replace(/^.*#/, "xsd:") : "IRI";
    console.log(`${kind}: ${predicate.value.replace(/^.*[/]/, "")} ${object.value} (${type})`);
  }
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
language of a neighbour: name Bakü (tr)
language of a neighbour: code B1 (tr)
language of a neighbour: code B2 (tr)
language of the item: name Bakü (tr)
language of the page: name Bakü (xsd:string)
base of the page: url http://example.org/baku (IRI)
day of each year: holiday 05-28 (xsd:gYearMonth)
month of a year: founded 1918-05 (xsd:gYearMonth)
numbers: people 2300000 (xsd:integer)
numbers: people 23e5 (xsd:integer)
SEEN
echo "as described"
