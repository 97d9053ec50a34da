"""Every rule about data has an example that keeps it and one that breaks it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store, parse

from citygraph.build.dependencies import patterns_of_graphs
from citygraph.build.graph_rules import GraphRules
from citygraph.build.validation import Validation
from citygraph.incremental.dependency_index import nodes_with_paths
from citygraph.rdf.delta import Delta
from citygraph.rdf.terms import BASE, CG
from citygraph.report import Report, merge_reports, report_of
from citygraph.source.files import Sources

EXAMPLES = Path(__file__).parents[1] / "ontology" / "examples"
# Those about who states what have graphs.
CONFORMING = sorted((EXAMPLES / "conforming").glob("*.t*"))
VIOLATING = sorted((EXAMPLES / "violating").glob("*.t*"))
pytestmark = pytest.mark.timeout(600)
_HEAD = re.compile(r"# (violates|warns): shapes:(\S+)")


@pytest.fixture(scope="module")
def reports(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Report]:
    """The report of each example, by both engines: validation raises if they disagree."""
    folder = tmp_path_factory.mktemp("examples")

    by_graph = GraphRules(file.path for file in sources.shape_files())
    ontology = [quad for file in sources.ontology_files() for quad in file.read()]

    def _both(report: Report, path: Path) -> Report:
        if path.suffix != ".trig":
            return report
        quads = list(parse(path=path))
        store = Store()
        store.extend([*ontology, *quads, *(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)])
        return merge_reports([report, report_of(by_graph.check(store))])

    with Validation(sources) as validation:
        return {
            path: _both(validation.validate(_as_ntriples(path, folder), both=True), path)
            for path in CONFORMING + VIOLATING
        }


def _as_ntriples(path: Path, folder: Path) -> Path:
    target = folder / f"{path.parent.name}-{path.stem}.nt"
    target.write_text("".join(f"{quad.triple} .\n" for quad in parse(path=path)))
    return target


@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_a_conforming_example_conforms(reports: dict[Path, Report], path: Path) -> None:
    """An example of right data has no violations."""
    assert [(r.shape, r.focus_node, r.value) for r in reports[path].violations] == []


@pytest.mark.parametrize("path", VIOLATING, ids=lambda path: path.stem)
def test_a_violating_example_breaks_the_rule_it_names(reports: dict[Path, Report], path: Path) -> None:
    """It breaks just that rule, with the severity it says, in words of both languages with a remedy."""
    head = _HEAD.match(path.read_text(encoding="utf-8"))
    assert head, f"{path.name} does not say which shape it breaks"
    severity = {"violates": "violation", "warns": "warning"}[head[1]]
    named = [r for r in reports[path].results if r.shape == f"{BASE}ontology/shapes#{head[2]}"]
    assert named
    assert {result.severity for result in named} == {severity}
    assert all(result.messages.keys() >= {"en", "tr"} and result.remedies.keys() >= {"en", "tr"} for result in named)
    assert {r.shape for r in reports[path].violations} <= {named[0].shape}


def test_every_rule_is_broken_by_an_example(sources: Sources) -> None:
    """A shape with a message that no example breaks may never have worked."""
    with_message = {
        quad.subject.value.partition("#")[2]
        for file in sources.shape_files()
        for quad in file.read()
        if quad.predicate == CG("remedy") and hasattr(quad.subject, "value")
    }
    heads = [_HEAD.match(path.read_text(encoding="utf-8")) for path in VIOLATING]
    assert with_message - {head[2] for head in heads if head} == set()


def test_an_agreement_with_a_start_has_a_date(reports: dict[Path, Report]) -> None:
    """The warning about missing dates is for those that have none, of whatever kind (13.10)."""
    report = reports[EXAMPLES / "conforming" / "agreements.ttl"]
    undated = {r.focus_node.rpartition("/")[2] for r in report.results if r.shape.endswith("#AgreementUndated")}
    assert "baku-ancona-province" not in undated
    assert any(
        r.shape.endswith("#AgreementUndated") for r in reports[EXAMPLES / "violating" / "agreement-undated.ttl"].results
    )


@pytest.mark.parametrize("at_a_time", [2, 500])
def test_rules_about_graphs_find_the_same_of_some_nodes(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    """A commit asks about the nodes of its change only; the others may break the rules too (16 §6)."""
    monkeypatch.setattr("citygraph.build.graph_rules._AT_A_TIME", at_a_time)
    rules = GraphRules(file.path for file in sources.shape_files())
    store = Store()
    store.extend(quad for file in sources.ontology_files() for quad in file.read())
    for path in (path for path in VIOLATING if path.suffix == ".trig"):
        store.extend(q for quad in parse(path=path) for q in (quad, Quad(quad.subject, quad.predicate, quad.object)))
    whole = list(rules.check(store))
    nodes = sorted({quad.subject for quad in store if isinstance(quad.subject, NamedNode)}, key=str)
    assert len({result.shape for result in whole}) > 5
    for some in (set(nodes[::2]), set(nodes[1::2])):
        names = {node.value for node in some}
        expected = [result for result in whole if result.focus_node in names]
        assert sorted(map(str, rules.check(store, some))) == sorted(map(str, expected))


def test_a_rule_about_graphs_that_reads_nothing_of_a_change_finds_the_same(sources: Sources) -> None:
    """A commit does not evaluate it, and its results remain; the others it evaluates about some nodes (16 §6)."""
    rules = GraphRules(file.path for file in sources.shape_files())
    rules.read(patterns_of_graphs)
    examples = sorted((q for path in VIOLATING if path.suffix == ".trig" for q in parse(path=path)), key=str)
    store = Store()
    store.extend(quad for file in sources.ontology_files() for quad in file.read())
    store.extend(examples)
    store.extend(map(_merged, examples))
    chance = Random(16)  # noqa: S311 - nothing here is secret
    before = _by_shape(rules, store)
    skipped, differed = set[str](), set[str]()
    for _ in range(150):
        added, removed = _change(examples, chance)
        changed = Delta({quad for quad in added if quad not in store}, removed)
        present = {_merged(quad) for quad in added | removed if _merged(quad) in store}
        _apply(store, added, removed)
        now = {_merged(quad) for quad in added | removed if _merged(quad) in store}
        merged = Delta(now - present, present - now)
        every = changed.added | changed.removed
        concerned = rules.concerned(every, merged.added | merged.removed, store)
        nodes = {str(term)[1:-1] for quad in every for term in (quad.subject, quad.object)}
        nodes |= {node.value for node in nodes_with_paths(rules.paths(concerned), changed, merged, store)}
        after = _by_shape(rules, store)
        different = {shape for shape in rules.shapes if before[shape] != after[shape]}
        assert different <= concerned, (added, removed)
        assert {one.focus_node for shape in different for one in before[shape] ^ after[shape]} <= nodes
        skipped |= rules.shapes - concerned
        differed |= different
        _apply(store, removed, added)
    assert len(skipped) > 8
    assert len(differed) > 8


class _Result(NamedTuple):
    focus_node: str
    path: str
    value: str
    label: str


def _merged(quad: Quad) -> Quad:
    return Quad(quad.subject, quad.predicate, quad.object)


def _by_shape(rules: GraphRules, store: Store) -> dict[str, set[_Result]]:
    results = list(rules.check(store))
    return {
        shape: {_Result(r.focus_node, r.path, r.value, r.label) for r in results if r.shape == shape}
        for shape in rules.shapes
    }


def _change(quads: list[Quad], chance: Random) -> tuple[set[Quad], set[Quad]]:
    """Returns quads that are not there, and some that are."""
    one, other, third = (chance.choice(quads) for _ in range(3))
    removed = {one} if chance.random() < 0.5 else set()
    new = Quad(other.subject, other.predicate, chance.choice((third.object, other.object)), third.graph_name)
    return {new} - set(quads) if not removed or chance.random() < 0.3 else set(), removed


def _apply(store: Store, added: set[Quad], removed: set[Quad]) -> None:
    """Applies a change to the named graphs, and merges them in the default graph."""
    for quad in removed:
        store.remove(quad)
        stated = store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
        if all(isinstance(other.graph_name, DefaultGraph) for other in stated):
            store.remove(_merged(quad))
    store.extend(added)
    store.extend(map(_merged, added))


def test_a_rule_about_graphs_with_values_of_its_own_finds_the_same_of_some_nodes(tmp_path: Path) -> None:
    """Its group ends with its own brace, and not with one in a comment or a string."""
    query = """SELECT ?focus ?path ?value WHERE {
      VALUES ?path { cg:a cg:b }
      GRAPH ?graph {
        ?focus ?path ?value . # not }
        FILTER(?value != "}" && ?value < "y" && ?value > "a")
        FILTER NOT EXISTS { ?focus cg:c ?value }
      }
      FILTER(?graph != graph:derived)
    }"""
    shape = tmp_path / "graph.ttl"
    shape.write_text(f"<{BASE}ontology/shapes#Own> <{CG('graphQuery').value}> '''{query}''' .", encoding="utf-8")
    nodes = [NamedNode(f"{BASE}id/place/{number}") for number in range(20)]
    store = Store()
    for node in nodes:
        values = (("a", "x"), ("b", "}"), ("b", "z"), ("c", "w"))
        store.extend(Quad(node, CG(name), Literal(value), NamedNode(f"{BASE}source/s")) for name, value in values)
    rules = GraphRules([shape])
    assert len(list(rules.check(store))) == len(nodes)
    for some in (nodes[:1], nodes[:12]):
        assert sorted(r.focus_node for r in rules.check(store, some)) == sorted(node.value for node in some)
