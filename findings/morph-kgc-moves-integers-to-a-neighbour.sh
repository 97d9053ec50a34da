#!/usr/bin/env bash
# A mapping in RML or R2RML may give a column a datatype. The value then keeps its lexical form, and one that the datatype does not
# have is an error (R2RML, 10.3). For xsd:integer, morph-kgc 2.10.0 converts the text to a double and cuts off its fraction. An
# integer above 2^53 becomes a neighbour: two different identifiers of 16 digits become the same one. 2.9 becomes 2. Nothing is
# reported. A good engineer expects each integer as in the table, because xsd:integer has no limit, and an error or an ill-typed
# literal for 2.9. With the datatype xsd:long, or without one, the text is kept. Small integers are right as well, so that an
# ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check morph-kgc==2.10.0
cd "$folder"
cat > cities.csv <<'CSV'
name,id
bath,94782
alkmaar,9007199254740992
beppu,9007199254740993
aix,2.9
CSV
cat > mapping.ttl <<'TTL'
@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix rml: <http://semweb.mmlab.be/ns/rml#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <http://example.org/> .
ex:cities rml:logicalSource [
    rml:source "cities.csv" ; rml:referenceFormulation <http://semweb.mmlab.be/ns/ql#CSV> ] ;
  rr:subjectMap [ rr:template "http://example.org/{name}" ] ;
  rr:predicateObjectMap [ rr:predicate ex:integer ; rr:objectMap [ rml:reference "id" ; rr:datatype xsd:integer ] ] ,
    [ rr:predicate ex:long ; rr:objectMap [ rml:reference "id" ; rr:datatype xsd:long ] ] ,
    [ rr:predicate ex:text ; rr:objectMap [ rml:reference "id" ] ] .
TTL
cat > map.py <<'PY'
import morph_kgc
from rdflib import URIRef

graph = morph_kgc.materialize("[CONFIGURATION]\nlogging_level=WARNING\n[CITIES]\nmappings=mapping.ttl\n")
for name in ("bath", "alkmaar", "beppu", "aix"):
    values = {str(p).split("/")[-1]: str(o) for p, o in graph.predicate_objects(URIRef(f"http://example.org/{name}"))}
    print(name, *(f"{key}: {value}" for key, value in sorted(values.items())), sep=", ")
PY
"$folder/venv/bin/python" map.py > seen 2> warnings
cat seen
diff seen - <<'SEEN'
bath, integer: 94782, long: 94782, text: 94782
alkmaar, integer: 9007199254740992, long: 9007199254740992, text: 9007199254740992
beppu, integer: 9007199254740992, long: 9007199254740993, text: 9007199254740993
aix, integer: 2, long: 2.9, text: 2.9
SEEN
echo "as described"
