#!/usr/bin/env bash
# SPARQL 1.1 (19.3) allows white space and comments between tokens, so also between the name of a function and its
# parenthesis. pyoxigraph 0.5.13 accepts it after all the built-in functions below but CONCAT and COALESCE, which become a
# syntax error. A good engineer would look for the mistake elsewhere, because the error only expects ENCODE_FOR_URI.
# rdflib 7.6.0 accepts all. A formatter that writes a blank or a line break there makes such queries fail.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib


def accepted(run, query):
    try:
        list(run(query))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "accepted"


for name, arguments in (
    ("CONCAT", '"Aix", "Bath"'),
    ("COALESCE", '?town, "Bath"'),
    ("IF", '1 < 2, "Aix", "Bath"'),
    ("STR", '"Bath"'),
    ("REPLACE", '"Bath", "B", "P"'),
    ("CONTAINS", '"Bath", "B"'),
):
    for between in ("", " "):
        query = f"SELECT ({name}{between}({arguments}) AS ?value) {{}}"
        results = accepted(pyoxigraph.Store().query, query), accepted(rdflib.Graph().query, query)
        print(f"{name}{between}( | oxigraph {results[0]} | rdflib {results[1]}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
CONCAT( | oxigraph accepted | rdflib accepted
CONCAT ( | oxigraph SyntaxError: error at 1:23: expected ENCODE_FOR_URI | rdflib accepted
COALESCE( | oxigraph accepted | rdflib accepted
COALESCE ( | oxigraph SyntaxError: error at 1:23: expected ENCODE_FOR_URI | rdflib accepted
IF( | oxigraph accepted | rdflib accepted
IF ( | oxigraph accepted | rdflib accepted
STR( | oxigraph accepted | rdflib accepted
STR ( | oxigraph accepted | rdflib accepted
REPLACE( | oxigraph accepted | rdflib accepted
REPLACE ( | oxigraph accepted | rdflib accepted
CONTAINS( | oxigraph accepted | rdflib accepted
CONTAINS ( | oxigraph accepted | rdflib accepted
SEEN
echo "as described"
