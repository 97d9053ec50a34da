#!/usr/bin/env bash
# shexer 2.7.3.1 extracts shapes of ShEx from a graph. With its option all_instances_are_compliant_mode, which is on, all nodes of a
# class are to conform to the shape. A text with a language has the datatype rdf:langString, not xsd:string (RDF 1.1, Concepts,
# 3.3), and a property of a shape with a reference holds for all of its values, and for one value without a cardinality (ShEx,
# Shapes and Triple Expressions). shexer requires xsd:string for names with a language, so that each of them fails. If one city has
# a twin of its class, and another has two, of which one is not described, the shape allows exactly one twin, of the class, and the
# other city fails. No error is raised. A good engineer expects shapes that accept the data they were extracted from, as pyrudof
# 0.3.35 tests below. Plain texts, and different datatypes, are described correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check shexer==2.7.3.1 pyrudof==0.3.35
"$folder/venv/bin/python" - <<'PY' > "$folder/seen" 2> "$folder/log"
import re

from pyrudof import Rudof, RudofConfig
from shexer.shaper import Shaper

EX = "http://example.org/"
PREFIXES = f"@prefix ex: <{EX}> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."

for statements in (
    'ex:bath a ex:City ; ex:code "BA1" . ex:beppu a ex:City ; ex:code "874" .',
    'ex:bath a ex:City ; ex:name "Bath"@en . ex:beppu a ex:City ; ex:name "Beppu"@en .',
    'ex:bath a ex:City ; ex:twin ex:beppu . ex:beppu a ex:City ; ex:twin ex:bath, ex:aix .',
    'ex:bath a ex:City ; ex:area 28.5 . ex:beppu a ex:City ; ex:area 125 .',
    'ex:bath a ex:City ; ex:code "BA1", "BA2" . ex:beppu a ex:City ; ex:code "874" .',
):
    data = f"{PREFIXES} {statements}"
    shaper = Shaper(all_classes_mode=True, raw_graph=data, input_format="turtle", namespaces_dict={EX: "ex"}, disable_comments=True)
    schema = shaper.shex_graph(string_output=True, acceptance_threshold=0)
    rudof = Rudof(RudofConfig())
    rudof.read_data(data)
    rudof.read_shex(schema)
    rudof.read_shapemap(f"<{EX}bath>@<http://weso.es/shapes/City>, <{EX}beppu>@<http://weso.es/shapes/City>")
    constraints = " ".join(schema[schema.index("{") + 1 : schema.rindex("}")].split())
    constraints = re.sub(r"<[^>]*[#/](\w+)>", r"\1", constraints)
    print(f"{statements}\n  {{ {constraints} }}: {'conforms' if rudof.validate_shex().conforms else 'fails'}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
ex:bath a ex:City ; ex:code "BA1" . ex:beppu a ex:City ; ex:code "874" .
  { ex:code string ; type [ex:City] }: conforms
ex:bath a ex:City ; ex:name "Bath"@en . ex:beppu a ex:City ; ex:name "Beppu"@en .
  { ex:name string ; type [ex:City] }: fails
ex:bath a ex:City ; ex:twin ex:beppu . ex:beppu a ex:City ; ex:twin ex:bath, ex:aix .
  { ex:twin @:City ; type [ex:City] }: fails
ex:bath a ex:City ; ex:area 28.5 . ex:beppu a ex:City ; ex:area 125 .
  { type [ex:City] ; ex:area decimal ?; ex:area integer ? }: conforms
ex:bath a ex:City ; ex:code "BA1", "BA2" . ex:beppu a ex:City ; ex:code "874" .
  { ex:code string +; type [ex:City] }: conforms
SEEN
echo "as described"
