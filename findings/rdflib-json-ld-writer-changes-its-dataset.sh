#!/usr/bin/env bash
# A dataset of RDF may have graphs whose name is a blank node (RDF 1.1, Concepts, 4). Their statements are not those of the default
# graph, for example if they are claims of a source that a statement about the graph names. In JSON-LD, rdflib 7.6.0 writes the
# statements of such a graph into the default graph, and no graph for them. It also adds them to the default graph of the dataset
# in memory: after serialize, a query of the default graph finds the claims, and files in other formats that are written later have
# them there. No error is raised. A good engineer expects the same graphs after reading, as with TriG, and expects that a dataset is
# the same before and after it is written. Graphs whose name is an IRI are kept, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
cat > claims.trig <<'TRIG'
PREFIX : <http://example.org/>
:bath :twin :alkmaar .
:release { :alkmaar :twin :troyes }
_:claim { :bath :twin :beppu }
_:claim :source :archive .
TRIG
cat > write.py <<'PY'
from rdflib import BNode, Dataset
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID


def name(term):
    return "_" if isinstance(term, BNode) else "default" if term == DATASET_DEFAULT_GRAPH_ID else term.split("/")[-1]


def show(title, dataset):
    graphs = {}
    for *triple, graph in dataset.quads():
        graphs.setdefault(name(graph), []).append(" ".join(map(name, triple)))
    print(f"{title}:", "; ".join(f"{graph} {{ {', '.join(sorted(graphs[graph]))} }}" for graph in sorted(graphs)))
    print("  cities that the default graph connects with bath:", *sorted(str(row.city).split("/")[-1] for row in dataset.query(QUERY)))


QUERY = "SELECT ?city { <http://example.org/bath> <http://example.org/twin> ?city }"
dataset = Dataset().parse("claims.trig")
show("as read", dataset)
for format_ in ("trig", "json-ld"):
    show(f"written as {format_} and read again", Dataset().parse(data=dataset.serialize(format=format_), format=format_))
    show(f"in memory after writing {format_}", dataset)
PY
"$folder/venv/bin/python" -W ignore write.py > seen
cat seen
diff seen - <<'SEEN'
as read: _ { bath twin beppu }; default { _ source archive, bath twin alkmaar }; release { alkmaar twin troyes }
  cities that the default graph connects with bath: alkmaar
written as trig and read again: _ { bath twin beppu }; default { _ source archive, bath twin alkmaar }; release { alkmaar twin troyes }
  cities that the default graph connects with bath: alkmaar
in memory after writing trig: _ { bath twin beppu }; default { _ source archive, bath twin alkmaar }; release { alkmaar twin troyes }
  cities that the default graph connects with bath: alkmaar
written as json-ld and read again: default { _ source archive, bath twin alkmaar, bath twin beppu }; release { alkmaar twin troyes }
  cities that the default graph connects with bath: alkmaar beppu
in memory after writing json-ld: _ { bath twin beppu }; default { _ source archive, bath twin alkmaar, bath twin beppu }; release { alkmaar twin troyes }
  cities that the default graph connects with bath: alkmaar beppu
SEEN
echo "as described"
