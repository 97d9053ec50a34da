"""Both ways: what was pulled agrees with what it was pulled from; what was written there leaves nothing to report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad

from citygraph.rdf.terms import ID, SOURCE
from citygraph.wikidata.compare import CitedDocument, their_facts
from citygraph.wikidata.diff import diff
from citygraph.wikidata.differences import ComparedStatement, Outcome
from citygraph.wikidata.edits import plan_edits
from citygraph.wikidata.graph_facts import GraphFacts, read_facts
from citygraph.wikidata.item_names import ExistingData, IriMinter, read_existing
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    DATE_QUALIFIERS,
    HEAD_OF_GOVERNMENT,
    INSTANCE_OF,
    POINT_IN_TIME,
    POPULATION,
    START,
    TWINNED,
    Absent,
    Item,
    ItemValue,
    PointValue,
    QuantityValue,
    Rank,
    Snak,
    Statement,
    TimeValue,
    Value,
    parse_date,
)
from citygraph.wikidata.quickstatements import batches, format_value, to_v1
from citygraph.wikidata.world import Selection, World, name_items

CITIES = tuple(f"Q900000{n}" for n in range(1, 6))
LAND, SEA, HUMAN = "Q9000101", "Q9000102", "Q9000201"
PULL = SOURCE("wikidata")
TODAY = "2026-11-20"

dates = st.one_of(
    st.integers(1900, 2025).map(str),
    st.tuples(st.integers(1900, 2025), st.integers(1, 12)).map(lambda d: f"{d[0]}-{d[1]:02}"),
    st.dates(date(1900, 1, 1), date(2025, 12, 31)).map(str),
)


@st.composite
def worlds(draw: st.DrawFn, orderly: bool) -> dict[str, Item]:
    """Five cities of two countries with ties and figures; an orderly world has nothing that contradicts itself."""
    count = iter(range(1, 1000))

    def make(qid: str, property_: str, value: Value, *qualifiers: Snak, rank: Rank = Rank.NORMAL) -> Statement:
        id_ = f"{qid}-00000000-0000-4000-8000-{next(count):012}"
        return Statement(id_, qid, property_, value, rank, qualifiers)

    def qualifiers() -> list[Snak]:
        kinds = draw(st.lists(st.sampled_from(DATE_QUALIFIERS), max_size=3, unique=True))
        return [Snak(kind, parse_date(draw(dates)) if draw(st.booleans()) else vague()) for kind in kinds]

    def vague() -> Value:
        times: list[Value] = [Absent.UNKNOWN, TimeValue(1900, 0, 0, 7), TimeValue(2040, 0, 0, 9)]
        return draw(st.sampled_from(times))

    items = {qid: Item(qid, {"en": name}) for qid, name in ((LAND, "Land"), (SEA, "Sea"), (HUMAN, "Ann Able"))}
    items[LAND] = replace(items[LAND], statements=(make(LAND, INSTANCE_OF, ItemValue("Q6256")),))
    items[SEA] = replace(items[SEA], statements=(make(SEA, INSTANCE_OF, ItemValue("Q6256")),))
    items[HUMAN] = replace(items[HUMAN], statements=(make(HUMAN, INSTANCE_OF, ItemValue("Q5")),))
    start: dict[frozenset[str], list[Snak]] = {}
    for number, qid in enumerate(CITIES):
        said = [make(qid, INSTANCE_OF, ItemValue("Q515")), make(qid, COUNTRY, ItemValue(LAND))]
        said.append(make(qid, COORDINATES, PointValue(str(40 + number), "20.5")))
        for other in draw(st.lists(st.sampled_from(CITIES), max_size=4)):
            if orderly:
                day = start.setdefault(frozenset((qid, other)), [Snak(START, parse_date(draw(dates)))])
                said.append(make(qid, TWINNED, ItemValue(other), *day))
            else:
                rank = draw(st.sampled_from(list(Rank)))
                said.append(make(qid, TWINNED, ItemValue(other), *qualifiers(), rank=rank))
        for amount in draw(st.lists(st.integers(1, 10**7), max_size=2, unique=True)):
            on = f"{2000 + len(said)}"
            said.append(make(qid, POPULATION, QuantityValue(str(amount)), Snak(POINT_IN_TIME, parse_date(on))))
        if draw(st.booleans()):
            said.append(
                make(
                    qid,
                    HEAD_OF_GOVERNMENT,
                    ItemValue(HUMAN),
                    *([Snak(START, parse_date(draw(dates)))] if orderly else qualifiers()),
                )
            )
        if not orderly and draw(st.booleans()):
            said.append(make(qid, COUNTRY, ItemValue(SEA), rank=draw(st.sampled_from(list(Rank)))))
        items[qid] = Item(qid, {"en": f"City {number}", "tr": f"Kent {number}"}, statements=tuple(said))
    return items


def world_of(items: Mapping[str, Item], existing: ExistingData) -> World:
    """The world of all five cities."""
    everyone = frozenset(CITIES)
    selection = Selection(everyone, everyone, frozenset([LAND, SEA]), frozenset([HUMAN]))
    return World(items, selection, existing, PULL, TODAY)


def pulled(items: Mapping[str, Item]) -> list[Quad]:
    """What a pull of the items writes."""
    world = world_of(items, ExistingData())
    namer = IriMinter(())
    list(name_items(world, namer))
    return [quad for quad in map_world(world, namer) if isinstance(quad, Quad)]


def read_ours(quads: list[Quad]) -> GraphFacts:
    """The statements as if a document of ours said them: without where they came from."""
    evidence = {NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")}
    return read_facts(quad for quad in quads if quad.predicate not in evidence)


def compared(
    quads: list[Quad], ours: GraphFacts, items: Mapping[str, Item]
) -> tuple[GraphFacts, list[ComparedStatement]]:
    """Their facts, and what the diff of both sides finds that is not agreement."""
    theirs = their_facts(world_of(items, read_existing(quads, NamedNode("urn:none"))))
    changes = diff(ours, theirs, [ID + f"city/city-{n}" for n in range(len(CITIES))])
    return theirs, changes


@settings(max_examples=60, deadline=None)
@given(worlds(orderly=False))
def test_what_was_pulled_agrees(items: dict[str, Item]) -> None:
    """Whatever ranks, vague or contradictory dates it has: everything agrees, but for reverses that are not there."""
    quads = pulled(items)
    _, changes = compared(quads, read_facts(quads), items)
    assert {c.state for c in changes} <= {Outcome.AGREES, Outcome.NO_REVERSE}


@settings(max_examples=60, deadline=None)
@given(worlds(orderly=True), st.data())
def test_what_was_written_leaves_nothing_to_report(items: dict[str, Item], data: st.DataObject) -> None:
    """Take any statements and dates away there, send the commands: both sides agree, and no reverse is missing."""
    quads = pulled(items)
    ours = read_ours(quads)
    poor = {qid: poorer(item, data) if qid in CITIES else item for qid, item in items.items()}
    document = CitedDocument(PULL.value, "Our document", "en", "2020-01-02", "2026-11-20", "https://example.org/")
    theirs, changes = compared(quads, ours, poor)
    found = plan_edits(changes, ours, theirs, {PULL.value: document})
    assert not found.omitted
    rich = sent(poor, "".join(to_v1(batch) for batch in batches(found.edits)))
    _, changes = compared(quads, ours, rich)
    assert {c.state for c in changes} <= {Outcome.AGREES}


def poorer(item: Item, data: st.DataObject) -> Item:
    """The item without some of its statements, qualifiers and labels; it keeps its class, country and point."""
    kept = []
    for statement in item.statements:
        if statement.property in (INSTANCE_OF, COORDINATES, COUNTRY):
            kept.append(statement)
        elif data.draw(st.booleans()):
            bare = statement.property == TWINNED and data.draw(st.booleans())
            kept.append(replace(statement, qualifiers=()) if bare else statement)
    labels = {lang: label for lang, label in item.labels.items() if lang == "en" or data.draw(st.booleans())}
    return replace(item, statements=tuple(kept), labels=labels)


def sent(items: Mapping[str, Item], commands: str) -> dict[str, Item]:
    """The items after QuickStatements did what it was told: a statement that is there gets what it lacks."""
    found = dict(items)
    for number, line in enumerate(commands.splitlines()):
        qid, property_, value, *rest = line.split("\t")
        assert rest.pop().startswith("/* citygraph: ")
        item = found[qid]
        if property_.startswith("L"):
            found[qid] = replace(item, labels={**item.labels, property_[1:]: value.strip('"')})
            continue
        qualifiers = tuple(Snak(p, read(v)) for p, v in zip(rest[::2], rest[1::2], strict=True) if p.startswith("P"))
        assert {p for p in rest[::2] if not p.startswith("P")} == {"S854", "S1476", "S577", "S813"}
        found[qid] = replace(item, statements=added(item, property_, read(value), qualifiers, number))
    return found


def added(item: Item, property_: str, value: Value, qualifiers: tuple[Snak, ...], number: int) -> tuple[Statement, ...]:
    """Its statements with one more, or with more qualifiers of those that have this value."""
    same = [s for s in item.statements if (s.property, s.value) == (property_, value)]
    if not same:
        id_ = f"{item.qid}-00000000-0000-4000-9000-{number:012}"
        return (*item.statements, Statement(id_, item.qid, property_, value, qualifiers=qualifiers))
    first = same[0]
    more = replace(first, qualifiers=tuple(dict.fromkeys((*first.qualifiers, *qualifiers))))
    return tuple(more if s is first else s for s in item.statements)


def read(text: str) -> Value:
    """A value as QuickStatements reads it."""
    if re.fullmatch(r"Q\d+", text):
        return ItemValue(text)
    if text.startswith("+"):
        return parse_date(re.sub(r"(-00)+$", "", text[1:].partition("T")[0]))
    assert text.isdigit()
    return QuantityValue(text)


def test_the_model_reads_what_is_written() -> None:
    """The two ends of the property: dates of every precision survive."""
    for day in ("1985", "1985-09", "1985-09-04"):
        assert read(format_value(parse_date(day))) == parse_date(day)
