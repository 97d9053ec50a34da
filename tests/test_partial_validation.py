"""Working from the change alone gives what working from the whole graph gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import data_graphs, describe, described
from citygraph.build.patterns import Term
from citygraph.build.products import table_outputs
from citygraph.commit.followup import PATTERNS
from citygraph.incremental.counts import CountedStore
from citygraph.incremental.derivation import Deriver
from citygraph.incremental.partial_validation import AffectedNodes, PartialValidator
from citygraph.incremental.pattern_cache import PatternCache
from citygraph.rdf.delta import Delta
from citygraph.rdf.terms import CATALOG_GRAPH, CG, DERIVED_GRAPH, GRAPH, ONTOLOGY_GRAPH, RDF, RDFS, SHAPES_GRAPH, XSD
from citygraph.release.releases import Release
from citygraph.report import Report
from citygraph.source.files import Sources
from citygraph.source.rules import derive_from_scratch, read_rules

MADE = (DefaultGraph(), DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, CATALOG_GRAPH)
TYPE = RDF("type")
pytestmark = pytest.mark.timeout(900)
# Few graphs with many changes each: to derive everything anew from a graph takes as long for many as for few.
few = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
# To judge the whole graph takes seconds, however much was changed in it.
fewer = settings(few, max_examples=4)


class World:
    """The İzmir graph in memory, and changes of it."""

    def __init__(self, release: Release, sources: Sources) -> None:
        self.store = Store()
        self.store.bulk_extend(release.open_store())
        self.quads = sorted((q for q in self.store if q.graph_name not in MADE), key=str)
        self.tables = table_outputs(sources.query_folders)
        self.described = set(described(self.store, self.tables))
        self.types = [quad for quad in self.quads if quad.predicate == TYPE]

    def copy(self) -> Store:
        copied = Store()
        copied.bulk_extend(self.store)
        return copied

    def change(self, steps: list[tuple[str, int, int]]) -> Delta:
        """Statements taken away, inserted, re-typed and re-linked."""
        delta = Delta()
        for kind, one, other in steps:
            quad, donor = self.quads[one % len(self.quads)], self.quads[other % len(self.quads)]
            if kind == "delete":
                delta.removed.add(quad)
            elif kind == "retype":
                delta.added.add(Quad(quad.subject, TYPE, self.types[other % len(self.types)].object, GRAPH("test")))
            elif kind == "relink":
                delta.added.add(Quad(quad.subject, quad.predicate, donor.object, GRAPH("test")))
            elif kind == "move":
                delta.added.add(Quad(donor.subject, quad.predicate, quad.object, GRAPH("test")))
            else:
                new = NamedNode(f"https://w3id.org/citygraph/id/city/new-{other % 3}")
                delta.added.add(Quad(new, quad.predicate, quad.object, GRAPH("test")))
        return delta


@pytest.fixture(scope="module", autouse=True)
def _in_small_parts() -> Iterator[None]:
    """Even small changes are looked at in parts, as only large ones are otherwise."""
    patch = pytest.MonkeyPatch()
    patch.setattr("citygraph.build.patterns._BATCH", 3)
    patch.setattr("citygraph.build.patterns._MANY_LOOKUPS", 3)
    patch.setattr("citygraph.build.patterns._MOST_SCANNED", 50)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def world(izmir: Release, sources: Sources) -> World:
    return World(izmir, sources)


@pytest.fixture(scope="module")
def patterns(izmir: Release) -> PatternCache:
    """What rules and shapes read, as commits to the İzmir graph find it."""
    return PatternCache(izmir.path.parent / PATTERNS)


@pytest.fixture(scope="module")
def deriver(sources: Sources, patterns: PatternCache) -> Deriver:
    made = Deriver(read_rules(sources.rule_files()), patterns.read)
    assert made.is_local, "a rule cannot be followed"
    return made


@pytest.fixture(scope="module")
def validator(sources: Sources, patterns: PatternCache) -> PartialValidator:
    made = PartialValidator(sources, patterns)
    assert made.dependencies is not None, "a shape cannot be followed"
    return made


@pytest.fixture(scope="module")
def parent_report(world: World, validator: PartialValidator, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What the whole graph is told before any change: it has warnings."""
    return validator.validate_all(world.store, tmp_path_factory.mktemp("before"))


numbers = st.integers(0, 10**6)
kinds = st.sampled_from(["delete", "retype", "relink", "move", "insert"])
changes = st.lists(st.tuples(kinds, numbers, numbers), min_size=5, max_size=20)
many_changes = st.lists(st.tuples(kinds, numbers, numbers), min_size=3, max_size=9)


@few
@given(steps=changes)
def test_the_rules_conclude_the_same(
    world: World, deriver: Deriver, sources: Sources, steps: list[tuple[str, int, int]]
) -> None:
    """As if they were run over everything."""
    store = world.copy()
    counted = CountedStore(store)
    counted.apply(world.change(steps))
    deriver.update(counted, len(world.quads), "the same")
    derived = set(store.quads_for_pattern(None, None, None, DERIVED_GRAPH))
    assert derived == derive_from_scratch(read_rules(sources.rule_files()), store)


