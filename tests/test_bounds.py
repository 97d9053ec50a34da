"""Bounds of queries: never below what the engine has to do, and none for queries that may take long (16 §1)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad, QuerySolutions, Store

from citygraph.sparql import bounds
from citygraph.sparql.bounds import QueryBounds
from citygraph.sparql.statistics import (
    FanOut,
    Statistics,
    continued,
    counted,
    read_statistics,
    write_statistics,
)

NODES = [f"http://ex.org/n{number}" for number in range(5)]
PREDICATES = [f"http://ex.org/p{number}" for number in range(3)]
TRIPLES = list(product(NODES, PREDICATES, NODES))

triples = st.lists(st.sampled_from(TRIPLES), max_size=40, unique=True)
variables = st.sampled_from(["?a", "?b", "?c"])
ends = st.one_of(variables, st.sampled_from([f"<{node}>" for node in NODES]))
patterns = st.tuples(ends, st.one_of(st.sampled_from([f"<{one}>" for one in PREDICATES]), st.just("?p")), ends)
# The engine's table of costs, as it is in its source.
COSTS = {(1, 1, 1): 1, (1, 1, 0): 10, (1, 0, 1): 2, (1, 0, 0): 100, (0, 1, 1): 1e3, (0, 0, 1): 1e4, (0, 1, 0): 1e6}


@pytest.fixture(autouse=True, scope="module")
def _few_counters() -> Iterator[None]:
    """A few counters suffice for a few triples, and take no time to make."""
    patch = pytest.MonkeyPatch()
    patch.setattr("citygraph.sparql.statistics._COUNTERS", 1 << 12)
    yield
    patch.undo()


def store_of(rows: list[tuple[str, str, str]]) -> Store:
    store = Store()
    store.extend(Quad(*map(NamedNode, row)) for row in rows)
    return store


def statistics_of(store: Store) -> Statistics:
    statistics = Statistics()
    for _ in counted(sorted(f"{quad.triple} .\n" for quad in store), statistics):
        pass
    return statistics


def number_of(store: Store, members: list[str]) -> int:
    answer = store.query(f"SELECT (COUNT(*) AS ?n) {{ {' '.join(members)} }}")
    assert isinstance(answer, QuerySolutions)
    return int(next(answer)[0].value)


def in_the_engines_order(chosen: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The patterns as oxigraph orders them: the cheapest, then the cheapest that is connected to those before."""
    known: set[str] = set()
    left, order = list(chosen), []
    while left:
        connected = [one for one in left if known.intersection(one)] or left
        cheapest = min(connected, key=lambda one: COSTS.get(costed(one, known), 1e9))
        left.remove(cheapest)
        order.append(cheapest)
        known |= {term for term in cheapest if term[0] == "?"}
    return order


def costed(pattern: tuple[str, str, str], known: set[str]) -> tuple[int, int, int]:
    subject, predicate, object_ = (int(term[0] == "<" or term in known) for term in pattern)
    return subject, predicate, object_


@settings(max_examples=150, deadline=None)
@given(triples, st.lists(patterns, min_size=1, max_size=4), st.lists(patterns, max_size=2))
def test_a_bound_is_never_below_the_number_of_bindings(
    rows: list[tuple[str, str, str]], chosen: list[tuple[str, str, str]], optional: list[tuple[str, str, str]]
) -> None:
    """With a limit one below the number of bindings that the engine makes, the query is not bounded."""
    store = store_of(rows)
    members = [" ".join(pattern) + " ." for pattern in in_the_engines_order(chosen)]
    further = [f"OPTIONAL {{ {' '.join(pattern)} }}" for pattern in optional]
    text = f"SELECT * {{ {' '.join(' '.join(one) + ' .' for one in chosen)} {' '.join(further)} }}"
    stages = [members[: number + 1] for number in range(len(members))]
    stages += [[*members, *further[: number + 1]] for number in range(len(further))]
    made = sum(number_of(store, stage) for stage in stages)
    limit, bounds.MOST_BINDINGS = bounds.MOST_BINDINGS, made - 1
    try:
        bound = QueryBounds(statistics_of(store)).of(text)
    finally:
        bounds.MOST_BINDINGS = limit
    if made and bound is not None:
        assert bound.first
        assert bool(store.query(bound.excess_query()))


