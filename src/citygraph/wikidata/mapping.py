"""Wikidata's statements in our vocabulary: places, their names, countries, coordinates, populations and ties."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pyoxigraph import Literal, Quad

from citygraph.terms import CG, GEO, OWL, SCHEMA, WD, XSD
from citygraph.wikidata import kinds
from citygraph.wikidata.dates import date_of
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    POINT_IN_TIME,
    POPULATION,
    TWINNED,
    Absent,
    Finding,
    Item,
    Link,
    Point,
    Quantity,
    Rank,
    Statement,
    Time,
    countries_of,
)
from citygraph.wikidata.names import Namer, by_number
from citygraph.wikidata.ties import agreements, tenures
from citygraph.wikidata.world import TYPE, World, dates, evidence, names, wkt

# Wikidata used to put bounds of ±1 on every number, which say nothing; wider ones do.
_EMPTY_SPREAD = Decimal(2)


def map_world(world: World, namer: Namer) -> Iterator[Quad | Finding]:
    """All that Wikidata says of the items that have names, in our vocabulary, and what a person should know of it."""
    for qid in by_number(world.iris):
        item = world.items[qid]
        yield from _absences(item)
        yield world.say(world.iris[qid], TYPE, world.classes[qid])
        yield world.say(world.iris[qid], OWL("sameAs"), WD + qid)
        if qid in world.selection.places:
            yield from names(world, item, world.languages_of(item))
            yield from _place(world, item)
        else:
            own = world.languages if qid in world.selection.people else world.languages_of(item)
            yield from names(world, item, own)
    yield from agreements(world, namer)
    yield from tenures(world, namer)


def _place(world: World, item: Item) -> Iterator[Quad | Finding]:
    if world.classes[item.qid] != kinds.COUNTRY:
        yield from _countries(world, item)
    yield from _coordinates(world, item)
    for statement in item.of(POPULATION):
        yield from _population(world, item, statement)


def _countries(world: World, item: Item) -> Iterator[Quad]:
    iri = world.iris[item.qid]
    present = countries_of(item)
    for statement in item.best(COUNTRY):
        value = statement.value
        if isinstance(value, Link) and value.qid in present and value.qid in world.iris:
            yield world.say(iri, CG("country"), world.iris[value.qid])
            yield from evidence(world, iri, statement)


def _coordinates(world: World, item: Item) -> Iterator[Quad | Finding]:
    """One point: a latitude of one and a longitude of another would be nowhere."""
    iri = world.iris[item.qid]
    found = [(s.id, s.value, s) for s in item.best(COORDINATES) if isinstance(s.value, Point) and s.value.on_earth]
    if len(found) > 1:
        yield Finding("several-coordinates", item.qid, f"{item.qid} has {len(found)} coordinates: the first is taken")
    for _, point, statement in sorted(found, key=lambda one: one[0])[:1]:
        node = f"{iri}#geometry-wikidata"
        yield world.say(iri, GEO("hasGeometry"), node)
        yield world.say(node, TYPE, GEO("Geometry"))
        yield world.say(node, GEO("asWKT"), wkt(point))
        yield from evidence(world, node, statement)
        # The pair of another source stays together: a merge of two latitudes could not be told apart.
        if iri not in world.known.located:
            yield world.say(iri, SCHEMA("latitude"), Literal(point.latitude, datatype=XSD("decimal")))
            yield world.say(iri, SCHEMA("longitude"), Literal(point.longitude, datatype=XSD("decimal")))


def _population(world: World, item: Item, statement: Statement) -> Iterator[Quad | Finding]:
    value = statement.value
    if not isinstance(value, Quantity):
        return
    if not value.amount.isdigit():
        yield Finding("bad-value", item.qid, f"the population {value.amount} of {item.qid} is no count of people")
        return
    node = f"{world.iris[item.qid]}#population-wikidata-{statement.id.partition('-')[2].lower()}"
    yield world.say(world.iris[item.qid], CG("populationFigure"), node)
    yield world.say(node, TYPE, CG("PopulationFigure"))
    yield world.say(node, CG("value"), Literal(value.amount, datatype=XSD("integer")))
    approximate = bool(value.spread) and Decimal(value.spread) > _EMPTY_SPREAD
    yield world.say(node, CG("approximate"), Literal(approximate))
    for time in statement.qualifier(POINT_IN_TIME):
        if isinstance(time, Time):
            date = date_of(time)
            if date is not None:
                yield world.say(node, CG("asOf"), date)
            else:
                yield from dates(world, node, POINT_IN_TIME, [time])
    yield from evidence(world, node, statement)


def _absences(item: Item) -> Iterator[Finding]:
    """Values that are not there, and statements that Wikidata itself takes to be wrong."""
    deprecated = sum(1 for s in item.statements if s.rank == Rank.DEPRECATED)
    if deprecated:
        yield Finding("deprecated", item.qid, f"{deprecated} deprecated statement(s) of {item.qid} are left out")
    for statement in item.statements:
        if statement.rank == Rank.DEPRECATED or not isinstance(statement.value, Absent):
            continue
        what = "a partner city" if statement.property == TWINNED else statement.property
        said = "there is one, and nobody knows which" if statement.value == Absent.UNKNOWN else "there is none"
        yield Finding(statement.value.value, item.qid, f"{item.qid} says of {what} that {said}")
