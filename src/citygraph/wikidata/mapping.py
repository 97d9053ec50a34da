"""The mapping of Wikidata's statements to our vocabulary: places, their names and figures, agreements, tenures."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from decimal import Decimal
from itertools import chain

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.catalogues import N_, templates
from citygraph.instance import VOCABULARY, current_instance
from citygraph.rdf.partial_dates import UNKNOWN_DATE
from citygraph.rdf.terms import CG, GEO, OWL, SCHEMA, WD, XSD
from citygraph.text import ALL_LANGUAGES, fold, matches_language
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.entity import STATEMENT
from citygraph.wikidata.item_names import IriMinter, by_number, slug_of
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    END,
    FACTS,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    POSITION_HELD,
    START,
    TWINNED,
    Absent,
    Item,
    ItemValue,
    Notice,
    PointValue,
    QuantityValue,
    Rank,
    Statement,
    TextValue,
    TimeValue,
    countries_of,
    date_literal,
    has_ended,
    is_before,
    same_period,
    truthy,
)
from citygraph.wikidata.periods import Period, finest, periods, tie_periods
from citygraph.wikidata.world import (
    DATES,
    DERIVED_FROM,
    LABEL,
    TYPE,
    World,
    date_quads,
    evidence_quads,
    name_quads,
    wkt,
)

# Wikidata once added bounds of ±1 to every number; only wider ones mean that it is approximate.
_EMPTY_SPREAD = Decimal(2)


def map_world(world: World, namer: IriMinter) -> Iterator[Quad | Notice]:
    """Yields the statements about the items that have an IRI, in our vocabulary, and notices for the user."""
    for qid in by_number(world.iris):
        item = world.items[qid]
        yield from _absences(item)
        yield world.quad(world.iris[qid], TYPE, world.classes[qid])
        yield world.quad(world.iris[qid], OWL("sameAs"), WD + qid)
        if qid in world.selection.places:
            yield from name_quads(world, item, world.languages_of(item))
            yield from _place(world, item)
        else:
            # A person has no country here, hence no local languages.
            own = world.languages if qid in world.selection.people else world.languages_of(item)
            yield from name_quads(world, item, own)
    yield from agreements(world, namer)
    yield from tenures(world, namer)


def _place(world: World, item: Item) -> Iterator[Quad | Notice]:
    if world.classes[item.qid] != kinds.COUNTRY:
        yield from _countries(world, item)
    yield from _coordinates(world, item)
    for statement in item.of(POPULATION):
        yield from _population(world, item, statement)


def _countries(world: World, item: Item) -> Iterator[Quad]:
    """Yields the countries of a place; for a former country, only the statement with its end."""
    iri = world.iris[item.qid]
    present = countries_of(item)
    for statement in item.best(COUNTRY):
        value = statement.value
        if not isinstance(value, ItemValue):
            continue
        if value.qid in present and value.qid in world.iris:
            yield world.quad(iri, CG("country"), world.iris[value.qid])
            yield from evidence_quads(world, iri, statement)
        elif has_ended(statement):
            yield from evidence_quads(world, iri, statement)


def _coordinates(world: World, item: Item) -> Iterator[Quad | Notice]:
    """Yields one point: latitude and longitude of different points would not be a place."""
    iri = world.iris[item.qid]
    points = [
        (s.id, s.value, s) for s in item.best(COORDINATES) if isinstance(s.value, PointValue) and s.value.on_earth
    ]
    if len(points) > 1:
        yield Notice("several-coordinates", item.qid, f"{item.qid} has {len(points)} coordinates: the first is taken")
    for _, point, statement in sorted(points, key=lambda one: one[0])[:1]:
        node = f"{iri}#geometry-wikidata"
        yield world.quad(iri, GEO("hasGeometry"), node)
        yield world.quad(node, TYPE, GEO("Geometry"))
        yield world.quad(node, GEO("asWKT"), wkt(point))
        yield from evidence_quads(world, node, statement)
        # In the merge of all sources, two latitudes and two longitudes could not be paired any more.
        if iri not in world.existing.located:
            yield world.quad(iri, SCHEMA("latitude"), Literal(point.latitude, datatype=XSD("decimal")))
            yield world.quad(iri, SCHEMA("longitude"), Literal(point.longitude, datatype=XSD("decimal")))


def _population(world: World, item: Item, statement: Statement) -> Iterator[Quad | Notice]:
    value = statement.value
    if not isinstance(value, QuantityValue):
        return
    if not value.amount.isdigit():
        yield Notice("bad-value", item.qid, f"the population {value.amount} of {item.qid} is not a number of people")
        return
    # The id of a statement starts with its item, which the IRI of the place already identifies.
    node = f"{world.iris[item.qid]}#population-wikidata-{statement.id.partition('-')[2].lower()}"
    yield world.quad(world.iris[item.qid], CG("populationFigure"), node)
    yield world.quad(node, TYPE, CG("PopulationFigure"))
    yield world.quad(node, CG("value"), Literal(value.amount, datatype=XSD("integer")))
    approximate = bool(value.spread) and Decimal(value.spread) > _EMPTY_SPREAD
    yield world.quad(node, CG("approximate"), Literal(approximate))
    for time in statement.qualifier(POINT_IN_TIME):
        if isinstance(time, TimeValue):
            date = date_literal(time)
            if date is not None:
                yield world.quad(node, CG("asOf"), date)
            else:
                yield from date_quads(world, node, POINT_IN_TIME, [time])
    yield from evidence_quads(world, node, statement)


def _absences(item: Item) -> Iterator[Notice]:
    """Yields notices about missing and unreadable values, unknown ends, and deprecated statements."""
    deprecated = sum(1 for s in item.statements if s.rank == Rank.DEPRECATED)
    if deprecated:
        yield Notice("deprecated", item.qid, f"{deprecated} deprecated statement(s) of {item.qid} are left out")
    for statement in item.statements:
        if statement.rank == Rank.DEPRECATED:
            continue
        # Such as a number that Wikibase cannot read itself: its JSON has the type "bad".
        if statement.property in FACTS and isinstance(statement.value, TextValue):
            detail = f"{item.qid} has a value of {statement.property} that cannot be read: {statement.value.text}"
            yield Notice("bad-value", item.qid, detail)
        if not isinstance(statement.value, Absent):
            continue
        name = "partner city" if statement.property == TWINNED else statement.property
        text = f"has an unknown {name}" if statement.value == Absent.UNKNOWN else f"has the value “none” for {name}"
        yield Notice(statement.value.value, item.qid, f"{item.qid} {text}")
    for statement in item.statements:
        if statement.rank != Rank.DEPRECATED and Absent.UNKNOWN in statement.qualifier(END):
            value = statement.value.qid if isinstance(statement.value, ItemValue) else "a value"
            text = f"{statement.property} {value} has ended on an unknown date: this is stored as cg:unknownDate"
            yield Notice(Absent.UNKNOWN.value, item.qid, f"{item.qid}: {text}")


Quads = Iterator[Quad | Notice]


def agreements(world: World, namer: IriMinter) -> Quads:
    """Yields a sister-city agreement for each pair of places that a statement links, on whichever of the two it is."""
    pairs: dict[tuple[str, str], list[Statement]] = {}
    for qid in by_number(world.selection.places & set(world.iris)):
        for statement in world.items[qid].of(TWINNED):
            pair = _pair(world, qid, statement)
            if isinstance(pair, Notice):
                yield pair
            elif pair:
                pairs.setdefault(pair, []).append(statement)
    for pair, statements in sorted(pairs.items()):
        yield from _agreement(world, namer, pair, statements)


def tenures(world: World, namer: IriMinter) -> Quads:
    """Yields the government of each requested place, its head's post, and the tenures of it."""
    for qid in by_number(world.selection.seeds & set(world.iris)):
        item = world.items[qid]
        heads = [person for person in by_number(item.links(HEAD_OF_GOVERNMENT)) if person in world.iris]
        if not heads or world.classes[qid] == kinds.COUNTRY:
            continue
        post = yield from _government(world, namer, item)
        for person in heads:
            yield from _tenures_of(world, namer, item, person, post)


