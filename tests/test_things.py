"""What pages read of things, as it was read by queries: the same facts, the same ties, mayors and events."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store, Variable

from citygraph.bounded_cache import BoundedCache
from citygraph.errors import NotFound
from citygraph.graph.description import describe
from citygraph.graph.labels import LABEL_PROPERTIES, Labels
from citygraph.graph.things import Things
from citygraph.rdf.terms import CG
from citygraph.release.releases import Release
from citygraph.web.kinds.acts import events_of_place
from citygraph.web.kinds.countries import country
from citygraph.web.kinds.page_context import TablePart, text_of
from citygraph.web.kinds.tenures import read_mayors
from citygraph.web.kinds.ties import read_ties
from tests.grounds import context_of

_QUERIES = Path(__file__).parent / "page_queries"
Rows = list[dict[str, str]]


def asked(store: Store, name: str, place: str) -> Rows:
    """The rows of a query of tests/page_queries about a place."""
    text = (_QUERIES / f"{name}.rq").read_text(encoding="utf-8")
    rows = store.query(text, substitutions={Variable("place"): NamedNode(place)})
    return [{v.value: text_of(row[v]) for v in rows.variables} for row in rows]  # type: ignore[union-attr]


def grouped(rows: Rows, subject: str) -> dict[str, dict[str, list[str]]]:
    """The values of each subject by property, sorted."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        found.setdefault(row[subject], {}).setdefault(row["property"], set()).add(row["value"])
    return {one: {name: sorted(values) for name, values in facts.items()} for one, facts in found.items()}


def places(store: Store) -> list[str]:
    """Every place that is a party, or has mayors or events."""
    names = ("party", "jurisdiction", "takesPlaceIn", "about")
    quads = (quad for name in names for quad in store.quads_for_pattern(None, CG(name), None, DefaultGraph()))
    return sorted({quad.object.value for quad in quads if isinstance(quad.object, NamedNode)})


def test_the_ties_of_a_page_are_those_that_a_query_finds(izmir: Release) -> None:
    """A place's agreements, their other parties and their sources are the same for every place (16 §7)."""
    context, store = context_of(izmir), izmir.open_store()
    for place in places(store):
        ties = {tie.agreement: tie for tie in read_ties(context, place, (38.4, 27.1))}
        facts = grouped(asked(store, "ties", place), "agreement")
        assert ties.keys() == facts.keys()
        partners = grouped(asked(store, "tie-partners", place), "partner")
        for iri, tie in ties.items():
            assert sorted(partner.iri for partner in tie.partners) == facts[iri].get(CG("party").value, [])
            assert sorted(tie.acts) == facts[iri].get(CG("councilActDate").value, [])
            assert sorted(tie.protocols) == facts[iri].get(CG("protocolDate").value, [])
            for partner in tie.partners:
                stated = partners.get(partner.iri, {})
                assert len(partner.countries) == len(stated.get(CG("country").value, []))
        sources = {(row["agreement"], row["source"]) for row in asked(store, "tie-sources", place)}
        assert sum(len(tie.notes) for tie in ties.values()) == len(sources)


def test_the_ties_of_a_country_are_those_of_its_places(izmir: Release) -> None:
    """The table of a country has the numbers and partners of its places' own pages, in their order (16 §7)."""
    context, store = context_of(izmir), izmir.open_store()
    quads = store.quads_for_pattern(None, CG("country"), None, DefaultGraph())
    for iri in {quad.object.value for quad in quads if isinstance(quad.object, NamedNode)}:
        expected = []
        for place in context.opened.things.subjects(CG("country").value, iri):
            ties = [tie for tie in read_ties(context, place, None) if tie.partners and not tie.validity]
            partners = {partner.name.text for tie in ties for partner in tie.partners}
            expected += [(-len(ties), context.table.link(place).text, partners)] if ties else []
        context.queries_run = 0
        layout = country(context, describe(store, iri, None))
        bound = layout.values["bound"]
        assert isinstance(bound, TablePart)
        shown = [(-one.agreements, one.name.text, one.more, {text.text for text in one.partners}) for one in bound.rows]
        sort_key = context.translations.sort_key
        expected.sort(key=lambda one: (one[0], sort_key(one[1])))
        assert [one[:2] for one in shown] == [one[:2] for one in expected][:100]
        for (_, _, more, listed), (_, _, partners) in zip(shown, expected, strict=False):
            assert listed <= partners
            assert len(listed) + more == len(partners)


def test_the_mayors_and_events_of_a_page_are_those_that_queries_find(izmir: Release) -> None:
    """Tenures of mayors, the events that attest them, and the events of a place are the same (16 §7)."""
    context, store = context_of(izmir), izmir.open_store()
    every = 0
    for place in places(store):
        mayors = read_mayors(context, place)
        assert len(mayors) == len(grouped(asked(store, "mayors", place), "tenure"))
        shown = {(row["tenure"], row["event"]) for row in asked(store, "mayors-shown", place)}
        assert sum(one.at is not None for mayor in mayors for one in mayor.attestations) == len(shown)
        events = {iri: {n: list(v) for n, v in facts.items()} for iri, facts in events_of_place(context, place).items()}
        assert events == grouped(asked(store, "place-events", place), "event")
        every += len(mayors) + len(events)
    assert every > 20