@settings(max_examples=60, deadline=None)
@given(triples, triples, triples)
def test_statistics_are_never_too_low(
    before: list[tuple[str, str, str]], added: list[tuple[str, str, str]], removed: list[tuple[str, str, str]]
) -> None:
    """Neither those of a build, nor those that commits have continued."""
    store = store_of(before)
    statistics = statistics_of(store)
    new = [Quad(*map(NamedNode, row)) for row in added if row not in before]
    for row in removed:
        store.remove(Quad(*map(NamedNode, row)))
    store.extend(new)
    present = [quad for quad in new if quad in store]
    for numbers in (continued(statistics, present, store), continued(statistics, present * 400, store)):
        for name in PREDICATES:
            exact = statistics_of(store).of(name)
            assert all(number >= least for number, least in zip(numbers.of(name), exact, strict=True))
        assert numbers.total.objects >= statistics_of(store).total.objects


def test_statistics_of_a_build_are_exact_for_small_data(tmp_path: Path) -> None:
    """And they are read as they were written."""
    store = store_of([(NODES[0], PREDICATES[0], node) for node in NODES] + [(NODES[1], PREDICATES[0], NODES[0])])
    statistics = statistics_of(store)
    assert statistics.of(PREDICATES[0])[:3] == (6, 5, 2)
    assert statistics.of(PREDICATES[1]) == FanOut()
    write_statistics(statistics, tmp_path)
    assert read_statistics(tmp_path) == statistics
    assert read_statistics(tmp_path / "other") is None


HUB = Statistics({"urn:one": FanOut(50, 1, 1, 90), "urn:hub": FanOut(99_000, 1, 90_000, 90)}, FanOut(99_000, 30, 0, 90))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?p ?o { <urn:a> ?p ?o }",
        "SELECT * WHERE { <urn:a> <urn:one> ?x . ?x <urn:hub> ?y FILTER(LANG(?y) = 'en' && ?y < 'z') } ORDER BY ?y",
        "PREFIX u: <urn:> SELECT DISTINCT ?x { ?x u:one 'a#b'@en ; u:hub ?y # u:hub 'x'\n OPTIONAL { ?x u:one ?z } }",
        "ASK { VALUES ?x { <urn:a> <urn:b> } ?x <urn:one> [] }",
        "SELECT ?s ?o { ?s <urn:one> ?o }",
    ],
)
def test_lookups_are_bounded(text: str) -> None:
    """By the statistics alone, whatever their constants are."""
    assert QueryBounds(HUB).of(text) == bounds.Bound()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p ?o } LIMIT 10",
        "SELECT * { <urn:a> <urn:one>+ ?o }",
        "SELECT * { <urn:a> <urn:one>/<urn:one> ?o }",
        "SELECT * { <urn:a> ^<urn:one> ?o }",
        "SELECT (COUNT(*) AS ?n) { <urn:a> ?p ?o }",
        "SELECT (STR(?o) AS ?n) { <urn:a> ?p ?o }",
        "SELECT * { <urn:a> ?p ?o } ORDER BY STR(?o)",
        "SELECT * { <urn:a> ?p ?o FILTER(REGEX(?o, '(a*)*b')) }",
        "SELECT * { <urn:a> ?p ?o FILTER(<urn:f>(?o)) }",
        "SELECT * { <urn:a> ?p ?o FILTER(cg:fold(?o) = 'a') }",
        "SELECT * { <urn:a> ?p ?o FILTER EXISTS { ?o ?q ?r } }",
        "SELECT * { <urn:a> ?p ?o FILTER(?o + 1 = 2) }",
        "SELECT * { <urn:a> ?p ?o MINUS { ?o ?q ?r } }",
        "SELECT * { { <urn:a> ?p ?o } UNION { ?s ?p ?o } }",
        "SELECT * { <urn:a> ?p ?o . { ?s ?q ?r } }",
        "SELECT * { <urn:a> ?p ?o . { SELECT * { ?s ?q ?r } } }",
        "SELECT * { GRAPH ?g { <urn:a> ?p ?o } }",
        "SELECT * FROM <urn:g> { <urn:a> ?p ?o }",
        "SELECT * { SERVICE <urn:s> { <urn:a> ?p ?o } }",
        "SELECT * { <urn:a> ?p ?o BIND(1 AS ?x) }",
        "SELECT * { <urn:a> ?p ?o } GROUP BY ?p ?o",
        "SELECT * { <urn:a> ?p ?o } VALUES ?o { 1 }",
        "SELECT * { <urn:a> ?p ?o OPTIONAL { ?x <urn:one> ?y . ?y <urn:one> ?z } }",
        "SELECT * { <urn:a> ?p ?o OPTIONAL { ?x <urn:one> ?y } }",
        "SELECT * { <urn:a> ?p ?o OPTIONAL { ?o <urn:one> ?x } OPTIONAL { ?x <urn:one> ?y } }",
        "SELECT * { <urn:a> ?p ?o OPTIONAL { ?o <urn:one> ?x } ?x <urn:one> ?y }",
        "SELECT * { <urn:a> <hub> ?o }",
        "BASE <urn:> SELECT * { <urn:a> <one> ?o }",
        "SELECT * { <urn:a> <urn:\\u006fne> ?o }",
        "CONSTRUCT WHERE { <urn:a> ?p ?o }",
        "DESCRIBE <urn:a>",
        "SELECT * { <urn:a> <urn:one> TRUE }",
        "SELECT * { <urn:a> ?p ?o",
        "SELECT * { " + "<urn:a> <urn:one> ?o . " * 9 + "}",
        "SELECT * { <urn:a> ?p ?o FILTER(?o IN (" + "1, " * 200 + "1)) }",
        "SELECT * { <urn:a> ?p ?o } #" + "x" * 5000,
    ],
)
def test_other_queries_are_not_bounded(text: str) -> None:
    """They go to an engine, which can be ended."""
    assert QueryBounds(HUB).of(text) is None


