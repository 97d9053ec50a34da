#!/usr/bin/env bash
# A key of GraphML has a type, such as long or double, and may have a default for elements without a value (GraphML Primer,
# GraphML-Attributes). networkx 3.6.1 writes integer weights with the type long. networkit 11.3 ignores these: each edge has the
# weight 1. An edge that has the default 7 gets the weight 0. networkit also loses weights of its own: its GML has none, and its
# list of edges rounds them to six digits. No error is raised. A good engineer expects the weights of the file, as from igraph
# 1.0.0, or an error. Weights of the type double without a default are read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check igraph==1.0.0 networkit==11.3 networkx==3.6.1
cd "$folder"
cat > read.py <<'PY'
import igraph
import networkit
import networkx

KEY = '<key id="d0" for="edge" attr.name="weight" attr.type="double"><default>7</default></key>'
EDGES = '<edge source="aix" target="bath"/><edge source="bath" target="beppu"><data key="d0">2</data></edge>'
NODES = "".join(f'<node id="{name}"/>' for name in ("aix", "bath", "beppu"))
with open("default.graphml", "w") as file:
    graph = f'<graph edgedefault="undirected">{NODES}{EDGES}</graph>'
    file.write(f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{KEY}{graph}</graphml>')
networkx.write_graphml(networkx.Graph([("aix", "bath", {"weight": 5}), ("bath", "beppu", {"weight": 2})]), "whole.graphml")
networkx.write_graphml(networkx.Graph([("aix", "bath", {"weight": 5.0}), ("bath", "beppu", {"weight": 2.0})]), "double.graphml")
for path in ("double.graphml", "whole.graphml", "default.graphml"):
    other = networkit.readGraph(path, networkit.Format.GraphML)
    weights = sorted(igraph.Graph.Read_GraphML(path).es["weight"])
    print(path, "networkit:", sorted(weight for _, _, weight in other.iterEdgesWeights()), "igraph:", weights)
graph = networkit.Graph(2, weighted=True)
graph.addEdge(0, 1, 1234567.25)
for name in ("GraphML", "GML", "EdgeListTabOne"):
    form = getattr(networkit.Format, name)
    networkit.writeGraph(graph, name, form)
    print(name, "written and read:", *(weight for _, _, weight in networkit.readGraph(name, form).iterEdgesWeights()))
PY
"$folder/venv/bin/python" read.py 2> warnings | grep -v identified > seen
cat seen
diff seen - <<'SEEN'
double.graphml networkit: [2.0, 5.0] igraph: [2.0, 5.0]
whole.graphml networkit: [1.0, 1.0] igraph: [2.0, 5.0]
default.graphml networkit: [0.0, 2.0] igraph: [2.0, 7.0]
GraphML written and read: 1234567.25
GML written and read: 1.0
EdgeListTabOne written and read: 1234570.0
SEEN
echo "as described"
