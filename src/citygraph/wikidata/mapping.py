"""Wikidata's statements in our vocabulary: places, their names, countries, coordinates, populations and ties."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pyoxigraph import Literal, Quad

from citygraph.rdf.terms import BASE, CG, GEO, OWL, SCHEMA, WD, XSD
from citygraph.text import fold, nfc
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.item_names import Namer, by_number, slug_of
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    END,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    POSITION_HELD,
    START,
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
    before,
    countries_of,
    date_of,
    same_period,
)
from citygraph.wikidata.world import DATES, LABEL, TYPE, World, dates, evidence, names, wkt

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


Said = Iterator[Quad | Finding]


def agreements(world: World, namer: Namer) -> Said:
    """A sister-city agreement for each pair of places that a statement binds, whichever of the two says so."""
    pairs: dict[tuple[str, str], list[Statement]] = {}
    for qid in by_number(world.selection.places & set(world.iris)):
        for statement in world.items[qid].of(TWINNED):
            pair = _pair(world, qid, statement)
            if isinstance(pair, Finding):
                yield pair
            elif pair:
                pairs.setdefault(pair, []).append(statement)
    for pair, statements in sorted(pairs.items()):
        yield from _agreement(world, namer, pair, statements)


def tenures(world: World, namer: Namer) -> Said:
    """The government of each place that was asked for, its head's post, and who held it when."""
    for qid in by_number(world.selection.seeds & set(world.iris)):
        item = world.items[qid]
        heads = [person for person in by_number(item.links(HEAD_OF_GOVERNMENT)) if person in world.iris]
        if not heads or world.classes[qid] == kinds.COUNTRY:
            continue
        post = yield from _government(world, namer, item)
        for person in heads:
            yield from _tenures_of(world, namer, item, person, post)


def _pair(world: World, qid: str, statement: Statement) -> tuple[str, str] | Finding | None:
    """The two places that a statement binds, by name; None if it is of no interest, a finding if it cannot be."""
    if not isinstance(statement.value, Link):
        return None
    target = statement.value.qid
    if not {qid, target} & world.selection.seeds or target not in world.selection.places:
        return None
    if target not in world.iris:
        return Finding("no-partner", qid, f"{qid} names {target} as a partner city, which is not there")
    if target == qid:
        return Finding("itself", qid, f"{qid} names itself as a partner city")
    first, second = sorted((world.iris[qid], world.iris[target]), key=lambda iri: (slug_of(iri), iri))
    return first, second


def _agreement(world: World, namer: Namer, pair: tuple[str, str], statements: list[Statement]) -> Said:
    iri = world.known.agreements.get(frozenset(pair))
    if iri is None:
        ids = "-".join(sorted({statements[0].entity, *(s.value.qid for s in statements if isinstance(s.value, Link))}))
        iri = namer.name("agreement", f"{slug_of(pair[0])} {slug_of(pair[1])}", "", ids)
    yield world.say(iri, TYPE, CG("SisterCityAgreement"))
    yield world.say(iri, CG("agreementType"), f"{BASE}ontology/agreement-types/sister-city")
    for party in pair:
        yield world.say(iri, CG("party"), party)
    yield from _span(world, iri, statements[0].entity, statements)
    for statement in statements:
        yield from evidence(world, iri, statement)


def _span(world: World, node: str, qid: str, statements: Iterable[Statement]) -> Said:
    """When it began, ended and is shown to have held: the finest dates, and none that contradict one another."""
    times = {q: [t for s in statements for t in s.qualifier(q) if isinstance(t, Time)] for q in DATES}
    found = {qualifier: finest(date_of(time) for time in times[qualifier]) for qualifier in DATES}
    today = Literal(world.today, datatype=XSD("date"))
    future = [date for date in found[START] if before(today, date)]
    if future:
        yield Finding("future", qid, f"{slug_of(node)} is said to begin on {future[0].value}: the date is left out")
        found[START] = [date for date in found[START] if date not in future]
    if any(before(end, start) for end in found[END] for start in found[START]):
        yield Finding("contradiction", qid, f"{slug_of(node)} is said to end before it began: its end is left out")
        found[END] = []
    for qualifier, literals in found.items():
        if len(literals) > 1 and qualifier != POINT_IN_TIME:
            said = ", ".join(date.value for date in literals)
            yield Finding("dates-differ", qid, f"{slug_of(node)} has several dates where one is meant: {said}")
        yield from (world.say(node, DATES[qualifier][0], date) for date in literals)
        vague = [time for time in times[qualifier] if date_of(time) is None]
        if vague:
            yield Finding("vague-date", qid, f"a date of {slug_of(node)} is vaguer than a year: told in words")
        yield from dates(world, node, qualifier, vague)


def finest(literals: Iterable[Literal | None]) -> list[Literal]:
    """The dates without those that a finer one among them makes needless."""
    kept: list[Literal] = []
    for date in sorted({d for d in literals if d is not None}, key=lambda d: (-len(d.value), d.value)):
        if not any(same_period(date, finer) for finer in kept):
            kept.append(date)
    return sorted(kept, key=lambda d: d.value)


