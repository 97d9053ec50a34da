"""The items of a pull together: which they are, what each is called, and what is said of them with what evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG, DCTERMS, GEO, PREFIXES, RDF, RDFS, SCHEMA, SKOS, WD, XSD, Namespace
from citygraph.text import nfc
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.entity import REFERENCE, STATEMENT
from citygraph.wikidata.item_names import Known, Namer, by_number, slug_of
from citygraph.wikidata.model import (
    DATE_QUALIFIERS,
    END,
    HEAD_OF_GOVERNMENT,
    IMPORTED_FROM,
    INSTANCE_OF,
    NATIVE_LABEL,
    OFFICIAL_NAME,
    PUBLISHED,
    REFERENCE_URL,
    RETRIEVED,
    START,
    STATED_IN,
    TITLE,
    Finding,
    Item,
    Link,
    Point,
    Quantity,
    Reference,
    Statement,
    Text,
    Time,
    Value,
    countries_of,
    date_of,
    words_of,
)

LANGUAGES = ("en", "tr", "az", "ru", "de", "fr", "ar", "zh")

TYPE = RDF("type")
LABEL = RDFS("label")
DERIVED_FROM = NamedNode(PREFIXES["prov"] + "wasDerivedFrom")
WDT = Namespace(PREFIXES["wdt"])

# Which date of ours a qualifier is, and what it is called where it can only be told in words.
DATES = {
    START: (CG("startDate"), "The start", "Başlangıç"),
    END: (CG("endDate"), "The end", "Bitiş"),
    DATE_QUALIFIERS[2]: (CG("attestedOn"), "The point in time", "Zaman noktası"),
}


@dataclass(frozen=True)
class Selection:
    """Which items a pull is about, by their ids.

    `seeds` are the places that were asked for, `places` these and their partners, `countries` those in which
    the places lie, `people` those who head or headed the governments of the seeds.
    """

    seeds: frozenset[str]
    places: frozenset[str]
    countries: frozenset[str]
    people: frozenset[str]


@dataclass(frozen=True)
class World:
    """The items, and all that is needed to say something of them in `graph`; `today` is an ISO date."""

    items: Mapping[str, Item]
    selection: Selection
    known: Known
    graph: NamedNode
    today: str
    languages: tuple[str, ...] = LANGUAGES
    # The IRI, the class and the time of retrieval of each item that has an IRI: filled by `name_items`.
    iris: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    classes: dict[str, NamedNode] = field(default_factory=dict)

    def say(self, subject: str, predicate: NamedNode, value: NamedNode | Literal | str) -> Quad:
        """A statement in the graph; a plain string is an IRI."""
        term = NamedNode(value) if isinstance(value, str) else value
        return Quad(NamedNode(subject), predicate, term, self.graph)

    def english_label(self, qid: str) -> str:
        """The English label of an item, "" if it has none."""
        item = self.items.get(qid)
        return item.labels.get("en", "") if item else ""

    def languages_of(self, item: Item) -> tuple[str, ...]:
        """The chosen languages, and those in which the place or its country bears its official or native name."""
        local = set(_native_languages(item))
        for country in countries_of(item):
            if country in self.items:
                local.update(_native_languages(self.items[country]))
            local.update(self.known.labels.get(self.known.items.get(country, ""), ()))
        return (*self.languages, *sorted(local - set(self.languages)))

    def english_name(self, item: Item) -> tuple[str, str]:
        """The name that stands for the English label, and its language: another one's where there is no English."""
        for language in ("en", "mul", *self.languages_of(item), *sorted(item.labels)):
            if item.labels.get(language):
                return nfc(item.labels[language]), language
        return item.qid, ""