def test_texts_of_one_form_are_bounded_by_their_own_predicates() -> None:
    """A form is parsed once, but a predicate or a prefix with more triples gets another bound."""
    known: Any = QueryBounds(HUB)
    for text, is_bounded in (
        ("PREFIX p: <urn:> SELECT * { ?s p:one <urn:a> . ?s p:one ?o }", True),
        ("PREFIX p: <urn:> SELECT * { ?s p:hub <urn:a> . ?s p:one ?o }", False),
        ("PREFIX p: <urn:o> SELECT * { ?s p:ne <urn:b> . ?s p:ne ?o }", True),
        ("PREFIX p: <urn:h> SELECT * { ?s p:ub <urn:b> . ?s p:ub ?o }", False),
    ):
        bound = known.of(text)
        assert (bound is not None and not bound.first) is is_bounded
    assert len(known._forms) == 1


def test_the_matches_of_a_constant_are_counted_where_the_statistics_do_not_suffice() -> None:
    """The bound says which pattern to count, and how many matches are allowed."""
    two_hops = "PREFIX u: <urn:> SELECT * { u:a u:knows ?x . ?x u:knows ?y FILTER(?y != u:a) }"
    people = Statistics({"urn:knows": FanOut(9000, 300, 300, 90)}, FanOut(9000, 300, 0, 90))
    bound = QueryBounds(people).of(two_hops)
    assert bound is not None
    assert (bound.most, len(bound.first)) == (bounds.MOST_BINDINGS // 301, 1)
    store = Store()
    for number in range(bound.most + 1):
        assert not store.query(bound.excess_query())
        store.add(Quad(NamedNode("urn:a"), NamedNode("urn:knows"), NamedNode(f"urn:{number}")))
    assert store.query(bound.excess_query())


def test_the_bindings_of_two_patterns_are_counted_where_one_has_few_matches() -> None:
    """(16 §1) A thing may have a partner with many partners, but hardly any has one."""
    two_hops = "SELECT * { [] <urn:knows> <urn:a> ; <urn:knows> ?y . ?y <urn:named> ?n }"
    people = Statistics({"urn:knows": FanOut(9000, 500, 500, 90), "urn:named": FanOut(9, 1, 1, 90)}, FanOut())
    bound = QueryBounds(people).of(two_hops, part=2)
    assert bound is not None
    assert (bound.most, len(bound.first)) == (200, 2)
    store = store_of([("urn:b", "urn:knows", f"urn:{number}") for number in ("a", *range(198))])
    assert not store.query(bound.excess_query())
    store.add(Quad(NamedNode("urn:b"), NamedNode("urn:knows"), NamedNode("urn:last")))
    assert store.query(bound.excess_query())


def test_a_bound_has_the_prefixes_that_the_text_does_not_declare() -> None:
    """(16 §1) The engine needs no others; a name may have another declared prefix in another text of the form."""
    known = QueryBounds(HUB)
    form = "PREFIX cg: <urn:> SELECT ?x {{ ?x cg:one {} FILTER(?x != {}) }} # city:izmir"
    for first, second, prefixes in (
        ("city:izmir", "country:turkiye", {"city", "country"}),
        ("cg:izmir", "cx:turkiye", set()),
        ("cg:izmir", "'city:izmir'", set()),
        ("<urn:izmir>", "city:izmir", {"city"}),
        ("<urn:izmir>", "cg:izmir", set()),
    ):
        bound = known.of(form.format(first, second))
        assert bound is not None
        assert bound.prefixes == prefixes


def test_a_comment_is_not_the_iri_of_a_prefix() -> None:
    known = QueryBounds(HUB)
    text = "PREFIX p: {}<urn:> SELECT * {{ ?s p:hub ?o . ?o p:hub ?x }}"
    assert known.of(text.format("")) is None
    assert known.of(text.format("#urn:none#\n")) is None
