#!/usr/bin/env bash
# In Turtle, the name after a prefix cannot contain # or / unless a backslash precedes it, and an unescaped # begins a comment (RDF
# 1.1 Turtle, 2.4 and 6.2). @rdfjs/serializer-turtle 1.1.5 shortens every IRI that begins with the namespace of a prefix, without
# an escape. The subject ex:bath#population is then read as ex:bath, and its properties become those of the city. Other names, such
# as ex:a/b, make the file unreadable. Of a blank node that is a type, as in OWL, and of one that refers to itself, the properties
# are left out. No error is raised. A good engineer expects the same triples after reading, as from the writer of n3 2.13.12. Names
# without such characters are written correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @rdfjs/serializer-turtle@1.1.5 n3@2.13.12 >> npm.log 2>&1
cat > write.mjs <<'JS'
import { Readable } from "node:stream";
import Serializer from "@rdfjs/serializer-turtle";
import { DataFactory, Parser, Writer } from "n3";

const namespace = "http://example.org/";
const writers = {
  n3: (quads) => new Writer({ prefixes: { ex: namespace } }).quadsToString(quads),
  rdfjs: async (quads) => {
    const prefixes = new Map([["ex", DataFactory.namedNode(namespace)]]);
    let text = "";
    for await (const part of new Serializer({ prefixes }).import(Readable.from(quads))) text += part;
    return text;
  },
};
const value = (term) => (term.termType === "BlankNode" ? "_" : term.value.replace(/^.*[/]/, ""));
for (const text of [
  "ex:bath ex:population 94782 .",
  "<http://example.org/bath#population> ex:value 94782 .",
  "ex:bath ex:twin <http://example.org/europe/alkmaar> .",
  "ex:bath a [ ex:in ex:england ] .",
  "_:node ex:same _:node .",
]) {
  const quads = new Parser().parse(`PREFIX ex: <${namespace}> ${text}`);
  for (const [name, write] of Object.entries(writers)) {
    try {
      const again = new Parser().parse(`PREFIX ex: <${namespace}> ${await write(quads)}`);
      console.log(`${name}:`, again.map((quad) => [quad.subject, quad.predicate, quad.object].map(value).join(" ")).join(", "));
    } catch (error) {
      console.log(`${name}:`, error.name);
    }
  }
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
n3: bath population 94782
rdfjs: bath population 94782
n3: bath#population value 94782
rdfjs: bath value 94782
n3: bath twin alkmaar
rdfjs: Error
n3: _ in england, bath 22-rdf-syntax-ns#type _
rdfjs: bath 22-rdf-syntax-ns#type _
n3: _ same _
rdfjs: 
SEEN
echo "as described"
