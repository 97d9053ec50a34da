#!/usr/bin/env bash
# parseType="Collection" is a short form of RDF/XML for a list of resources. It cannot hold literals, so that a list of literals has
# to be written with rdf:first and rdf:rest (RDF 1.1 XML Syntax, 7.2.19). With the format "pretty-xml", rdflib 7.6.0 uses the short
# form for every list. It makes each literal an IRI: the text "sister" becomes the IRI <sister>, which a reader resolves against its
# base. Languages and datatypes are lost. No error is raised. The values of sh:in are such a list: a shape then refuses texts and
# accepts IRIs. A good engineer expects the same list after reading, as from the format "xml". Lists of IRIs are written correctly,
# so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
cd "$folder"
cat > write.py <<'PY'
from rdflib import Graph, URIRef
from rdflib.collection import Collection

PREFIX = "PREFIX : <http://example.org/> "
for text in (':kinds :in ("sister" "twin"@en 3)', ":kinds :in (:sister :twin)"):
    graph = Graph().parse(data=f"{PREFIX}{text} .")
    for form in ("xml", "pretty-xml"):
        again = Graph().parse(data=graph.serialize(format=form), format="xml", publicID="http://example.org/base/")
        (head,) = again.objects(URIRef("http://example.org/kinds"), URIRef("http://example.org/in"))
        print(f"{text}, {form}:", *(item.n3() for item in Collection(again, head)))
PY
"$folder/venv/bin/python" write.py > seen 2> warnings
cat seen
diff seen - <<'SEEN'
:kinds :in ("sister" "twin"@en 3), xml: "sister" "twin"@en "3"^^<http://www.w3.org/2001/XMLSchema#integer>
:kinds :in ("sister" "twin"@en 3), pretty-xml: <http://example.org/base/sister> <http://example.org/base/twin> <http://example.org/base/3>
:kinds :in (:sister :twin), xml: <http://example.org/sister> <http://example.org/twin>
:kinds :in (:sister :twin), pretty-xml: <http://example.org/sister> <http://example.org/twin>
SEEN
echo "as described"
