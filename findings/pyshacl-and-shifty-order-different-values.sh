#!/usr/bin/env bash
# sh:lessThan uses SPARQL's `<`, and a pair that cannot be compared is a violation (SHACL 4.5.3). pySHACL 0.40.0 compares
# whatever rdflib can sort, so IRIs and texts in a language pass in alphabetical order. pyshifty 0.5.1 compares neither,
# nor the booleans that SPARQL 1.1 (17.3) does compare, nor years. Both agree on numbers, texts and instants.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyshacl==0.40.0 pyshifty==0.5.1 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging

import pyshacl
import rdflib
import shifty

logging.disable(logging.CRITICAL)
PREFIXES = """@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."""


def graph_of(text):
    return rdflib.Graph().parse(data=f"{PREFIXES} {text}", format="turtle")


shapes = graph_of(":S a sh:NodeShape ; sh:targetNode :x ; sh:property [ sh:path :p ; sh:lessThan :q ] .")
for lower, higher in (
    ("1", "2.5"),
    ('"a"', '"b"'),
    ('"1977-01-01T00:00:00Z"^^xsd:dateTime', '"1978-01-01T00:00:00Z"^^xsd:dateTime'),
    (":a", ":b"),
    ('"a"@en', '"b"@en'),
    ("false", "true"),
    ('"1977"^^xsd:gYear', '"1978"^^xsd:gYear'),
):
    data = graph_of(f":x :p {lower} ; :q {higher} .")
    results = (pyshacl.validate(data, shacl_graph=shapes)[0], shifty.validate(data, shapes)[0])
    print(lower, "<", higher, *("conforms" if result else "violates" for result in results))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1 < 2.5 conforms conforms
"a" < "b" conforms conforms
"1977-01-01T00:00:00Z"^^xsd:dateTime < "1978-01-01T00:00:00Z"^^xsd:dateTime conforms conforms
:a < :b conforms violates
"a"@en < "b"@en conforms violates
false < true conforms violates
"1977"^^xsd:gYear < "1978"^^xsd:gYear conforms violates
SEEN
echo "as described"