def _pair(world: World, qid: str, statement: Statement) -> tuple[str, str] | Notice | None:
    """Returns the two places that a statement links, sorted; None if it is out of scope, a notice if it is wrong."""
    if not isinstance(statement.value, ItemValue):
        return None
    target = statement.value.qid
    if not {qid, target} & world.selection.seeds or target not in world.selection.places:
        return None
    if target not in world.iris:
        why = "is neither a settlement nor an administrative unit" if target in world.items else "does not exist"
        return Notice("no-partner", qid, f"{qid} names {target} as a partner city, which {why}")
    if target == qid:
        return Notice("itself", qid, f"{qid} names itself as a partner city")
    if countries := [one for one in (qid, target) if world.classes[one] == kinds.COUNTRY]:
        # The shapes refuse a country as a party of a sister-city agreement.
        names = " and ".join(f"{one} ({world.english_name(world.items[one])})" for one in countries)
        return Notice(
            "country-as-party", qid, f"{qid} names {target} as a partner city; left out as a country: {names}"
        )
    # Sorted, so that both directions of a tie give one agreement.
    first, second = sorted((world.iris[qid], world.iris[target]), key=lambda iri: (slug_of(iri), iri))
    return first, second


def _agreement(world: World, namer: IriMinter, pair: tuple[str, str], statements: list[Statement]) -> Quads:
    iri = world.existing.agreements.get(frozenset(pair))
    if iri is None:
        ids = "-".join(
            sorted({statements[0].entity, *(s.value.qid for s in statements if isinstance(s.value, ItemValue))})
        )
        iri = namer.name("agreement", f"{slug_of(pair[0])} {slug_of(pair[1])}", "", ids)
    yield world.quad(iri, TYPE, CG("SisterCityAgreement"))
    yield world.quad(iri, CG("agreementType"), f"{VOCABULARY}ontology/agreement-types/sister-city")
    for party in pair:
        yield world.quad(iri, CG("party"), party)
    yield from _status(world, iri, statements)
    for statement in statements:
        yield from evidence_quads(world, iri, statement)


