#!/usr/bin/env bash
# RDF 1.1 (Concepts, 3.3) requires that ill-typed literals are accepted; they have no value. rdflib 7.6.0 keeps such a
# literal as it is written, except an xsd:boolean: it replaces every lexical form that it does not know by "false", and
# "TRUE" by "true". It only warns. A graph that is read and written again then states the opposite of "yes".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging
import warnings

import rdflib

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
for text, datatype in (("yes", "boolean"), ("TRUE", "boolean"), ("1", "boolean"), ("ten", "integer"), ("soon", "date")):
    line = f'<http://example.org/tie> <http://example.org/value> "{text}"^^<http://www.w3.org/2001/XMLSchema#{datatype}> .'
    graph = rdflib.Graph().parse(data=line, format="nt")
    (value,) = graph.objects()
    print(datatype, text, "ill-typed" if value.ill_typed else "valid", "written as", graph.serialize(format="nt").split('"')[1])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
boolean yes ill-typed written as false
boolean TRUE ill-typed written as true
boolean 1 valid written as true
integer ten ill-typed written as ten
date soon ill-typed written as soon
SEEN
echo "as described"