def test_a_concept_stays_as_long_as_a_source_uses_it(world: World, deriver: Deriver, sources: Sources) -> None:
    """What says so may be a triple that a later rule derived from a source's (16 §6)."""
    uses = [quad for quad in world.quads if "/ontology/fields/" in str(quad.object)]
    fewest, most = (pick(uses, key=lambda use: sum(u.object == use.object for u in uses)) for pick in (min, max))
    store = world.copy()
    counted = CountedStore(store)
    counted.apply(Delta(removed={fewest, most}))
    deriver.update(counted, len(world.quads), "the same")
    assert set(store.quads_for_pattern(None, None, None, DERIVED_GRAPH)) == derive_from_scratch(
        read_rules(sources.rule_files()), store
    )


@pytest.mark.parametrize("predicate", [TYPE, RDFS("label"), CG("protocolDate")])
def test_a_derived_triple_that_a_source_begins_to_state_is_derived_no_more(
    world: World, deriver: Deriver, sources: Sources, predicate: NamedNode
) -> None:
    """The default graph has it before and after; when the source withdraws it, it is derived again (16 §6)."""
    store = world.copy()
    derived = sorted(store.quads_for_pattern(None, predicate, None, DERIVED_GRAPH), key=str)[:20]
    stating = {Quad(quad.subject, quad.predicate, quad.object, GRAPH("test")) for quad in derived}
    rules = read_rules(sources.rule_files())
    for delta in (Delta(added=stating), Delta(removed=stating)):
        counted = CountedStore(store)
        counted.apply(delta)
        deriver.update(counted, len(world.quads), "the same")
        assert set(store.quads_for_pattern(None, None, None, DERIVED_GRAPH)) == derive_from_scratch(rules, store)


@few
@given(steps=changes)
def test_default_graph_and_description_are_those_made_anew(
    world: World, deriver: Deriver, steps: list[tuple[str, int, int]]
) -> None:
    """Kept from the change alone, they are what merging and counting everything gives; the dates covered aside."""
    store = world.copy()
    counted = CountedStore(store)
    delta = world.change(steps)
    delta.created = {GRAPH("test").value} if any(quad.graph_name == GRAPH("test") for quad in delta.added) else set()
    counted.apply(delta)
    deriver.update(counted, len(world.quads), "the same")
    counted.update_description()
    anew = Store()
    for graph in data_graphs(store):
        anew.extend(q for q in store.quads_for_pattern(None, None, None, graph) if graph != CATALOG_GRAPH)
    said = {q for q in world.store.quads_for_pattern(None, None, None, CATALOG_GRAPH) if q not in world.described}
    anew.extend(said)
    anew.extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
    anew.extend(store.quads_for_pattern(None, None, None, SHAPES_GRAPH))
    anew.extend(Quad(q.subject, q.predicate, q.object) for g in data_graphs(anew)
                for q in anew.quads_for_pattern(None, None, None, g))  # fmt: skip
    describe(anew, world.tables)
    differing = set(store) ^ set(anew)
    assert not [quad for quad in differing if "#temporal" not in str(quad)]


def keys(report: Report) -> set[tuple[str, ...]]:
    return {(r.severity, r.focus_node, r.shape, r.value) for r in report.results}


# Half a minute: each example is validated whole as well.
@pytest.mark.slow
@fewer
@given(steps=many_changes)
def test_the_shapes_give_the_same_verdict(
    world: World,
    validator: PartialValidator,
    parent_report: Report,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever is new in the whole report is in the partial one, and nothing is in it that is not in the whole.

    Of what was not judged the whole report says what it said before.
    """
    _compare_verdicts(world, validator, parent_report, tmp_path_factory.mktemp("partial"), steps)


def test_the_shapes_give_the_same_verdict_on_changed_values(
    world: World, validator: PartialValidator, parent_report: Report, tmp_path: Path
) -> None:
    """As above, where every node keeps its class."""
    _compare_verdicts(world, validator, parent_report, tmp_path, [("relink", 30666, 398), ("relink", 7242, 2036)])


def _compare_verdicts(
    world: World, validator: PartialValidator, parent_report: Report, folder: Path, steps: list[tuple[str, int, int]]
) -> None:
    store = world.copy()
    counted = CountedStore(store)
    counted.apply(world.change(steps))
    partial = validator.validate(Delta(counted.added, counted.removed), store, folder)
    whole = validator.validate_all(store, folder)
    assert keys(partial) <= keys(whole)
    assert keys(whole) - keys(parent_report) <= keys(partial)
    assert partial.conforms == whole.conforms
    judged = partial.scope
    assert judged is not None, "the whole was judged"
    others = [
        {key for key in keys(report) if not judged.covers(key[1], key[3], key[2])} for report in (whole, parent_report)
    ]
    assert others[0] == others[1]


def test_another_process_gets_the_same_nodes(validator: PartialValidator) -> None:
    """Of every kind, with the shapes that are to be validated (16 §6)."""
    assert validator.dependencies is not None
    city = NamedNode("https://w3id.org/citygraph/id/city/izmir")
    changed = [Quad(city, RDFS("label"), Literal("Smyrna\n", language="en"))]
    values: set[Term] = {BlankNode("b1"), Literal('a "b"\r\n', language="tr"), Literal("1900", datatype=XSD("gYear"))}
    affected = AffectedNodes(validator.dependencies.concerned(changed), {city}, values, [])
    read = validator.read_affected(json.loads(json.dumps(affected.as_json())))
    assert (read.focus, read.values, read.scope) == (affected.focus, affected.values, affected.scope)
    assert read.dependencies is affected.dependencies