def _status(world: World, iri: str, statements: list[Statement]) -> Quads:
    """Yields the periods of an agreement, its first start, and its last end if no period is open."""
    periods = tie_periods(statements)
    dates: list[dict[str, list[Literal]]] = []
    for period in periods:
        of_period = yield from _dates(world, iri, statements[0].entity, period.statements)
        dates.append(of_period)
    whole = {qualifier: [date for one in dates for date in one[qualifier]] for qualifier in DATES}
    whole[START] = dates[0][START]
    whole[END] = dates[-1][END] if all(period.has_ended for period in periods) else []
    yield from (world.quad(iri, DATES[qualifier][0], date) for qualifier in DATES for date in whole[qualifier])
    for period, one in zip(periods, dates, strict=True):
        if not one[START] and not period.has_ended:
            continue
        # The id of a statement starts with its item.
        node = f"{iri}#period-wikidata-{min(s.id for s in period.statements).partition('-')[2].lower()}"
        yield world.quad(iri, CG("status"), node)
        yield world.quad(node, TYPE, CG("Period"))
        yield world.quad(node, CG("state"), f"{VOCABULARY}ontology/statuses/active")
        yield from (world.quad(node, CG("from"), date) for date in one[START])
        ends: list[NamedNode | Literal] = [*one[END]] or ([UNKNOWN_DATE] if period.has_ended else [])
        yield from (world.quad(node, CG("until"), end) for end in ends)
        yield from (world.quad(node, DERIVED_FROM, STATEMENT + s.id) for s in period.statements)


def _span(world: World, node: str, qid: str, period: Period) -> Quads:
    """Yields start, end and attestation of one period."""
    dates = yield from _dates(world, node, qid, period.statements)
    yield from (world.quad(node, DATES[qualifier][0], date) for qualifier in DATES for date in dates[qualifier])
    if period.has_ended and not dates[END]:
        yield world.quad(node, CG("until"), UNKNOWN_DATE)


def _dates(
    world: World, node: str, qid: str, statements: Iterable[Statement]
) -> Generator[Quad | Notice, None, dict[str, list[Literal]]]:
    """Returns start, end and attestation: the finest dates of the best rank, without those that contradict each other.

    Yields notices, and notes about dates that have no literal.
    """
    best = truthy(statements)
    by_qualifier = {q: [t for s in best for t in s.qualifier(q) if isinstance(t, TimeValue)] for q in DATES}
    finest_of = {qualifier: finest(date_literal(time) for time in by_qualifier[qualifier]) for qualifier in DATES}
    today = Literal(world.today, datatype=XSD("date"))
    # A build rejects a start in the future, and an end before the start.
    future = [date for date in finest_of[START] if is_before(today, date)]
    if future:
        yield Notice(
            "future", qid, f"the start of {slug_of(node)} in Wikidata is {future[0].value}: the date is left out"
        )
        finest_of[START] = [date for date in finest_of[START] if date not in future]
    if any(is_before(end, start) for end in finest_of[END] for start in finest_of[START]):
        yield Notice("contradiction", qid, f"{slug_of(node)} ends before its start in Wikidata: its end is unknown")
        finest_of[END] = []
    for qualifier, literals in finest_of.items():
        if len(literals) > 1 and qualifier != POINT_IN_TIME:
            values = ", ".join(date.value for date in literals)
            yield Notice("dates-differ", qid, f"{slug_of(node)} has several dates instead of one: {values}")
        vague = [time for time in by_qualifier[qualifier] if date_literal(time) is None]
        if vague:
            yield Notice("vague-date", qid, f"a date of {slug_of(node)} is vaguer than a year: it becomes a note")
        yield from date_quads(world, node, qualifier, vague)
    return finest_of


