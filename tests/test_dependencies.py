"""What is read from the texts of queries: here, whether a constraint can be about a literal."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, Store
from rdflib import Graph

from citygraph.build.dependencies import ANY_GRAPH, Unbounded, patterns_of_graphs, query_patterns
from citygraph.build.patterns import CachedQuads, DependencyPaths, Pattern, Variable
from citygraph.build.shape_dependencies import all_shape_paths
from citygraph.incremental import pattern_cache
from citygraph.incremental.pattern_cache import PatternCache
from citygraph.rdf.terms import CG, GRAPH
from citygraph.source.files import Sources

ABOUT_NODES = [
    "SELECT ?value { ?value ?p ?o }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value)) }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value) && ?p != rdf:type) OPTIONAL { ?value a ?t } }",
    "SELECT ?value { { ?s ?p ?value FILTER(isBlank(?value)) } UNION { ?value ?q ?o } }",
]
ABOUT_LITERALS_TOO = [
    "SELECT ?value { ?s ?p ?value }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?s)) }",
    "SELECT ?value { ?s ?p ?value FILTER(isIRI(?value) || ?p != rdf:type) }",
    "SELECT ?value { { ?s ?p ?value FILTER(isBlank(?value)) } UNION { ?s ?q ?value } }",
    "SELECT ?value { ?value ^rdfs:label ?s }",
    "SELECT ?value { ?s a cg:City OPTIONAL { ?s rdfs:label ?value FILTER(isIRI(?value)) } }",
]


@pytest.mark.parametrize("text", ABOUT_NODES)
def test_literals_are_passed_over_where_no_constraint_means_them(text: str) -> None:
    """As a subject, or where a filter over the whole group wants a node."""
    assert "literal" not in query_patterns(text).dependencies("value").kinds


@pytest.mark.parametrize("text", ABOUT_LITERALS_TOO)
def test_literals_are_judged_wherever_one_may_be_meant(text: str) -> None:
    """Without such a filter, with one that need not hold, in another arm, at the end of a path that runs backwards."""
    assert "literal" in query_patterns(text).dependencies("value").kinds


@pytest.mark.parametrize("where", [r"?s cg:a\/b ?o", r"?s ?p cg:a\#b", r"GRAPH cg:a\/b { ?s ?p ?o }"])
def test_names_with_escapes_have_no_patterns(where: str) -> None:
    """rdflib keeps the backslash, and the engine does not (16 §6)."""
    with pytest.raises(Unbounded):
        query_patterns(f"SELECT * {{ {where} }}")


REQUIRED = [
    ("{ ?s cg:a ?o OPTIONAL { ?o cg:b ?x } MINUS { ?s cg:c ?y } FILTER NOT EXISTS { ?s cg:d ?z } }", ["a"]),
    ("{ { ?s cg:a ?o } UNION { ?s cg:b ?o } ?o cg:c ?x FILTER EXISTS { ?s cg:d ?z } }", ["c"]),
    ("{ { SELECT ?s (MAX(?o) AS ?most) { ?s cg:a ?o } GROUP BY ?s } ?s cg:b | cg:c ?x }", ["a"]),
    ("{ { SELECT (COUNT(?o) AS ?number) { ?o cg:a ?x } } ?s cg:b/^cg:c ?z }", ["b", "c"]),
    ("{ GRAPH <urn:x-ontology> { ?p cg:broader+ ?q } ?s ?p ?o }", ["broader", "broader", "p"]),
]


@pytest.mark.parametrize(("where", "expected"), REQUIRED)
def test_patterns_that_a_solution_needs_are_known(where: str, expected: list[str]) -> None:
    """Not optional ones, those of one arm, or those of an aggregate that has a result of nothing too (16 §6)."""
    required = query_patterns(f"SELECT * {where}").required
    predicates = (pattern.predicate for pattern in required)
    assert [p.name if isinstance(p, Variable) else str(p).split("#")[1][:-1] for p in predicates] == expected


# Every kind of part: graphs, kinds of literals, unions, subqueries, BIND, paths, patterns of which one match counts.
KEPT = [
    *ABOUT_NODES,
    """CONSTRUCT { ?new rdfs:label "a \\"name\\""@en . ?s cg:part ?new }
    WHERE { ?s a cg:City ; cg:height 1.5 ; rdfs:comment "plain" . GRAPH <urn:x-ontology> { ?s ?p ?class }
      BIND(IRI(CONCAT(STR(?s), "#part")) AS ?new) }""",
    "SELECT ?this { { SELECT ?this (COUNT(?o) AS ?n) { ?this cg:a/cg:b ?o } GROUP BY ?this } UNION { ?this ^cg:c ?q }}",
]


def test_kept_patterns_equal_those_of_the_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process reads them from the file, and parses no query (16 §6)."""
    first = PatternCache(tmp_path / "patterns.json")
    assert [first.read(text) for text in KEPT] == [query_patterns(text) for text in KEPT]
    first.save()
    expected = [query_patterns(text) for text in KEPT]
    monkeypatch.setattr(pattern_cache, "query_patterns", _refuse)
    second = PatternCache(tmp_path / "patterns.json")
    assert [second.read(text) for text in KEPT] == expected


