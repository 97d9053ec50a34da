#!/usr/bin/env bash
# The lexical form of an xsd:decimal has no exponent, an infinite xsd:double is written INF, and an xsd:boolean may be written "1"
# (XML Schema 1.1, part 2, 3.3.2, 3.3.3 and 3.3.5). Owlready2 0.51 keeps numbers as floats of Python and saves them as
# Python writes them: a decimal of 0.00001 becomes "1e-05", a large one loses digits and gets an exponent, and INF becomes "inf". These
# are not in the lexical space of their datatype, so that other tools read no value. The boolean "1" is False in Python, and a FILTER
# with "greater than 40" also finds texts, which SPARQL does not compare with numbers (SPARQL 1.1, 17.3). No error is raised. A good
# engineer expects that an ontology that is loaded and saved is the same. Common numbers are, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check owlready2==0.51
cd "$folder"
cat > trip.py <<'PY'
import re
from pathlib import Path

import owlready2

BASE, OWL, XSD = "http://example.org/o", "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2001/XMLSchema#"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
ONTOLOGY = f"""<{BASE}> {TYPE} <{OWL}Ontology> .
<{BASE}#value> {TYPE} <{OWL}DatatypeProperty> .
<{BASE}#City> {TYPE} <{OWL}Class> .
<{BASE}#bath> {TYPE} <{BASE}#City> .
"""
QUERY = f"SELECT ?v {{ <{BASE}#bath> <{BASE}#value> ?v FILTER (?v > 40) }}"


def load(*literals):
    """Loads an ontology in which a city has these values."""
    lines = [f'<{BASE}#bath> <{BASE}#value> "{text}"^^<{XSD}{datatype}> .\n' for text, datatype in literals]
    Path("before.nt").write_text(ONTOLOGY + "".join(lines))
    world = owlready2.World()
    return world, world.get_ontology(Path("before.nt").absolute().as_uri()).load()


for text, datatype in (
    ("41.9", "decimal"),
    ("0.00001", "decimal"),
    ("123456789012345678.5", "decimal"),
    ("INF", "double"),
    ("true", "boolean"),
    ("1", "boolean"),
):
    world, ontology = load((text, datatype))
    ontology.save("after.nt", format="ntriples")
    saved = re.search(f"bath> <{BASE}#value> (.*) [.]", Path("after.nt").read_text())[1].replace(f"<{XSD}", "xsd:").rstrip(">")
    print(f'"{text}"^^xsd:{datatype} in Python: {world[f"{BASE}#bath"].value[0]}, saved: {saved}')

world, _ = load(("5", "integer"), ("94782", "integer"), ("unknown", "string"))
print("greater than 40:", *sorted(str(value) for value, in world.sparql(QUERY)))
PY
"$folder/venv/bin/python" -W ignore trip.py > seen
cat seen
diff seen - <<'SEEN'
"41.9"^^xsd:decimal in Python: 41.9, saved: "41.9"^^xsd:decimal
"0.00001"^^xsd:decimal in Python: 1e-05, saved: "1e-05"^^xsd:decimal
"123456789012345678.5"^^xsd:decimal in Python: 1.2345678901234568e+17, saved: "1.2345678901234568e+17"^^xsd:decimal
"INF"^^xsd:double in Python: inf, saved: "inf"^^xsd:double
"true"^^xsd:boolean in Python: True, saved: "true"^^xsd:boolean
"1"^^xsd:boolean in Python: False, saved: "1"^^xsd:boolean
greater than 40: 94782 unknown
SEEN
echo "as described"
