#!/usr/bin/env bash
# sh:pattern and sh:flags are those of SPARQL's REGEX (SHACL 4.4.3), which takes them from XPath. pySHACL 0.40.0 gives the
# pattern to Python's re and leaves out each flag but i and m: `$` also matches before a last line break, \p{L} is an error,
# and s and x have no effect. pyoxigraph 0.5.13 and pyshifty 0.5.1 read these as XPath does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyshacl==0.40.0 pyoxigraph==0.5.13 pyshifty==0.5.1 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging
import re

import pyoxigraph
import pyshacl
import rdflib
import shifty

logging.disable(logging.CRITICAL)
PREFIXES = "@prefix : <http://example.org/> . @prefix sh: <http://www.w3.org/ns/shacl#> ."


def graph_of(text):
    return rdflib.Graph().parse(data=f"{PREFIXES} {text}", format="turtle")


for pattern, flags, value in (
    ("^bath$", "", "bath"),
    ("^bath$", "", r"bath\n"),
    (r"^\\p{L}+$", "", "bath"),
    ("^.$", "s", r"\n"),
    ("ba th", "x", "bath"),
):
    shapes = graph_of(f':S a sh:NodeShape ; sh:targetNode :x ; sh:property [ sh:path :p ; sh:pattern "{pattern}" ; sh:flags "{flags}" ] .')
    data = graph_of(f':x :p "{value}" .')
    query = f'SELECT (REGEX("{value}", "{pattern}", "{flags}") AS ?matches) {{}}'
    try:
        first = pyshacl.validate(data, shacl_graph=shapes)[0]
    except re.error:
        first = "error"
    sparql = next(iter(pyoxigraph.Store().query(query)))["matches"].value
    second = shifty.validate(data, shapes)[0]
    print(pattern, flags or "-", value, "| pySHACL", first, "| shifty", second, "| REGEX", sparql)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
^bath$ - bath | pySHACL True | shifty True | REGEX true
^bath$ - bath\n | pySHACL True | shifty False | REGEX false
^\\p{L}+$ - bath | pySHACL error | shifty True | REGEX true
^.$ s \n | pySHACL False | shifty True | REGEX true
ba th x bath | pySHACL False | shifty True | REGEX true
SEEN
echo "as described"
