#!/usr/bin/env bash
# In GraphML, an element without a value for an attribute has no <data> element (GraphML Primer, GraphML-Attributes). igraph
# 1.0.0 for Python writes a missing text as the text "None", and a missing boolean as false. Only a missing number is left out.
# An attribute that holds both a number and a text is not written at all. Numbers are rounded to 15 digits, so that large
# identifiers change. No error is raised. A good engineer expects that missing values stay missing, as in networkx 3.6.1, and
# that numbers stay the same. A city without a name in some language is here named "None".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check igraph==1.0.0 networkx==3.6.1
cd "$folder"
cat > write.py <<'PY'
import igraph
import networkx

graph = igraph.Graph(edges=[(0, 1)])
graph.vs["name"] = ["Bath", None]
graph.vs["capital"] = [False, None]
graph.vs["founded"] = [1590, None]
graph.vs["source"] = [1994, "register"]
graph.vs["number"] = [9007199254740991, 1]
graph.es["share"] = [0.1 + 0.2]
graph.write_graphml("towns.graphml")
read = networkx.read_graphml("towns.graphml")
print(*(f"igraph, node: {values}" for _, values in read.nodes(data=True)), sep="\n")
print(*(f"igraph, edge: {values}" for _, _, values in read.edges(data=True)), sep="\n")
other = networkx.Graph()
other.add_node("n0", name="Bath", capital=False)
other.add_node("n1")
networkx.write_graphml(other, "other.graphml")
print(*(f"networkx, node: {values}" for _, values in networkx.read_graphml("other.graphml").nodes(data=True)), sep="\n")
PY
"$folder/venv/bin/python" write.py 2> warnings > seen
cat seen
diff seen - <<'SEEN'
igraph, node: {'name': 'Bath', 'capital': False, 'founded': 1590.0, 'number': 9007199254740990.0}
igraph, node: {'name': 'None', 'capital': False, 'number': 1.0}
igraph, edge: {'share': 0.3}
networkx, node: {'name': 'Bath', 'capital': False}
networkx, node: {}
SEEN
echo "as described"
