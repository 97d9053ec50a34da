#!/usr/bin/env bash
# A reasoner for OWL 2 RL concludes what the rules derive from chains of properties, keys, lists of members and cardinalities of
# one (OWL 2 Profiles, 4.3, tables 5 and 6: prp-spo2, prp-key, cls-oo and cls-maxc2). reasonable 0.4.4 calls itself a reasoner for
# OWL 2 RL, but concludes nothing from these four, without an error. In its new statements, en-GB is en-gb, and each text has its
# datatype. In rdflib 7.6.0 that is another text: with the new statements, a graph has the name twice, and a pattern with the name
# finds none of them. A good engineer expects the conclusions of owlrl 7.6.2, in the terms of the graph. Symmetric properties are
# treated correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check reasonable==0.4.4 owlrl==7.6.2 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from owlrl import DeductiveClosure, OWLRL_Semantics
from rdflib import OWL, BNode, Graph
from reasonable import PyReasoner

PREFIXES = """@prefix : <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."""


def conclude_with_reasonable(graph):
    reasoner = PyReasoner()
    reasoner.from_graph(graph)
    return reasoner.reason()


def conclude_with_owlrl(graph):
    whole = Graph() + graph
    DeductiveClosure(OWLRL_Semantics).expand(whole)
    return whole


def ours(term):
    return str(term).startswith("http://example.org/") and not isinstance(term, BNode)


for statements in (
    ":twin a owl:SymmetricProperty . :bath :twin :aix .",
    ":within owl:propertyChainAxiom (:in :partOf) . :bath :in :avon . :avon :partOf :england .",
    ":City owl:hasKey (:code) . :bath a :City ; :code :ba1 . :bad a :City ; :code :ba1 .",
    ":Twin owl:oneOf (:bath :aix) .",
    ':Land owl:onProperty :capital ; owl:maxCardinality "1"^^xsd:nonNegativeInteger . :italy a :Land ; :capital :rome, :roma .',
    ':name rdfs:subPropertyOf :label . :bath :name "Bath", "Bath"@en-GB .',
):
    graph = Graph().parse(data=f"{PREFIXES} {statements}")
    print(statements)
    for conclude in (conclude_with_owlrl, conclude_with_reasonable):
        found = [
            triple
            for triple in set(conclude(graph)) - set(graph)
            if ours(triple[0]) and triple[0] != triple[2] and triple[2] != OWL.Thing and not isinstance(triple[2], BNode)
        ]
        shown = (" ".join(term.n3(graph.namespace_manager) for term in triple) for triple in found)
        print(f"  {conclude.__name__.split('_')[-1]}: {'; '.join(sorted(shown)) or 'nothing'}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
:twin a owl:SymmetricProperty . :bath :twin :aix .
  owlrl: :aix :twin :bath
  reasonable: :aix :twin :bath
:within owl:propertyChainAxiom (:in :partOf) . :bath :in :avon . :avon :partOf :england .
  owlrl: :bath :within :england
  reasonable: nothing
:City owl:hasKey (:code) . :bath a :City ; :code :ba1 . :bad a :City ; :code :ba1 .
  owlrl: :bad owl:sameAs :bath; :bath owl:sameAs :bad
  reasonable: nothing
:Twin owl:oneOf (:bath :aix) .
  owlrl: :aix rdf:type :Twin; :bath rdf:type :Twin
  reasonable: nothing
:Land owl:onProperty :capital ; owl:maxCardinality "1"^^xsd:nonNegativeInteger . :italy a :Land ; :capital :rome, :roma .
  owlrl: :roma owl:sameAs :rome; :rome owl:sameAs :roma
  reasonable: nothing
:name rdfs:subPropertyOf :label . :bath :name "Bath", "Bath"@en-GB .
  owlrl: :bath :label "Bath"; :bath :label "Bath"@en-GB
  reasonable: :bath :label "Bath"@en-gb; :bath :label "Bath"^^xsd:string; :bath :name "Bath"^^xsd:string
SEEN
echo "as described"
