#!/usr/bin/env bash
# In a network of Pajek, a line of *Arcslist names a vertex and all its neighbours. *Arcs are directed, *Edges are not, and one
# network may have both. A vertex is identified by its number, and its label is a text for the reader (Pajek, Reference Manual).
# read_pajek of networkx 3.6.1 reads a line of a list as one arc, with the number of the second neighbour as its weight. Edges
# after a section of arcs become directed. It makes one node of two vertices with the same label. No error is raised. A good
# engineer expects the arcs that igraph 1.0.0 returns, which reads all of this except both kinds of edges. A network with arcs
# alone and different labels is right, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check networkx==3.6.1 igraph==1.0.0
cd "$folder"
cat > read.py <<'PY'
import igraph
import networkx

CITIES = '*Vertices 3\n1 "Bath"\n2 "Valencia"\n3 "Beppu"\n'
FILES = {
    "arcs": CITIES + "*Arcs\n1 2 1\n1 3 5\n",
    "list of arcs": CITIES + "*Arcslist\n1 2 3\n",
    "arcs and edges": CITIES + "*Arcs\n1 2 1\n*Edges\n2 3 1\n",
    "equal labels": CITIES.replace("Bath", "Valencia") + "*Arcs\n1 3 1\n2 3 1\n",
}
for name, text in FILES.items():
    with open("cities.net", "w") as file:
        file.write(text)
    graph = networkx.read_pajek("cities.net")
    print(f"{name}, networkx: {'directed' if graph.is_directed() else 'undirected'}, nodes", *graph)
    print("  edges", *(f"{start}-{end} ({weight})" for start, end, weight in graph.edges(data="weight")))
    other = igraph.Graph.Read_Pajek("cities.net")
    labels = other.vs["name"]
    weights = other.es["weight"] if "weight" in other.es.attributes() else [None] * other.ecount()
    print(f"{name}, igraph: {'directed' if other.is_directed() else 'undirected'}, nodes", *labels)
    pairs = [f"{labels[one.source]}-{labels[one.target]}" for one in other.es]
    print("  edges", *(f"{pair} ({weight})" for pair, weight in zip(pairs, weights, strict=True)))
PY
"$folder/venv/bin/python" read.py > seen
cat seen
diff seen - <<'SEEN'
arcs, networkx: directed, nodes Bath Valencia Beppu
  edges Bath-Valencia (1.0) Bath-Beppu (5.0)
arcs, igraph: directed, nodes Bath Valencia Beppu
  edges Bath-Valencia (1.0) Bath-Beppu (5.0)
list of arcs, networkx: directed, nodes Bath Valencia Beppu
  edges Bath-Valencia (3.0)
list of arcs, igraph: directed, nodes Bath Valencia Beppu
  edges Bath-Valencia (None) Bath-Beppu (None)
arcs and edges, networkx: directed, nodes Bath Valencia Beppu
  edges Bath-Valencia (1.0) Valencia-Beppu (1.0)
arcs and edges, igraph: undirected, nodes Bath Valencia Beppu
  edges Bath-Valencia (1.0) Valencia-Beppu (1.0)
equal labels, networkx: directed, nodes Valencia Beppu
  edges Valencia-Beppu (1.0) Valencia-Beppu (1.0)
equal labels, igraph: directed, nodes Valencia Valencia Beppu
  edges Valencia-Beppu (1.0) Valencia-Beppu (1.0)
SEEN
echo "as described"
