#!/usr/bin/env bash
# In ShEx, [@en~ - @en-US] is any English but that of the USA, and a literal satisfies xsd:integer or xsd:boolean only if its text
# can be cast to this datatype (ShEx, Values Constraint and Datatype Constraints). PyShEx 0.8.1 ignores languages that are excluded,
# and compares the name of a datatype alone: "about 30"^^xsd:integer and "yes"^^xsd:boolean conform. rdflib only warns of them when
# it reads the data. A good engineer expects that all of these fail, as in pyrudof 0.3.35. IRIs and texts that are excluded, and
# languages that are included, are handled correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyShEx==0.8.1 pyrudof==0.3.35
"$folder/venv/bin/python" - <<'PY' > "$folder/seen" 2> "$folder/warnings"
from pyrudof import Rudof, RudofConfig
from pyshex import ShExEvaluator

EX = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
PREFIXES = f"PREFIX ex: <{EX}>\nPREFIX xsd: <{XSD}>\n"


def pyshex(schema, data):
    [result] = ShExEvaluator(rdf=data, schema=schema, focus=f"{EX}bath", start=f"{EX}City").evaluate()
    return result.result


def rudof(schema, data):
    validator = Rudof(RudofConfig())
    validator.read_data(data)
    validator.read_shex(schema)
    validator.read_shapemap(f"<{EX}bath>@<{EX}City>")
    return validator.validate_shex().conforms


for constraint, value in (
    ("[@en~]", '"Bath"@en-GB'),
    ("[@en~ - @en-US]", '"Bath"@en-GB'),
    ("[@en~ - @en-US]", '"Bath"@en-US'),
    ("[. - @en-US]", '"Bath"@en-US'),
    ("[ex:~ - ex:old]", "ex:old"),
    ("xsd:integer", "30"),
    ("xsd:integer", '"about 30"^^xsd:integer'),
    ("xsd:boolean", '"yes"^^xsd:boolean'),
):
    schema = f"{PREFIXES}ex:City {{ ex:value {constraint} }}"
    data = f"{PREFIXES}ex:bath ex:value {value} ."
    words = ["conforms" if validate(schema, data) else "fails" for validate in (pyshex, rudof)]
    print(f"{value} for {constraint}: {words[0]} in PyShEx, {words[1]} in pyrudof")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
"Bath"@en-GB for [@en~]: conforms in PyShEx, conforms in pyrudof
"Bath"@en-GB for [@en~ - @en-US]: conforms in PyShEx, conforms in pyrudof
"Bath"@en-US for [@en~ - @en-US]: conforms in PyShEx, fails in pyrudof
"Bath"@en-US for [. - @en-US]: conforms in PyShEx, fails in pyrudof
ex:old for [ex:~ - ex:old]: fails in PyShEx, fails in pyrudof
30 for xsd:integer: conforms in PyShEx, conforms in pyrudof
"about 30"^^xsd:integer for xsd:integer: conforms in PyShEx, fails in pyrudof
"yes"^^xsd:boolean for xsd:boolean: conforms in PyShEx, fails in pyrudof
SEEN
echo "as described"