def _government(world: World, namer: Namer, item: Item) -> Generator[Quad | Finding, None, str]:
    """The government and its head's post, unless another source describes them; answers the post's IRI."""
    place = world.iris[item.qid]
    known = world.known.governments.get(place)
    if known and known[2]:
        return known[1]
    city = world.classes[item.qid] != kinds.AREA
    body, head, role = ("municipality", "mayor", "mayor") if city else ("government", "head of government", "governor")
    if known:
        organisation, post, _ = known
    else:
        organisation = namer.name("organisation", f"{body} of {slug_of(place)}", "", f"{body}-{item.qid}")
        post = namer.name("post", f"{head} of {slug_of(place)}", "", f"{head}-{item.qid}")
    english = world.english_name(item)[0]
    turkish = nfc(item.labels.get("tr", english))
    bodies = (f"{body.capitalize()} of {english}", f"{turkish} {'Belediyesi' if city else 'yönetimi'}")
    heads = (f"{head.capitalize()} of {english}", f"{turkish} {'Belediye Başkanı' if city else 'yönetim başkanı'}")
    yield world.say(organisation, TYPE, CG("Municipality" if city else "Organisation"))
    yield from _labels(world, organisation, bodies)
    yield world.say(organisation, CG("jurisdiction"), place)
    yield world.say(post, TYPE, CG("Post"))
    yield from _labels(world, post, heads)
    yield world.say(post, CG("of"), organisation)
    yield world.say(post, CG("role"), f"{BASE}ontology/roles/{role}")
    return post


def _labels(world: World, iri: str, labels: tuple[str, str]) -> Iterator[Quad]:
    for language, label in zip(("en", "tr"), labels, strict=True):
        yield world.say(iri, LABEL, Literal(label, language=language))


@dataclass(frozen=True)
class Period:
    """One holding of a post, with the statements that tell of it."""

    start: Literal | None
    end: Literal | None
    statements: tuple[Statement, ...]


def _tenures_of(world: World, namer: Namer, place: Item, person: str, post: str) -> Said:
    statements = [s for s in place.of(HEAD_OF_GOVERNMENT) if s.value == Link(person)]
    statements += [s for s in world.items[person].of(POSITION_HELD) if _is_mayor_of(world, s, place)]
    holder = world.iris[person]
    ours = dict(world.known.tenures.get((holder, post), ()))
    for number, period in enumerate(periods(statements)):
        year = period.start.value[:4] if period.start and number else ""
        iri = _same_tenure(ours, period)
        if iri is None:
            name = f"{slug_of(holder)} {slug_of(post)} {year}".strip()
            iri = namer.name("tenure", name, "", f"{name}-{period.statements[0].id}")
        ours.pop(iri, None)
        yield world.say(iri, TYPE, CG("Tenure"))
        yield world.say(iri, CG("holder"), holder)
        yield world.say(iri, CG("post"), post)
        yield from _span(world, iri, place.qid, period.statements)
        for statement in period.statements:
            yield from evidence(world, iri, statement)


def _same_tenure(ours: dict[str, str], period: Period) -> str | None:
    """The tenure of ours that a period is: one that began then, or one of which nobody knows when it began."""
    for iri, start in ours.items():
        if not start or not period.start or same_period(Literal(start), period.start):
            return iri
    return None


def _is_mayor_of(world: World, statement: Statement, place: Item) -> bool:
    """Whether a position is that of the mayor of a place: by its English name, or by a qualifier with the place."""
    if not isinstance(statement.value, Link):
        return False
    named = place_names(place)
    of = kinds.place_of_mayor(world.english_label(statement.value.qid))
    qualified = any(snak.value == Link(place.qid) for snak in statement.qualifiers)
    return fold(of) in named if of and not qualified else qualified and (bool(of) or statement.value.qid == kinds.MAYOR)


def place_names(item: Item) -> frozenset[str]:
    """The English names of a place, folded for comparison."""
    return frozenset(fold(name) for name in (item.labels.get("en", ""), *item.aliases.get("en", ())) if name)


def periods(statements: Iterable[Statement]) -> list[Period]:
    """The holdings that statements tell of, in order: two of the same time are one."""
    return sorted(_joined_all([_period(s) for s in statements]), key=_order)


def _joined_all(found: list[Period]) -> list[Period]:
    """Join until no two are one: a joined period may reach into another."""
    found = sorted(found, key=_order)
    for i, first in enumerate(found):
        for j in range(i + 1, len(found)):
            if _are_one(first, found[j]):
                rest = [p for k, p in enumerate(found) if k not in (i, j)]
                return _joined_all([*rest, _joined(first, found[j])])
    return found


def _order(period: Period) -> tuple[str, str, str]:
    start, end = (date.value if date else "" for date in (period.start, period.end))
    return (start, end, period.statements[0].id)


def _period(statement: Statement) -> Period:
    def first(qualifier: str) -> Literal | None:
        times = (date_of(time) for time in statement.qualifier(qualifier) if isinstance(time, Time))
        return next((date for date in times if date is not None), None)

    return Period(first(START), first(END), (statement,))


def _are_one(a: Period, b: Period) -> bool:
    if a.start and b.start:
        return same_period(a.start, b.start) or _reaches_into(a, b) or _reaches_into(b, a)
    if a.end and b.end:
        return same_period(a.end, b.end) or _reaches_into(a, b) or _reaches_into(b, a)
    return True


def _reaches_into(a: Period, b: Period) -> bool:
    """Whether b begins or ends inside a: the shape TenureOverlap refuses such a pair."""
    if not (a.start and a.end):
        return False
    begins = b.start is not None and not before(b.start, a.start) and before(b.start, a.end)
    ends = b.end is not None and before(a.start, b.end) and not before(a.end, b.end)
    return begins or ends


def _joined(a: Period, b: Period) -> Period:
    starts, ends = finest((a.start, b.start)), finest((a.end, b.end))
    return Period(starts[0] if starts else None, ends[-1] if ends else None, a.statements + b.statements)
