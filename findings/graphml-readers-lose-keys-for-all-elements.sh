#!/usr/bin/env bash
# A key of GraphML may be for all elements together, with for="all" (GraphML Primer, GraphML-Attributes). graphology-graphml
# 0.5.2 raises a TypeError for such a file. igraph 1.0.0 drops the attribute with a warning. networkx 3.6.1 reads it. A good
# engineer expects the attribute from all three, because GraphML is there for exchange. All three read a key for nodes, so that
# an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check igraph==1.0.0 networkx==3.6.1
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund graphology@0.26.0 graphology-graphml@0.5.2 >> npm.log 2>&1
cat > write.sh <<'SH'
write() {
  echo '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'"$1"'<graph edgedefault="undirected">'
  echo '<node id="bath"><data key="d0">'"$2"'</data></node></graph></graphml>'
}
write '<key id="d0" for="all" attr.name="source" attr.type="string"/>' register > all.graphml
write '<key id="d0" for="node" attr.name="source" attr.type="string"/>' register > node.graphml
SH
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import Graph from "graphology";
import graphml from "graphology-graphml";

for (const path of ["all.graphml", "node.graphml"]) {
  try {
    console.log("graphology:", path, graphml.parse(Graph, readFileSync(path, "utf8")).getNodeAttributes("bath"));
  } catch (error) {
    console.log("graphology:", path, error.name);
  }
}
JS
cat > read.py <<'PY'
import igraph
import networkx

for path in ("all.graphml", "node.graphml"):
    print("igraph:", path, igraph.Graph.Read_GraphML(path).vs[0].attributes())
    print("networkx:", path, networkx.read_graphml(path).nodes["bath"])
PY
bash write.sh > seen
node read.mjs >> seen
"$folder/venv/bin/python" read.py 2> warnings >> seen
cat seen
diff seen - <<'SEEN'
graphology: all.graphml TypeError
graphology: node.graphml { source: 'register' }
igraph: all.graphml {'id': 'bath'}
networkx: all.graphml {'source': 'register'}
igraph: node.graphml {'source': 'register', 'id': 'bath'}
networkx: node.graphml {'source': 'register'}
SEEN
echo "as described"
