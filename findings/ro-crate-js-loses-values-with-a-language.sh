#!/usr/bin/env bash
# A value with a language or a datatype is an object with @value in JSON-LD, also in its flattened form (JSON-LD 1.1, 4.2). ro-crate
# 3.7.2 for JavaScript takes each such object, and each @list, for an entity without a name: toJSON() writes references to
# "entity-1" and so on, for which the graph has no entity, and the title, the date and the keywords are nowhere. No error is raised.
# A good engineer expects what was read to be written, or to be refused. Plain texts are kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund ro-crate@3.7.2 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { ROCrate } from "ro-crate";

const crate = new ROCrate({
  "@context": "https://w3id.org/ro/crate/1.1/context",
  "@graph": [
    {
      "@id": "ro-crate-metadata.json",
      "@type": "CreativeWork",
      about: { "@id": "./" },
      conformsTo: { "@id": "https://w3id.org/ro/crate/1.1" },
    },
    {
      "@id": "./",
      "@type": "Dataset",
      description: "Sister cities",
      name: { "@value": "Kardeş şehirler", "@language": "tr" },
      datePublished: { "@value": "1996-04-24", "@type": "http://www.w3.org/2001/XMLSchema#date" },
      keywords: { "@list": ["cities", "treaties"] },
    },
  ],
});
const graph = crate.toJSON()["@graph"];
const { description, name, datePublished, keywords } = graph.find((entity) => entity["@id"] === "./");
console.log("written:", JSON.stringify({ description, name, datePublished, keywords }));
console.log("entities:", graph.map((entity) => entity["@id"]).join(" "));
console.log("title in the text:", JSON.stringify(graph).includes("Kardeş"));
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
written: {"description":"Sister cities","name":{"@id":"entity-1"},"datePublished":{"@id":"entity-2"},"keywords":{"@id":"entity-3"}}
entities: ro-crate-metadata.json ./
title in the text: false
SEEN
echo "as described"
