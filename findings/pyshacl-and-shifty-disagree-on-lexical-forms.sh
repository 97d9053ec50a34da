#!/usr/bin/env bash
# sh:datatype requires that a literal is in the lexical space of its datatype (SHACL 4.1.1). pySHACL 0.40.0 takes that from
# rdflib, which reads with Python: it accepts "1e3" and "NaN" as xsd:decimal, and rejects a valid year before the common
# era. A strict validator has to check lexical forms itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyshacl==0.40.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging

import pyshacl

logging.disable(logging.CRITICAL)
PREFIXES = """@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
for text, datatype in (("1e3", "decimal"), ("NaN", "decimal"), ("1.5", "decimal"), ("-0752-04-21", "date"), ("0752-04-21", "date")):
    shapes = f"{PREFIXES}:S a sh:NodeShape ; sh:targetNode :x ; sh:property [ sh:path :p ; sh:datatype xsd:{datatype} ] ."
    data = f'{PREFIXES}:x :p "{text}"^^xsd:{datatype} .'
    conforms, _, _ = pyshacl.validate(data, data_graph_format="turtle", shacl_graph=shapes, shacl_graph_format="turtle")
    print(text, datatype, "conforms" if conforms else "violates")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1e3 decimal conforms
NaN decimal conforms
1.5 decimal conforms
-0752-04-21 date violates
0752-04-21 date conforms
SEEN
echo "as described"
