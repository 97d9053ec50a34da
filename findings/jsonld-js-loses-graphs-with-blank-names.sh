#!/usr/bin/env bash
# The name of a graph may be a blank node, as in a container of graphs of JSON-LD, or in TriG (RDF 1.1, Concepts, 4; JSON-LD 1.1,
# 4.9.1). fromRDF of jsonld 9.0.0 for JavaScript drops the "_:" of such a name, and thereby makes a relative IRI of it. The node that
# other statements refer to keeps its "_:", so that the statements no longer belong to a graph. When the result is read again, the
# graph is left out, because a relative IRI is no name in RDF. No error is raised. A good engineer expects the same quads after both
# conversions, as with jsonld 8.3.3. Graphs whose name is an IRI are kept, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund jsonld@9.0.0 jsonld-8@npm:jsonld@8.3.3 >> npm.log 2>&1
cat > claims.nq <<'NQ'
<http://example.org/bath> <http://example.org/twin> <http://example.org/beppu> _:claim .
_:claim <http://example.org/source> <http://example.org/archive> .
<http://example.org/bath> <http://example.org/twin> <http://example.org/alkmaar> <http://example.org/release> .
NQ
cat > write.mjs <<'JS'
import { readFileSync } from "node:fs";
import jsonld from "jsonld";
import jsonld8 from "jsonld-8";

const format = "application/n-quads";
const short = (text) => text.replace(/<http:[/][/]example.org[/](\w+)>/g, ":$1");
for (const [name, processor] of [["jsonld 8.3.3", jsonld8], ["jsonld 9.0.0", jsonld]]) {
  const document = await processor.fromRDF(readFileSync("claims.nq", "utf8"), { format });
  console.log(`${name}, names:`, document.map((node) => node["@id"].replace("http://example.org/", ":")).join(" "));
  for (const line of short(await processor.toRDF(document, { format })).trim().split("\n")) console.log(`${name}: ${line}`);
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
jsonld 8.3.3, names: _:claim :release
jsonld 8.3.3: :bath :twin :alkmaar :release .
jsonld 8.3.3: :bath :twin :beppu _:b0 .
jsonld 8.3.3: _:b0 :source :archive .
jsonld 9.0.0, names: _:claim claim :release
jsonld 9.0.0: :bath :twin :alkmaar :release .
jsonld 9.0.0: _:b0 :source :archive .
SEEN
echo "as described"
