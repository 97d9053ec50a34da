"""Symmetry: a twinning that Wikidata states of one of two places only is a finding of its own."""

from __future__ import annotations

from pyoxigraph import NamedNode

from citygraph.wikidata.compare import their_facts
from citygraph.wikidata.diff import diff
from citygraph.wikidata.differences import Outcome
from citygraph.wikidata.graph_facts import read_facts
from citygraph.wikidata.item_names import ExistingData
from citygraph.wikidata.model import TWINNED, Item, ItemValue, Statement
from citygraph.wikidata.world import Selection, World


def one_sided(edges: list[tuple[str, str]], names: dict[str, str]) -> set[tuple[str, str]]:
    """The directions that a diff misses there, as pairs of items, of a world that knows these edges and no more."""
    statements: dict[str, list[Statement]] = {qid: [] for qid in names}
    for number, (subject, value) in enumerate(edges):
        statement = Statement(f"{subject}-00000000-0000-4000-8000-{number:012}", subject, TWINNED, ItemValue(value))
        statements[subject].append(statement)
    items = {qid: Item(qid, {"de": names[qid]}, {}, tuple(found)) for qid, found in statements.items()}
    everyone = frozenset(names)
    selection = Selection(everyone, everyone, frozenset(), frozenset())
    world = World(items, selection, ExistingData(), NamedNode("urn:test"), "2026-11-20")
    theirs = their_facts(world)
    changes = diff(read_facts(()), theirs, theirs.items)
    return {(c.entity.qid, c.value.qid) for c in changes if c.state == Outcome.NO_REVERSE}


def test_the_reverse_that_is_missing_is_found() -> None:
    """One direction of three pairs; the other pair is whole, and a place twinned with itself is no pair."""
    edges = [("Q9000001", "Q9000002"), ("Q9000002", "Q9000001"), ("Q9000001", "Q9000003"), ("Q9000004", "Q9000002")]
    names = {f"Q900000{n}": f"Place {n}" for n in range(1, 5)}
    assert one_sided([*edges, ("Q9000003", "Q9000003")], names) == {("Q9000003", "Q9000001"), ("Q9000002", "Q9000004")}


def test_the_624_of_2016(edges: list[tuple[str, str]], names: dict[str, str]) -> None:
    """Of 34,182 real edges exactly those without their reverse are found."""
    known = set(edges)
    lacking = {(b, a) for a, b in known if (b, a) not in known and a != b}
    found = one_sided(edges, names)
    assert found == lacking
    assert len(found) == 624
