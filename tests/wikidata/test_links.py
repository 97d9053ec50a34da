"""The check of our links: alive, no redirect, of a fitting class; and the graph that it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.rdf.terms import CG, QUALITY_GRAPH
from citygraph.wikidata.differences import Outcome
from citygraph.wikidata.item_names import AREA, CITY, COUNTRY
from citygraph.wikidata.links import check_links, fits, write_links
from citygraph.wikidata.model import INSTANCE_OF, Item, ItemValue, Statement
from tests.wikidata.conftest import MakeClient
from tests.wikidata.endpoint import Endpoint
from tests.wikidata.ours import TRIG, our_quads
from tests.wikidata.rdf_form import redirect_quads


def test_every_link_is_followed(invented: Endpoint, client_of: MakeClient) -> None:
    """A merged item, a deleted one, a river that should be a city, a person that should be one."""
    invented.store.extend(redirect_quads("Q9000888", "Q9000002"))
    trig = TRIG.replace("wd:Q9000002", "wd:Q9000888").replace("wd:Q9000102", "wd:Q9000201")
    found = check_links(our_quads(trig), client_of(invented))
    assert {(c.entity.name, c.state.value, c.detail) for c in found} == {
        ("Alphaville", "agrees", ""), ("Gammaton", "agrees", ""), ("Alphaland", "agrees", ""),
        ("Betaburg", "merged", "Q9000888 was merged into Q9000002"),
        ("Nowhere", "deleted", "Q9000990 does not exist"), ("Betaland", "misfit", "Q9000201 is a Q5"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "fitting"),
    [
        (CITY, "city", True), (CITY, "province of X", True), (CITY, "sovereign state", False), (CITY, "river", True),
        (CITY, "", True), (COUNTRY, "city", False), (COUNTRY, "sovereign state", True), (AREA, "city", True),
        (CG("Person"), "city", False), (CG("Organisation"), "city", False), (CG("Organisation"), "club", True),
    ],
)  # fmt: skip
def test_which_classes_fit(ours: object, theirs: str, fitting: bool) -> None:
    """Cities and areas are often both there; what tells nothing is given the benefit of the doubt."""
    said = (Statement("s", "Q9000001", INSTANCE_OF, ItemValue("Q9000300")),) if theirs else ()
    item = Item("Q9000001", statements=said)
    assert fits(frozenset([ours.value]), item, lambda _: theirs) == fitting  # type: ignore[attr-defined]


def test_the_graph_is_a_file_of_the_data(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """With the day of the check, sorted: written again it is the same text."""

    found = check_links(our_quads(), client_of(invented))
    path = write_links(found, "2026-11-20", tmp_path)
    text = path.read_text(encoding="utf-8")
    quads = list(parse(text, format=RdfFormat.TRIG))
    assert {quad.graph_name for quad in quads} == {QUALITY_GRAPH}
    assert {q.object.value for q in quads if q.predicate == CG("checkedOn")} == {"2026-11-20"}
    assert sum(c.state == Outcome.DELETED for c in found) == text.count("finding:deleted") == 1
    assert write_links(reversed(found), "2026-11-20", tmp_path).read_text(encoding="utf-8") == text
