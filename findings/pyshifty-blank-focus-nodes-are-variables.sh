#!/usr/bin/env bash
# A SPARQL constraint of SHACL is evaluated for each focus node with $this bound to it (SHACL, section 5.3.1). In pyshifty 0.5.1 a
# blank focus node acts as a variable if the constraint has a FILTER: the constraint below looks for a property :p of the node,
# which only another node has, and yet the blank node is reported. Without the FILTER, or with an IRI for the blank node, the
# data conform. pySHACL 0.40.1 lets all four conform.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyshacl==0.40.1 pyshifty==0.5.1 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyshacl
import rdflib
import shifty

PREFIXES = "@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> ."


def graph_of(text):
    return rdflib.Graph().parse(data=f"{PREFIXES} {text}", format="turtle")


for condition in ("", "FILTER(STRLEN(STR(?value)) > 0)"):
    query = f"SELECT $this {{ $this <http://example.org/p> ?value {condition} }}"
    shapes = graph_of(f':S a sh:NodeShape ; sh:targetClass :C ; sh:sparql [ sh:select "{query}" ] .')
    for node in (":node", "_:node"):
        data = graph_of(f'{node} a :C . :other a :D ; :p "value" .')
        results = (pyshacl.validate(data, shacl_graph=shapes)[0], shifty.validate(data, shapes)[0])
        print(node, "with FILTER" if condition else "without", *("conforms" if one else "violates" for one in results))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
:node without conforms conforms
_:node without conforms conforms
:node with FILTER conforms conforms
_:node with FILTER conforms violates
SEEN
echo "as described"