def name_items(world: World, namer: Namer) -> Iterator[Finding]:
    """Give every item of the selection its class and IRI; what cannot have one is told."""
    selection = world.selection
    for qid in by_number(selection.countries):
        yield from _name(world, namer, qid, kinds.COUNTRY, "")
    for qid in by_number(selection.places - selection.countries):
        yield from _name_place(world, namer, qid)
    hint: dict[str, str] = {}
    for qid in by_number(selection.seeds & set(world.iris)):
        for person in world.items[qid].links(HEAD_OF_GOVERNMENT):
            hint.setdefault(person, _country_slug(world, world.items[qid]))
    for qid in by_number(selection.people):
        item = world.items.get(qid)
        if item is not None and kinds.HUMAN not in item.links(INSTANCE_OF):
            yield Finding("not-a-person", qid, f"{qid} is named as head of a government and is not said to be a human")
        else:
            yield from _name(world, namer, qid, CG("Person"), hint.get(qid, ""))


def names(world: World, item: Item, languages: Iterable[str]) -> Iterator[Quad | Finding]:
    """The names of an item: one label a language, unless our data have another one there; then it is an alias."""
    iri = world.iris[item.qid]
    english, language = world.english_name(item)
    labels = {lang: nfc(item.labels[lang]) for lang in languages if item.labels.get(lang)}
    if language != "en":
        labels["en"] = english
        yield Finding(
            "no-english-label", item.qid, f"{item.qid} has no English label: {english!r} ({language}) stands for it"
        )
        yield world.say(
            iri, CG("note"), Literal("Wikidata has no English name; another language’s stands for it.", language="en")
        )
        yield world.say(
            iri,
            CG("note"),
            Literal("Vikiveri’de İngilizce adı yok; yerine başka bir dildeki adı yazıldı.", language="tr"),
        )
    ours = world.known.labels.get(iri, {})
    for lang, label in labels.items():
        same = ours.get(lang, label) == label
        yield world.say(iri, LABEL if same else SKOS("altLabel"), Literal(label, language=lang))
    for lang in languages:
        for alias in item.aliases.get(lang, ()):
            if nfc(alias) not in (labels.get(lang), ours.get(lang)):
                yield world.say(iri, SKOS("altLabel"), Literal(nfc(alias), language=lang))


def evidence(world: World, fact: str, statement: Statement) -> Iterator[Quad]:
    """A statement of Wikidata as a node: what it says, its rank, dates and references, and which fact it supports."""
    node = STATEMENT + statement.id
    yield world.say(fact, DERIVED_FROM, node)
    yield world.say(node, TYPE, CG("WikidataStatement"))
    yield world.say(node, RDF("subject"), WD + statement.entity)
    yield world.say(node, RDF("predicate"), WDT(statement.property))
    yield from (world.say(node, RDF("object"), term) for term in _terms(statement.value))
    yield world.say(node, CG("statementRank"), Literal(statement.rank.value))
    retrieved = world.times.get(statement.entity)
    if retrieved:
        yield world.say(node, CG("retrieved"), Literal(retrieved, datatype=XSD("dateTime")))
    for qualifier in DATES:
        times = [time for time in statement.qualifier(qualifier) if isinstance(time, Time)]
        yield from dates(world, node, qualifier, times)
    for reference in statement.references:
        yield world.say(node, DERIVED_FROM, REFERENCE + reference.hash)
        yield from _reference(world, reference)


def dates(world: World, node: str, qualifier: str, times: Iterable[Time]) -> Iterator[Quad]:
    """Times as dates of a node, as precise as they are; in words where that is vaguer than a year."""
    property_, english, turkish = DATES[qualifier]
    for time in times:
        date = date_of(time)
        if date is not None:
            yield world.say(node, property_, date)
        else:
            yield from _note(world, node, f"{english}: {words_of(time)[0]}.", f"{turkish}: {words_of(time)[1]}.")
        if time.julian:
            yield from _note(world, node, f"{english} is given in the Julian calendar there.",
                             f"{turkish} orada Jülyen takvimiyle verilmiştir.")  # fmt: skip


def wkt(point: Point) -> Literal:
    """A point as WKT: longitude first."""
    return Literal(f"POINT({point.longitude} {point.latitude})", datatype=GEO("wktLiteral"))


