#!/usr/bin/env bash
# In OWL, a blank node is an anonymous individual. It has properties and classes as each other individual has, and is one
# individual in all axioms of its ontology (OWL 2 Structural Specification, 5.6.2; Mapping to RDF Graphs, table 16). py-horned-owl
# 2.0.0 writes such axioms correctly as RDF/XML. When it reads RDF/XML, it drops the classes and values of a blank node. A
# property with a blank node as its value becomes an annotation, and two mentions of one node become two nodes. No error is
# raised. A good engineer expects the axioms that were saved, as they are after OWL/XML, and the statements that rdflib 7.6.0
# reads from the same file. Individuals with an IRI are read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check py-horned-owl==2.0.0 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from pyhornedowl import open_ontology_from_string
from rdflib import Graph, URIRef

EX = "http://example.org/"
BEGIN = f"""Prefix(:=<{EX}>) Prefix(rdfs:=<http://www.w3.org/2000/01/rdf-schema#>) Ontology(<{EX}cities>
Declaration(NamedIndividual(:bath)) Declaration(Class(:Address)) Declaration(ObjectProperty(:address))
Declaration(DataProperty(:street)) Declaration(AnnotationProperty(:note))"""


def axioms(ontology):
    texts = (str(axiom).replace(f"<{EX}", ":").replace(">", "") for axiom in ontology.get_axioms())
    return sorted(text for text in texts if not text.startswith("Declaration"))


for statements in (
    'ObjectPropertyAssertion(:address :bath :a1) DataPropertyAssertion(:street :a1 "High Street")',
    'ObjectPropertyAssertion(:address :bath _:a1) DataPropertyAssertion(:street _:a1 "High Street") ClassAssertion(:Address _:a1)',
    'AnnotationAssertion(:note :bath _:n1) AnnotationAssertion(:note _:n1 "old")',
):
    ontology = open_ontology_from_string(f"{BEGIN} {statements})", serialization="ofn")
    print(statements)
    for format in ("owx", "owl"):
        read = open_ontology_from_string(ontology.save_to_string(format), serialization=format)
        print(f"  {format}:", *axioms(read))
    graph = Graph().parse(data=ontology.save_to_string("owl"), format="xml")
    addresses = graph.objects(URIRef(f"{EX}bath"), URIRef(f"{EX}address") | URIRef(f"{EX}note"))
    print("  rdflib: the value has", sum(len(list(graph.predicate_objects(address))) for address in addresses), "statements")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
ObjectPropertyAssertion(:address :bath :a1) DataPropertyAssertion(:street :a1 "High Street")
  owx: DataPropertyAssertion(:street :a1 "High Street") ObjectPropertyAssertion(:address :bath :a1)
  owl: DataPropertyAssertion(:street :a1 "High Street") ObjectPropertyAssertion(:address :bath :a1)
  rdflib: the value has 1 statements
ObjectPropertyAssertion(:address :bath _:a1) DataPropertyAssertion(:street _:a1 "High Street") ClassAssertion(:Address _:a1)
  owx: ClassAssertion(:Address _:a1) DataPropertyAssertion(:street _:a1 "High Street") ObjectPropertyAssertion(:address :bath _:a1)
  owl: AnnotationAssertion(:address :bath _:anon000001)
  rdflib: the value has 2 statements
AnnotationAssertion(:note :bath _:n1) AnnotationAssertion(:note _:n1 "old")
  owx: AnnotationAssertion(:note :bath _:n1) AnnotationAssertion(:note _:n1 "old")
  owl: AnnotationAssertion(:note :bath _:anon000001) AnnotationAssertion(:note _:anon000002 "old")
  rdflib: the value has 1 statements
SEEN
echo "as described"
