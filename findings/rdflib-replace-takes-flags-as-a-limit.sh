#!/usr/bin/env bash
# The fourth argument of REPLACE contains the flags of the pattern (SPARQL 1.1, 17.4.3.15): with "i" it ignores case and replaces
# every match. rdflib 7.6.0 passes the numeric value of the flag to Python's re.sub as the maximum number of replacements; that of
# "i" is 2. So the flag has no effect, and only the first two matches are replaced, without an error. A test with one match in the
# same case passes. Without flags, all matches are replaced; REGEX handles its flags correctly. A good engineer expects the
# results of pyoxigraph 0.5.13, which follows the specification.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

for expression in (
    'REPLACE("Bath - Aix - Beppu - Alkmaar", " - ", ", ")',
    'REPLACE("Bath - Aix", " - ", ", ", "i")',
    'REPLACE("Bath - Aix - Beppu - Alkmaar", " - ", ", ", "i")',
    'REPLACE("City of Bath", "city of ", "", "i")',
    'REGEX("City of Bath", "city of ", "i")',
):
    query = f"SELECT ({expression} AS ?text) {{}}"
    ours = next(iter(rdflib.Graph().query(query)))[0]
    other = next(iter(pyoxigraph.Store().query(query)))["text"]
    print(f"{expression}\n rdflib: {ours}\n oxigraph: {other.value}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
REPLACE("Bath - Aix - Beppu - Alkmaar", " - ", ", ")
 rdflib: Bath, Aix, Beppu, Alkmaar
 oxigraph: Bath, Aix, Beppu, Alkmaar
REPLACE("Bath - Aix", " - ", ", ", "i")
 rdflib: Bath, Aix
 oxigraph: Bath, Aix
REPLACE("Bath - Aix - Beppu - Alkmaar", " - ", ", ", "i")
 rdflib: Bath, Aix, Beppu - Alkmaar
 oxigraph: Bath, Aix, Beppu, Alkmaar
REPLACE("City of Bath", "city of ", "", "i")
 rdflib: City of Bath
 oxigraph: Bath
REGEX("City of Bath", "city of ", "i")
 rdflib: true
 oxigraph: true
SEEN
echo "as described"
