#!/usr/bin/env bash
# In a LinkML schema, list_elements_ordered: true guarantees the order of the elements of a multivalued slot, and the range uri is a
# complete URI, unlike uriorcurie (LinkML model, list_elements_ordered, uri and uriorcurie). rdflib_dumper of linkml-runtime 1.12.1
# writes each element as a statement of its own, without a list: after reading with rdflib_loader, the elements have another order,
# and equal ones are there once. The loader shortens a URI that begins with a prefix of the schema: http://example.org/?city=bath
# becomes "ex:?city=bath", with which a browser can do nothing. No error is raised. A good engineer expects the same object after
# both, because the guarantee names no format, and JSON keeps it. Single values, and URIs of other sites, are the same after
# reading, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check linkml==1.11.1 linkml-runtime==1.12.1
cd "$folder"
cat > schema.yaml <<'YAML'
id: http://example.org/schema
name: cities
prefixes: {linkml: "https://w3id.org/linkml/", ex: "http://example.org/"}
imports: ["linkml:types"]
default_prefix: ex
classes:
  City:
    attributes:
      id: {identifier: true, range: uriorcurie}
      homepage: {range: uri}
      districts: {range: string, multivalued: true, list_elements_ordered: true}
YAML
cat > convert.py <<'PY'
from linkml.generators.pythongen import PythonGenerator
from linkml_runtime.dumpers import json_dumper, rdflib_dumper
from linkml_runtime.loaders import json_loader, rdflib_loader
from linkml_runtime.utils.schemaview import SchemaView

City = PythonGenerator("schema.yaml").compile_module().City
schema = SchemaView("schema.yaml")
for homepage in ("https://www.example.com/bath", "http://example.org/?city=bath"):
    city = City(id="ex:bath", homepage=homepage, districts=["Lansdown", "Twerton", "Lansdown", "Bathwick"])
    for name, read in (
        ("JSON", json_loader.loads(json_dumper.dumps(city), target_class=City)),
        ("RDF", rdflib_loader.loads(rdflib_dumper.dumps(city, schema), target_class=City, schemaview=schema)),
    ):
        print(f"{homepage} after {name}: {read.homepage}, {len(read.districts)} districts, the same list: {read.districts == city.districts}")
PY
"$folder/venv/bin/python" convert.py > seen 2> log
cat seen
diff seen - <<'SEEN'
https://www.example.com/bath after JSON: https://www.example.com/bath, 4 districts, the same list: True
https://www.example.com/bath after RDF: https://www.example.com/bath, 3 districts, the same list: False
http://example.org/?city=bath after JSON: http://example.org/?city=bath, 4 districts, the same list: True
http://example.org/?city=bath after RDF: ex:?city=bath, 3 districts, the same list: False
SEEN
echo "as described"
