#!/usr/bin/env bash
# In GEXF 1.3 a graph may be dynamic: edges have a start and an end, and an attribute has one value for each span. graphology-gexf
# 0.13.2 reads edges without their dates, and of the values of an attribute the last one written, whenever it was: a value of
# 1927 stands for one of 2024. What it writes itself is not what it reads: a member of a list with "|" in it becomes two members,
# an empty text and an empty list are left out, and a color by its name becomes "rgb(,,)". No error is raised. A good engineer
# expects the dates as attributes, or a refusal, and the values that were written.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund graphology@0.26.0 graphology-gexf@0.13.2 >> npm.log 2>&1
cat > read.cjs <<'JS'
const Graph = require("graphology");
const gexf = require("graphology-gexf");

const dynamic = `<gexf xmlns="http://gexf.net/1.3" version="1.3">
  <graph mode="dynamic" timeformat="date" defaultedgetype="undirected">
    <attributes class="node" mode="dynamic"><attribute id="0" title="population" type="integer"/></attributes>
    <nodes>
      <node id="izmir" label="İzmir">
        <attvalues>
          <attvalue for="0" value="4493242" start="2024-01-01"/>
          <attvalue for="0" value="531579" start="1927-01-01" end="1934-12-31"/>
        </attvalues>
      </node>
      <node id="baku" label="Bakı"/>
    </nodes>
    <edges><edge id="sisters" source="izmir" target="baku" start="1985-05-17" end="2001-01-01"/></edges>
  </graph>
</gexf>`;
const read = gexf.parse(Graph, dynamic);
console.log("node:", JSON.stringify(read.getNodeAttributes("izmir")));
console.log("edge:", JSON.stringify(read.getEdgeAttributes("sisters")));

const own = new Graph();
own.addNode("izmir", { names: ["Smyrna|Smirne", "İzmir"], note: "", twins: [], color: "red" });
console.log("written:", JSON.stringify(own.getNodeAttributes("izmir")));
console.log("read again:", JSON.stringify(gexf.parse(Graph, gexf.write(own)).getNodeAttributes("izmir")));
JS
node read.cjs > seen
cat seen
diff seen - <<'SEEN'
node: {"label":"İzmir","population":531579}
edge: {}
written: {"names":["Smyrna|Smirne","İzmir"],"note":"","twins":[],"color":"red"}
read again: {"names":["Smyrna","Smirne","İzmir"],"color":"rgb(,,)"}
SEEN
echo "as described"