def test_a_dependency_without_limit_is_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §6)"""
    first = PatternCache(tmp_path / "patterns.json")
    with pytest.raises(Unbounded, match="has no end"):
        first.read("SELECT ?s { ?s cg:near+ ?o }")
    first.save()
    monkeypatch.setattr(pattern_cache, "query_patterns", _refuse)
    with pytest.raises(Unbounded, match="has no end"):
        PatternCache(tmp_path / "patterns.json").read("SELECT ?s { ?s cg:near+ ?o }")


def test_kept_paths_equal_those_of_the_shapes(
    tmp_path: Path, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process does not read the shapes, nor their queries again after a change of other shapes (16 §6)."""
    text = "\n".join(file.path.read_text(encoding="utf-8") for file in sources.shape_files())
    shapes = Graph().parse(data=text, format="turtle")
    first = PatternCache(tmp_path / "patterns.json")
    expected = first.shape_paths(text, partial(all_shape_paths, shapes))
    first.save()
    monkeypatch.setattr(pattern_cache, "query_patterns", _refuse)
    second = PatternCache(tmp_path / "patterns.json")
    assert second.shape_paths(text, _refuse) == expected  # type: ignore[arg-type]
    assert second.shape_paths(f"{text}\n# another", partial(all_shape_paths, shapes)) == expected


@pytest.mark.parametrize("content", ["", "[]", '{"version": "another", "queries": {}}'])
def test_patterns_of_another_version_are_read_anew(tmp_path: Path, content: str) -> None:
    """So is a damaged file (16 §6)."""
    path = tmp_path / "patterns.json"
    path.write_text(content, encoding="utf-8")
    cache = PatternCache(path)
    assert cache.read(KEPT[0]) == query_patterns(KEPT[0])
    cache.save()
    assert path.read_text(encoding="utf-8") != content


def _refuse(text: str) -> None:
    raise AssertionError(f"parsed again: {text}")


def test_classes_that_are_read_together_are_those_that_are_asked_for() -> None:
    node, type_, name = NamedNode("urn:x:node"), NamedNode("urn:x:type"), NamedNode("urn:x:name")
    classes = [NamedNode(f"urn:x:class-{number}") for number in range(3)]
    store = Store()
    store.extend([Quad(node, type_, one) for one in classes] + [Quad(node, name, node)])
    this = Variable("this")
    patterns = [*(Pattern(this, type_, one) for one in classes[:2]), Pattern(this, name, this)]
    paths: list[tuple[Pattern, ...]] = [(pattern,) for pattern in patterns]
    found = list(DependencyPaths("this", paths).relevant(CachedQuads(store), node))
    assert sorted(map(str, found)) == sorted(
        map(str, [Quad(node, type_, classes[0]), Quad(node, type_, classes[1]), Quad(node, name, node)])
    )


def test_the_graph_of_a_variable_is_any_graph(tmp_path: Path) -> None:
    """Where the caller can follow it: a rule about graphs reads them all. The next process knows it too."""
    text = """SELECT * { VALUES (?p ?q) { (cg:a cg:b) (cg:c UNDEF) }
      GRAPH graph:curation { ?s cg:d ?o } GRAPH ?g { ?s ?p ?x } }"""
    with pytest.raises(Unbounded):
        query_patterns(text)
    cache = PatternCache(tmp_path / "patterns.json")
    assert cache.read_of_graphs(text) == patterns_of_graphs(text)
    cache.save()
    for query in (patterns_of_graphs(text), PatternCache(tmp_path / "patterns.json").read_of_graphs(text)):
        assert {pattern.graph for pattern in query.patterns} == {ANY_GRAPH, GRAPH("curation")}
        assert query.graphs == {ANY_GRAPH, GRAPH("curation")}
        assert query.values == {"p": {CG("a"), CG("c")}}


@pytest.mark.parametrize("group", ["?s cg:a* ?o", "", "FILTER(?o > 1)"])
def test_a_group_of_any_graph_without_patterns_has_no_limit(group: str) -> None:
    """It reads nodes or graphs that no pattern has."""
    with pytest.raises(Unbounded):
        patterns_of_graphs(f"SELECT * {{ ?x cg:b ?o FILTER NOT EXISTS {{ GRAPH ?g {{ {group} }} }} }}")
