#!/usr/bin/env bash
# A reference in RML is an expression of the language that its source names, here JSONPath: twins[*] selects all members of an
# array, and twins[0] its first one (RFC 9535, 2.3.2 and 2.3.3). morph-kgc 2.10.0 finds nothing for a reference with brackets, or
# for one that begins with $. It takes each reference for a path of names: twins alone, which selects the array itself, gives the
# members. A JSON true becomes the text "True", as Python writes it. Nothing is reported. A good engineer expects the members,
# because the iterator of the same mapping is read as JSONPath. References that consist of names, such as names.en, are read
# correctly, so that an ordinary test passes. So is true with rr:datatype xsd:boolean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check morph-kgc==2.10.0
cd "$folder"
cat > cities.json <<'JSON'
{"cities": [{"id": "bath", "name": "Bath", "names": {"en": "Bath"}, "port": false, "spa": true, "twins": ["beppu", "aix"],
             "baths": [{"name": "Cross"}, {"name": "King"}]}]}
JSON
cat > map.py <<'PY'
import morph_kgc

MAPPING = """
@prefix ex: <http://example.org/> . @prefix ql: <http://semweb.mmlab.be/ns/ql#> . @prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix rml: <http://semweb.mmlab.be/ns/rml#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<#City> a rr:TriplesMap ; rr:subjectMap [ rr:template "http://example.org/{id}" ] ;
  rml:logicalSource [ rml:source "cities.json" ; rml:referenceFormulation ql:JSONPath ; rml:iterator "$.cities[*]" ] ;
  rr:predicateObjectMap [ rr:predicate ex:value ; rr:objectMap [ %s ] ] .
"""
for reference in (
    'rml:reference "name"', 'rml:reference "$.name"', 'rml:reference "names.en"', 'rml:reference "twins[*]"',
    'rml:reference "twins[0]"', 'rml:reference "twins"', 'rml:reference "baths[*].name"', 'rml:reference "spa"',
    'rml:reference "spa" ; rr:datatype xsd:boolean',
):
    with open("mapping.ttl", "w", encoding="utf-8") as file:
        file.write(MAPPING % reference)
    graph = morph_kgc.materialize("[CONFIGURATION]\nlogging_level: ERROR\n[cities]\nmappings: mapping.ttl\n")
    print(f"{reference}:", ", ".join(sorted(term.n3() for term in graph.objects())) or "nothing")
PY
"$folder/venv/bin/python" map.py > seen 2> log
cat seen
diff seen - <<'SEEN'
rml:reference "name": "Bath"
rml:reference "$.name": nothing
rml:reference "names.en": "Bath"
rml:reference "twins[*]": nothing
rml:reference "twins[0]": nothing
rml:reference "twins": "aix", "beppu"
rml:reference "baths[*].name": nothing
rml:reference "spa": "True"
rml:reference "spa" ; rr:datatype xsd:boolean: "true"^^<http://www.w3.org/2001/XMLSchema#boolean>
SEEN
echo "as described"
