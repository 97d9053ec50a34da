"""Rules that are evaluated on excerpts of a graph derive what they derive from the whole graph."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build import excerpts, predicate_files
from citygraph.build.dependencies import Unbounded
from citygraph.build.excerpts import Excerpts
from citygraph.build.graph_files import GraphFiles
from citygraph.errors import BadData
from citygraph.rdf.nquads import with_graph
from citygraph.rdf.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH, PREFIXES
from citygraph.source.rules import Rule, derive_in_parts, read_rules
from tests.conftest import REPOSITORY

_HEAD = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
_GRAPH = NamedNode("urn:x:graph")
_ONTOLOGY = """
cg:City rdfs:subClassOf cg:Place . cg:Place rdfs:subClassOf cg:Thing . cg:holder rdfs:subPropertyOf prov:agent .
cg:post rdfs:subPropertyOf prov:agent . <urn:x:concept> a skos:Concept ; skos:prefLabel "concept"@en ."""
_DATA = """
<urn:x:a> a cg:City , cg:Thing ; rdfs:label "a"@en ; cg:holder <urn:x:b> ; cg:post <urn:x:b> ; prov:agent _:c .
<urn:x:b> cg:elevation "007"^^xsd:integer ; cg:height 7 ; cg:kind <urn:x:concept> . _:c cg:holder <urn:x:a> .
_:c cg:note "an\\nold \\"note\\"" ; cg:elevation 8 ."""
RULES = [
    # One pattern: a predicate, a class and its superclasses, a property and its superproperties.
    "CONSTRUCT { ?s cg:height ?o } { ?s cg:elevation ?o }",
    "CONSTRUCT { ?s a ?super } { GRAPH graph:ontology { ?class rdfs:subClassOf+ ?super } ?s a ?class }",
    "CONSTRUCT { ?s ?super ?o } { GRAPH graph:ontology { ?p rdfs:subPropertyOf+ ?super } ?s ?p ?o }",
    # The subject of the result is another node, or the matches are counted: not for some triples at a time.
    "CONSTRUCT { ?o cg:of ?s } { ?s cg:holder ?o }",
    "CONSTRUCT { ?s cg:number ?n } { { SELECT ?s (COUNT(*) AS ?n) { ?s a ?class } GROUP BY ?s } }",
    # Any property, of nodes that another pattern requires, in the data or in the ontology.
    "CONSTRUCT { ?s cg:has ?p } { ?s cg:holder ?o . OPTIONAL { ?s ?p ?value } }",
    "CONSTRUCT { ?s ?p ?o } { ?t cg:holder ?s . { ?s ?p ?o } UNION { ?o cg:post ?s . BIND(cg:of AS ?p) } }",
    "CONSTRUCT { ?c a ?t } { GRAPH graph:ontology { ?c a skos:Concept, ?t } FILTER EXISTS { ?s ?p ?c } }",
    "CONSTRUCT { ?s cg:without ?o } { ?s cg:holder ?o MINUS { ?o cg:kind ?k } }",
    # A label that only a function reads.
    'CONSTRUCT { ?s cg:name ?name } { ?s cg:holder ?o BIND(cg:labelIn(?s, "en") AS ?name) }',
    # Words that are names, texts and comments.
    "CONSTRUCT { ?s cg:limit ?from } { ?s cg:holder ?from . FILTER('''LIMIT''' != \"FROM\") # FROM <urn:x:service>\n }",
]
_CHAIN = """
<urn:x:a> cg:holder <urn:x:b> ; cg:post <urn:x:c> . <urn:x:c> cg:kind <urn:x:d> . <urn:x:b> rdfs:label "b"@en .
<urn:x:e> cg:holder <urn:x:f> ; cg:post <urn:x:c> . <urn:x:d> cg:kind <urn:x:a> . <urn:x:g> cg:of <urn:x:g> ."""
# The variable ?y (or ?labelled) of an inner part is another one than that of the first pattern, or need not be bound.
SCOPES = [
    "{ ?x cg:holder ?y OPTIONAL { ?x cg:post ?z OPTIONAL { ?z cg:kind ?y } } FILTER(!BOUND(?z)) }",
    "{ ?x cg:holder ?y { OPTIONAL { ?y cg:kind ?z } } }",
    "{ ?x cg:holder ?y { ?x cg:post ?z MINUS { ?z cg:kind ?y } } }",
    "{ ?x cg:holder ?y { ?x cg:post ?z FILTER NOT EXISTS { ?z cg:kind ?y } } }",
    "{ ?x cg:holder ?y { SELECT DISTINCT ?x { ?x cg:post ?z . ?z cg:kind ?y } } }",
    "{ ?x cg:holder ?y BIND(EXISTS { ?x cg:post ?z OPTIONAL { ?z cg:kind ?y } FILTER(BOUND(?y)) } AS ?e) FILTER(?e) }",
    "{ ?labelled cg:of ?z . ?x cg:holder ?w BIND(cg:labelIn(?w, 'en') AS ?y) }",
]
UNBOUNDED = [
    "CONSTRUCT { ?s cg:has ?o } { ?s ?p ?o }",
    "CONSTRUCT { ?s cg:has ?o } { ?s cg:holder+ ?o }",
    "CONSTRUCT { ?s cg:has ?o } { GRAPH ?g { ?s cg:holder ?o } }",
    "CONSTRUCT { ?s cg:has ?o } { GRAPH graph:derived { ?s cg:holder ?o } }",
    "CONSTRUCT { ?s cg:has ?o } { GRAPH graph:derived { ?s cg:holder+ ?o } }",
    "CONSTRUCT { ?s cg:has ?o } { ?s cg:holder ?o GRAPH graph:derived {} }",
    "BASE <urn:x:> CONSTRUCT { ?s cg:has ?o } { ?s cg:holder ?o }",
    "CONSTRUCT { ?s cg:has << ?s cg:holder ?o >> } { ?s cg:holder ?o }",
    "CONSTRUCT { ?s cg:has ?o } FROM graph:derived { ?s cg:holder ?o }",
    "CONSTRUCT { ?s cg:has ?p } { { SELECT ?s { ?s cg:holder ?o } LIMIT 1 } ?s ?p ?o }",
]


def quads_of(turtle: str, graph: NamedNode | DefaultGraph = DefaultGraph()) -> list[Quad]:  # noqa: B008 - a constant
    quads = parse(_HEAD + turtle, RdfFormat.TURTLE)
    return [Quad(quad.subject, quad.predicate, quad.object, graph) for quad in quads]


def excerpts_of(quads: Iterable[Quad], folder: Path, ontology: Iterable[Quad]) -> tuple[Excerpts, GraphFiles]:
    files = GraphFiles(folder / "parts")
    files.add(with_graph([f"{quad.triple} .\n" for quad in quads], _GRAPH))
    return Excerpts(files, ontology, folder), files


@pytest.fixture(params=["small", "large"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For large graphs, rules are evaluated for some triples at a time, and only triples of bound nodes are read."""
    if request.param == "large":
        monkeypatch.setattr(excerpts, "_MOST_LINES", 2)
        monkeypatch.setattr(excerpts, "_FEW_LINES", 0)


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("text", RULES)
@pytest.mark.parametrize("most_files", [2000, 3])
def test_rule_derives_the_same_from_an_excerpt(
    text: str, most_files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) Each new triple once, none that is stated in another form, and blank nodes with their labels."""
    monkeypatch.setattr(predicate_files, "_MOST_FILES", most_files)
    rule, data, ontology = Rule("rule", text), quads_of(_DATA), quads_of(_ONTOLOGY, ONTOLOGY_GRAPH)
    store = Store()
    store.extend([*data, *ontology])
    few, _ = excerpts_of(data, tmp_path, ontology)
    derived = [line for part in few.derive(rule, "") for line in part]
    expected = [line for part in derive_in_parts(rule, store, "") for line in part]
    assert sorted(derived) == sorted(set(expected))
    assert expected
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


@pytest.mark.usefixtures("_size")
@pytest.mark.parametrize("where", SCOPES)
def test_rule_reads_every_match_of_a_variable_that_need_not_be_the_outer_one(where: str, tmp_path: Path) -> None:
    """(16 §5) OPTIONAL, MINUS, EXISTS and subqueries in a group are evaluated before the group is joined."""
    rule, data = Rule("rule", f"CONSTRUCT {{ ?x cg:result ?y }} {where}"), quads_of(_CHAIN)
    store = Store()
    store.extend(data)
    few, _ = excerpts_of(data, tmp_path, [])
    assert {line for part in few.derive(rule, "") for line in part} == {
        line for part in derive_in_parts(rule, store, "") for line in part
    }


def test_rule_without_template_derives_nothing(tmp_path: Path) -> None:
    """(16 §5) Its result is what the graph has."""
    few, _ = excerpts_of(quads_of(_DATA), tmp_path, [])
    rule = Rule("rule", "CONSTRUCT WHERE { ?s cg:holder ?o }")
    assert [line for part in few.derive(rule, "") for line in part] == []


@pytest.mark.parametrize("text", UNBOUNDED)
def test_rule_that_may_read_anything_has_no_excerpt(text: str, tmp_path: Path) -> None:
    """(16 §5) Such a rule is evaluated on the whole graph."""
    few, _ = excerpts_of(quads_of(_DATA), tmp_path, quads_of(_ONTOLOGY, ONTOLOGY_GRAPH))
    with pytest.raises(Unbounded):
        next(few.derive(Rule("rule", text), ""))


@pytest.mark.parametrize("text", ["CONSTRUCT { ?s }", "SELECT * { ?s cg:holder ?o }"])
def test_rule_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    """(16 §5) With the message that the whole graph gives."""
    few, _ = excerpts_of([], tmp_path, [])
    with pytest.raises(BadData):
        next(few.derive(Rule("rule", text), ""))


@pytest.mark.usefixtures("_size")
def test_our_rules_derive_the_same_from_excerpts_of_random_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) All rules in order, where each sees what the earlier ones derived."""
    if excerpts._MOST_LINES == 2:
        # These graphs have thousands of lines, of which parts of fifty are small enough.
        monkeypatch.setattr(excerpts, "_MOST_LINES", 50)
    rules = read_rules(sorted((REPOSITORY / "ontology" / "rules").glob("*.rq")))
    ontology = [
        Quad(quad.subject, quad.predicate, quad.object, ONTOLOGY_GRAPH)
        for path in (REPOSITORY / "ontology").rglob("*.ttl")
        if not {"shapes", "examples"} & set(path.parts)
        for quad in parse(path=path)
    ]
    examples = [
        Quad(quad.subject, quad.predicate, quad.object)
        for path in sorted((REPOSITORY / "ontology" / "examples" / "conforming").iterdir())
        if path.suffix in (".ttl", ".trig")
        for quad in parse(path=path)
    ]
    random = Random(16)  # noqa: S311 - no secret
    for number in range(2):
        data = random.sample(examples, len(examples) * 3 // 4)
        store = Store()
        store.extend([*data, *ontology])
        folder = tmp_path / str(number)
        folder.mkdir()
        few, files = excerpts_of(data, folder, ontology)
        for rule in rules:
            derived = [line for part in few.derive(rule, "2025-11-22") for line in part]
            files.add(with_graph(derived, DERIVED_GRAPH))
            expected = {line for part in derive_in_parts(rule, store, "2025-11-22") for line in part}
            assert set(derived) == expected, rule.name
        assert any(store.quads_for_pattern(None, None, None, DERIVED_GRAPH))