_IRIS = st.sampled_from([NamedNode(f"https://example.org/{letter}") for letter in "abcd"])
_VALUES = st.one_of(_IRIS, st.builds(Literal, st.text(max_size=3)))
_QUADS = st.lists(st.builds(Quad, _IRIS, _IRIS, _VALUES, st.one_of(st.just(DefaultGraph()), _IRIS)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(_QUADS)
def test_things_have_the_facts_of_the_default_graph(quads: list[Quad]) -> None:
    """Facts and links are those of the default graph, with and without room to keep them (16 §7)."""
    store = Store()
    store.extend(quads)
    stated = {q for q in quads if q.graph_name == DefaultGraph()}
    labels = Labels(store, sourced=False)
    for things in (Things(store, labels), Things(store, labels, capacity=0)):
        for iri in [NamedNode(f"https://example.org/{letter}") for letter in "abcd"] * 2:
            facts: dict[str, set[str]] = {}
            linking: dict[str, set[str]] = {}
            for quad in stated:
                if quad.subject == iri:
                    facts.setdefault(quad.predicate.value, set()).add(quad.object.value)  # type: ignore[union-attr]
                if quad.object == iri:
                    linking.setdefault(quad.predicate.value, set()).add(quad.subject.value)  # type: ignore[union-attr]
            assert things.facts(iri.value) == {name: tuple(sorted(values)) for name, values in facts.items()}
            assert things.linking(iri.value) == {name: tuple(sorted(values)) for name, values in linking.items()}
            for name, subjects in linking.items():
                assert things.subjects(name, iri.value) == tuple(sorted(subjects))


_NAMES = st.builds(Literal, st.sampled_from("xyz"), language=st.sampled_from(["en", "tr", "de"]))
_NAMED = st.builds(
    Quad,
    _IRIS,
    st.sampled_from(LABEL_PROPERTIES),
    st.one_of(_NAMES, _VALUES),
    st.one_of(st.just(DefaultGraph()), _IRIS),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_NAMED, max_size=20))
def test_labels_read_with_facts_are_those_read_alone(quads: list[Quad]) -> None:
    """Whether the facts of a thing were read before or not, it has the same labels (16 §7)."""
    store = Store()
    store.extend(quads)
    learned, alone = Labels(store, sourced=False), Labels(store, sourced=False)
    things = Things(store, learned)
    for iri in (f"https://example.org/{letter}" for letter in "abcd"):
        things.facts(iri)
        assert learned.of(iri) == alone.of(iri)
        assert learned.best(iri, "tr") == alone.best(iri, "tr")


def test_a_bounded_cache_forgets_what_was_used_least_recently() -> None:
    """Its size never exceeds its capacity, and a value beyond an eighth of it is not kept (16 §7)."""
    cache: BoundedCache[int, str] = BoundedCache(10_000, len)
    for number in range(50):
        cache.put(number, "x" * 200)
        cache.get(0)
        assert cache.size <= 10_000
    assert [bool(cache.get(number)) for number in (0, 49, 1)] == [True, True, False]
    assert cache.put(99, "x" * 5_000) == "x" * 5_000
    assert cache.get(99) is None


def test_nothing_is_kept_of_a_thing_that_does_not_exist() -> None:
    """Its address may be as long as a request, and there is no end of such addresses."""
    store = Store()
    things = Things(store, Labels(store))
    with pytest.raises(NotFound):
        describe(store, "https://example.org/" + "x" * 100_000, None, things=things)
    assert not len(things._facts)
    assert not len(things._linking)


def test_links_to_a_hub_are_read_by_property_unless_they_are_known() -> None:
    """A page that shows the events of a place needs no other links to it, which may be thousands."""
    hub, place_in, country_ = NamedNode("https://example.org/hub"), CG("takesPlaceIn"), CG("country")
    store = Store()
    store.extend([Quad(NamedNode(f"https://example.org/{n}"), country_, hub) for n in range(9)])
    store.add(Quad(NamedNode("https://example.org/event"), place_in, hub))
    reading = Things(store, Labels(store))
    assert reading.subjects(place_in.value, hub.value) == ("https://example.org/event",)
    assert reading._linking.get(hub.value) is None
    knowing = Things(Store(), Labels(Store()))
    knowing.learn(None, hub, store.quads_for_pattern(None, None, hub))
    assert knowing.subjects(place_in.value, hub.value) == ("https://example.org/event",)
    assert len(knowing.subjects(country_.value, hub.value)) == 9
    assert knowing.subjects(CG("about").value, hub.value) == ()
