#!/usr/bin/env bash
# JSON-LD 1.1 API (8.2.2) writes a number with a fraction as a canonical xsd:double and then gives it the datatype of its
# context: 41.9 with the type xsd:decimal becomes "4.19E1"^^xsd:decimal, which is not in the lexical space of xsd:decimal.
# PyLD 3.3.0 and pyoxigraph 0.5.13 do so. rdflib 7.6.0 gives "41.9". A decimal in JSON-LD has to be written as a string.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyLD==3.3.0 pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import json

import pyoxigraph
import rdflib
from pyld import jsonld

for number in ("41.9", '"41.9"', "41.0"):
    text = f"""{{"@context": {{"latitude": {{"@id": "http://example.org/latitude",
      "@type": "http://www.w3.org/2001/XMLSchema#decimal"}}}}, "@id": "http://example.org/rome", "latitude": {number}}}"""
    dataset = jsonld.to_rdf(json.loads(text))["@default"]
    (quad,) = pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.JSON_LD)
    (value,) = rdflib.Graph().parse(data=text, format="json-ld").objects()
    print(number, "PyLD", dataset[0]["object"]["value"], "oxigraph", quad.object.value, "rdflib", value)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
41.9 PyLD 4.19E1 oxigraph 4.19E1 rdflib 41.9
"41.9" PyLD 41.9 oxigraph 41.9 rdflib 41.9
41.0 PyLD 41 oxigraph 41 rdflib 41.0
SEEN
echo "as described"
