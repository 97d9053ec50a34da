#!/usr/bin/env bash
# jsonld-streaming-serializer 4.0.0 writes a property twice in one object if another property comes between: JSON.parse keeps the
# last, and a statement is lost. With a @base it writes http://example.org/City:Baku as "City:Baku", which is an absolute IRI of
# the scheme "City". With useNativeTypes the doubles INF and NaN and the boolean "1" are errors that end the stream, although they
# are valid literals; without it they are written. A good engineer expects that jsonld 9.0.0 reads the statements that were
# written, and that a literal without a native form keeps its datatype.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld-streaming-serializer@4.0.0 rdf-data-factory@2.1.0 jsonld@9.0.0 >> npm.log 2>&1
cat > write.mjs <<'JS'
import jsonld from "jsonld";
import { JsonLdSerializer } from "jsonld-streaming-serializer";
import { DataFactory } from "rdf-data-factory";

const factory = new DataFactory();
const node = (name) => factory.namedNode(`http://example.org/${name}`);
const typed = (text, name) => factory.literal(text, factory.namedNode(`http://www.w3.org/2001/XMLSchema#${name}`));

function write(quads, options) {
  return new Promise((resolve, reject) => {
    const serializer = new JsonLdSerializer(options);
    let text = "";
    serializer.on("data", (chunk) => (text += chunk));
    serializer.on("end", () => resolve(text));
    serializer.on("error", reject);
    for (const [subject, predicate, object] of quads) {
      serializer.write(factory.quad(node(subject), node(predicate), object));
    }
    serializer.end();
  });
}

async function show(title, quads, options) {
  console.log(title);
  try {
    const quadsRead = await jsonld.toRDF(JSON.parse(await write(quads, options)), { format: "application/n-quads" });
    process.stdout.write(quadsRead.replace(/^/gm, "  ").trimEnd() + "\n");
  } catch (error) {
    console.log("  error:", error.message);
  }
}

const izmir = [
  ["izmir", "name", factory.literal("Smyrna")],
  ["izmir", "partner", node("baku")],
  ["izmir", "name", factory.literal("İzmir")],
];
await show("three statements:", izmir, {});
await show("with a base:", [["City:Baku", "partner", node("City:Izmir")]], { context: { "@base": "http://example.org/" } });
for (const [text, type] of [["INF", "double"], ["NaN", "double"], ["1", "boolean"]]) {
  await show(`${type} ${text}, native:`, [["izmir", "size", typed(text, type)]], { useNativeTypes: true });
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
three statements:
  <http://example.org/izmir> <http://example.org/name> "İzmir" .
  <http://example.org/izmir> <http://example.org/partner> <http://example.org/baku> .
with a base:
  <City:Baku> <http://example.org/partner> <City:Izmir> .
double INF, native:
  error: Invalid xsd:float value 'INF'
double NaN, native:
  error: Invalid xsd:float value 'NaN'
boolean 1, native:
  error: Invalid xsd:boolean value '1'
SEEN
echo "as described"
