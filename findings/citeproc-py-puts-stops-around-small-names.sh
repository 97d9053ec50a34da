#!/usr/bin/env bash
# Styles of CSL that write initials set only the text after each, such as ". ". citeproc-py 0.11.1 takes a word with a small
# letter for a particle: it keeps the word, and a full stop stands before it, after it or both. A good engineer would expect
# "b." or "bell", and for a particle in the given name "J. de" without a stop. The data below is valid CSL-JSON, and the
# style is the one that comes with the package. Other parts of the reference are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check citeproc-py==0.11.1
"$folder/venv/bin/python" - 2> "$folder/log" <<'PY' > "$folder/seen"
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON

for family, given in (("Hooks", "Bell"), ("hooks", "bell"), ("Santeul", "Jean de"), ("Roy", "Ann bell")):
    author = {"family": family, "given": given}
    item = {"id": "x", "type": "book", "title": "Towns", "author": [author], "issued": {"date-parts": [[1991]]}}
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON([item]), formatter.plain)
    bibliography.register(Citation([CitationItem("x")]))
    print(f"{given} {family}: {bibliography.bibliography()[0]}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Bell Hooks: Hooks, B. (1991) Towns.
bell hooks: hooks, . bell . (1991) Towns.
Jean de Santeul: Santeul, J. de . (1991) Towns.
Ann bell Roy: Roy, A. bell . (1991) Towns.
SEEN
echo "as described"
