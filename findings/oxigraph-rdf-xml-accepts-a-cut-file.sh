#!/usr/bin/env bash
# pyoxigraph 0.5.13 parses RDF/XML that ends while elements are still open, and reports no error: a download that was cut
# loads as if it were whole. XML requires a document to be well-formed, and rdflib 7.6.0 refuses the same text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from xml.sax import SAXParseException

import pyoxigraph
import rdflib

WHOLE = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://example.org/">
<rdf:Description rdf:about="http://example.org/bath"><name>Bath</name></rdf:Description>
<rdf:Description rdf:about="http://example.org/wells"><name>Wells</name></rdf:Description>
</rdf:RDF>"""
CUT = WHOLE[: WHOLE.index("<rdf:Description rdf:about=\"http://example.org/wells")]
for name, text in (("whole", WHOLE), ("cut", CUT)):
    triples = len(list(pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.RDF_XML)))
    try:
        other = f"{len(rdflib.Graph().parse(data=text, format='xml'))} triples"
    except SAXParseException as error:
        other = type(error).__name__
    print(f"{name}: oxigraph {triples} triples, rdflib {other}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
whole: oxigraph 2 triples, rdflib 2 triples
cut: oxigraph 1 triples, rdflib SAXParseException
SEEN
echo "as described"