def _name_place(world: World, namer: Namer, qid: str) -> Iterator[Finding]:
    item = world.items.get(qid)
    if item is not None and kinds.HUMAN in item.links(INSTANCE_OF):
        yield Finding("not-a-place", qid, f"{qid} is a human, and is left out as a partner city")
        return
    kind = kinds.kind_of_place(item, world.english_label) if item else None
    if item is not None and kind is None:
        yield Finding(
            "class-unknown", qid, f"the classes of {qid} do not tell what kind of place it is: taken for a city"
        )
    kind = kind or kinds.CITY
    country = _country_slug(world, item) if item else ""
    yield from _name(world, namer, qid, kind, country)
    if item is not None and not country and kind != kinds.COUNTRY:
        yield Finding("no-country", qid, f"{qid} lies in no country that is known: it is only a place")
        world.classes[qid] = kinds.PLACE


def _name(world: World, namer: Namer, qid: str, class_: NamedNode, country: str) -> Iterator[Finding]:
    item = world.items.get(qid)
    if item is None:
        yield Finding("missing", qid, f"{qid} is named by another item, and is not there: deleted or merged")
        return
    segment = "person" if class_ == CG("Person") else kinds.SEGMENTS[class_]
    iri = world.known.items.get(qid)
    if iri is None:
        iri = namer.name(segment, world.english_name(item)[0], country, qid)
    elif class_ != CG("Person"):
        # What we hold as an area stays one, whatever Wikidata calls it.
        class_ = next((c for c, s in kinds.SEGMENTS.items() if f"/id/{s}/" in iri), class_)
    world.iris[qid] = iri
    world.times[qid] = item.retrieved
    world.classes[qid] = class_


def _country_slug(world: World, item: Item) -> str:
    return next((slug_of(world.iris[c]) for c in countries_of(item) if c in world.iris), "")


def _native_languages(item: Item) -> Iterator[str]:
    for property_ in (OFFICIAL_NAME, NATIVE_LABEL):
        for statement in item.of(property_):
            if isinstance(statement.value, Text) and statement.value.language not in ("", "mul", "mis", "und", "zxx"):
                yield statement.value.language


def _terms(value: Value) -> Iterator[NamedNode | Literal]:
    if isinstance(value, Link):
        yield NamedNode(WD + value.qid)
    elif isinstance(value, Quantity):
        yield Literal(value.amount, datatype=XSD("decimal" if "." in value.amount else "integer"))
    elif isinstance(value, Point):
        yield wkt(value)


def _reference(world: World, reference: Reference) -> Iterator[Quad]:
    node = REFERENCE + reference.hash
    yield world.say(node, TYPE, CG("WikidataReference"))
    for snak in reference.snaks:
        for predicate, term in _of_reference(snak.property, snak.value):
            yield world.say(node, predicate, term)


def _of_reference(property_: str, value: Value) -> Iterator[tuple[NamedNode, NamedNode | Literal]]:
    linked = {STATED_IN: DCTERMS("source"), IMPORTED_FROM: CG("importedFrom")}
    dated = {PUBLISHED: DCTERMS("issued"), RETRIEVED: CG("retrieved")}
    if isinstance(value, Link) and property_ in linked:
        yield linked[property_], NamedNode(WD + value.qid)
    elif isinstance(value, Text) and property_ == REFERENCE_URL:
        yield SCHEMA("url"), Literal(value.text, datatype=XSD("anyURI"))
    elif isinstance(value, Text) and property_ == TITLE:
        text = nfc(value.text)
        yield DCTERMS("title"), Literal(text, language=value.language) if value.language else Literal(text)
    elif isinstance(value, Time) and property_ in dated:
        date = date_of(value)
        if date is not None:
            yield dated[property_], date


def _note(world: World, node: str, english: str, turkish: str) -> Iterator[Quad]:
    yield world.say(node, CG("note"), Literal(english, language="en"))
    yield world.say(node, CG("note"), Literal(turkish, language="tr"))
