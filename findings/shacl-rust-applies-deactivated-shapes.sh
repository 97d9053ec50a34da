#!/usr/bin/env bash
# A deactivated shape produces no results, and each node conforms to it; a bound such as sh:minInclusive is broken by each value
# that SPARQL cannot compare with it; and a path of one or more steps leads around a cycle back to its start (SHACL,
# sh:deactivated and sh:minInclusive; SPARQL 1.1, 9.4). shacl-rust 0.2.12 applies a deactivated property shape all the same. It
# accepts the text "6" for a number of at least 5, and leaves the start out of a cycle, so that an sh:maxCount that is exceeded
# conforms. No error is raised. A good engineer expects the results of pyshacl 0.40.1. Deactivated node shapes, numbers, and paths
# without a cycle are treated correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check shacl-rust==0.2.12 pyshacl==0.40.1 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyshacl
import shacl_rust
from rdflib import Graph

PREFIXES = "@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> ."
BEGIN = ":CityShape a sh:NodeShape ; sh:targetClass :City ;"

for constraint, data in (
    ("sh:deactivated true ; sh:property [ sh:path :code ; sh:minCount 1 ]", ":bath a :City ."),
    ("sh:property [ sh:deactivated true ; sh:path :code ; sh:minCount 1 ]", ":bath a :City ."),
    ("sh:property [ sh:path :rank ; sh:minInclusive 5 ]", ":bath a :City ; :rank 4 ."),
    ("sh:property [ sh:path :rank ; sh:minInclusive 5 ]", ':bath a :City ; :rank "6" .'),
    ("sh:property [ sh:path :rank ; sh:minInclusive 5 ]", ":bath a :City ; :rank :six ."),
    ("sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:maxCount 1 ]", ":bath a :City ; :twin :aix . :aix :twin :beppu ."),
    ("sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:maxCount 1 ]", ":bath a :City ; :twin :aix . :aix :twin :bath ."),
    ("sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:hasValue :bath ]", ":bath a :City ; :twin :aix . :aix :twin :bath ."),
):
    shapes, graph = f"{PREFIXES} {BEGIN} {constraint} .", f"{PREFIXES} {data}"
    expected = pyshacl.validate(Graph().parse(data=graph), shacl_graph=Graph().parse(data=shapes))[0]
    found = shacl_rust.validate(graph, shapes)["conforms"]
    words = {True: "conforms", False: "fails"}
    print(f"{constraint}\n  {data} pyshacl: {words[expected]}, shacl-rust: {words[found]}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
sh:deactivated true ; sh:property [ sh:path :code ; sh:minCount 1 ]
  :bath a :City . pyshacl: conforms, shacl-rust: conforms
sh:property [ sh:deactivated true ; sh:path :code ; sh:minCount 1 ]
  :bath a :City . pyshacl: conforms, shacl-rust: fails
sh:property [ sh:path :rank ; sh:minInclusive 5 ]
  :bath a :City ; :rank 4 . pyshacl: fails, shacl-rust: fails
sh:property [ sh:path :rank ; sh:minInclusive 5 ]
  :bath a :City ; :rank "6" . pyshacl: fails, shacl-rust: conforms
sh:property [ sh:path :rank ; sh:minInclusive 5 ]
  :bath a :City ; :rank :six . pyshacl: fails, shacl-rust: fails
sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:maxCount 1 ]
  :bath a :City ; :twin :aix . :aix :twin :beppu . pyshacl: fails, shacl-rust: fails
sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:maxCount 1 ]
  :bath a :City ; :twin :aix . :aix :twin :bath . pyshacl: fails, shacl-rust: conforms
sh:property [ sh:path [ sh:oneOrMorePath :twin ] ; sh:hasValue :bath ]
  :bath a :City ; :twin :aix . :aix :twin :bath . pyshacl: conforms, shacl-rust: fails
SEEN
echo "as described"
