#!/usr/bin/env bash
# networkx 3.6.1 writes the key of an edge of a multigraph as its id in GraphML, and reads it again. igraph 1.0.0 reads the
# same file with the right edges, but gives them ids of nodes: its edge attribute "id" has the ids of the first nodes of the
# file, in order. A good engineer would expect agreement-1, as in the file, or no such attribute. A key in a <data> element
# of the edge is read rightly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check networkx==3.6.1 igraph==1.0.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import sys

import igraph
import networkx

path = sys.prefix + "/towns.graphml"
graph = networkx.MultiGraph()
graph.add_nodes_from(("aix", "bath", "beppu"))
graph.add_edge("aix", "bath", key="agreement-1", number="1")
graph.add_edge("bath", "beppu", key="agreement-2", number="2")
networkx.write_graphml(graph, path)
with open(path) as file:
    print(*(line.strip() for line in file if "<edge" in line), sep="\n")
print("networkx", list(networkx.read_graphml(path, force_multigraph=True).edges(keys=True)))
other = igraph.Graph.Read_GraphML(path)
for edge in other.es:
    print("igraph", *(other.vs[end]["id"] for end in edge.tuple), edge.attributes())
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
<edge source="aix" target="bath" id="agreement-1">
<edge source="bath" target="beppu" id="agreement-2">
networkx [('aix', 'bath', 'agreement-1'), ('bath', 'beppu', 'agreement-2')]
igraph aix bath {'number': '1', 'id': 'aix'}
igraph bath beppu {'number': '2', 'id': 'bath'}
SEEN
echo "as described"
