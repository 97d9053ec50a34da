#!/usr/bin/env bash
# GROUP_CONCAT returns a simple literal (SPARQL 1.1, 18.5.1.7). pyoxigraph 0.5.13 returns a literal with a language tag if
# all its values have the same one: a comparison with a plain string then fails. rdflib 7.6.0 returns a plain one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

for title, values in (("one language", '"a"@tr "b"@tr'), ("two languages", '"a"@tr "b"@en')):
    query = f'SELECT (GROUP_CONCAT(?x; separator=" ") AS ?all) {{ VALUES ?x {{ {values} }} }}'
    ours = next(iter(pyoxigraph.Store().query(query)))["all"]
    theirs = next(iter(rdflib.Graph().query(query)))[0]
    print(f"{title}: oxigraph {ours.language}, rdflib {theirs.language}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
one language: oxigraph tr, rdflib None
two languages: oxigraph None, rdflib None
SEEN
echo "as described"