# For cities (True) and other places.
_BODIES = {True: N_("Municipality of {place}"), False: N_("Government of {place}")}
_HEADS = {True: N_("Mayor of {place}"), False: N_("Head of government of {place}")}


def _government(world: World, namer: IriMinter, item: Item) -> Generator[Quad | Notice, None, str]:
    """Yields the government and its head's post, unless another source describes them; returns the post's IRI."""
    place = world.iris[item.qid]
    existing = world.existing.governments.get(place)
    if existing and existing[2]:
        return existing[1]
    city = world.classes[item.qid] != kinds.AREA
    body, head, role = ("municipality", "mayor", "mayor") if city else ("government", "head of government", "governor")
    if existing:
        organisation, post, _ = existing
    else:
        organisation = namer.name("organisation", f"{body} of {slug_of(place)}", "", f"{body}-{item.qid}")
        post = namer.name("post", f"{head} of {slug_of(place)}", "", f"{head}-{item.qid}")
    yield world.quad(organisation, TYPE, CG("Municipality" if city else "Organisation"))
    yield from _labels(world, organisation, item, _BODIES[city])
    yield world.quad(organisation, CG("jurisdiction"), place)
    yield world.quad(post, TYPE, CG("Post"))
    yield from _labels(world, post, item, _HEADS[city])
    yield world.quad(post, CG("of"), organisation)
    yield world.quad(post, CG("role"), f"{VOCABULARY}ontology/roles/{role}")
    return post


def _labels(world: World, iri: str, item: Item, text: str) -> Iterator[Quad]:
    """Yields the labels that a text with the name of a place as {place} makes, in the languages of the instance."""
    required = current_instance().languages[0]
    # The first language is required, also without a catalogue.
    for language, template in ({required: text} | templates(text)).items():
        label = template.format(place=world.name_in(item, language)[0])
        yield world.quad(iri, LABEL, Literal(label, language=language))


def _tenures_of(world: World, namer: IriMinter, place: Item, person: str, post: str) -> Quads:
    statements = [s for s in place.of(HEAD_OF_GOVERNMENT) if s.value == ItemValue(person)]
    statements += [s for s in world.items[person].of(POSITION_HELD) if _is_mayor_of(world, s, place)]
    holder = world.iris[person]
    ours = dict(world.existing.tenures.get((holder, post), ()))
    for number, period in enumerate(periods(statements)):
        year = period.start.value[:4] if period.start and number else ""
        iri = _same_tenure(ours, period)
        if iri is None:
            name = f"{slug_of(holder)} {slug_of(post)} {year}".strip()
            iri = namer.name("tenure", name, "", f"{name}-{period.statements[0].id}")
        # Each tenure of ours is at most one of these periods.
        ours.pop(iri, None)
        yield world.quad(iri, TYPE, CG("Tenure"))
        yield world.quad(iri, CG("holder"), holder)
        yield world.quad(iri, CG("post"), post)
        yield from _span(world, iri, place.qid, period)
        for statement in period.statements:
            yield from evidence_quads(world, iri, statement)


def _same_tenure(ours: dict[str, str], period: Period) -> str | None:
    """Returns the tenure of ours with the start of a period, or with an unknown start on either side."""
    for iri, start in ours.items():
        if not start or not period.start or same_period(Literal(start), period.start):
            return iri
    return None


def _is_mayor_of(world: World, statement: Statement, place: Item) -> bool:
    """Returns whether a position is that of the mayor of a place, which its name or a qualifier identifies."""
    if not isinstance(statement.value, ItemValue):
        return False
    named_place = kinds.place_of_mayor(world.english_label(statement.value.qid))
    qualified = any(snak.value == ItemValue(place.qid) for snak in statement.qualifiers)
    if named_place and not qualified:
        return fold(named_place) in place_names(place)
    return qualified and (bool(named_place) or statement.value.qid == kinds.MAYOR)


def place_names(item: Item) -> frozenset[str]:
    """Returns the English names of a place and those for all languages, folded for comparison."""
    labels = ((tag, (label,)) for tag, label in item.labels.items())
    names = (name for tag, texts in chain(labels, item.aliases.items()) if _is_english(tag) for name in texts)
    return frozenset(fold(name) for name in names if name)


def _is_english(tag: str) -> bool:
    return matches_language(tag, "en") or tag == ALL_LANGUAGES
