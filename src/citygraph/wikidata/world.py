"""The items of a pull with all that is needed to describe them: IRIs, names, and the evidence of statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.catalogues import ENGLISH, N_, templates
from citygraph.instance import current_instance
from citygraph.rdf.partial_dates import UNKNOWN_DATE
from citygraph.rdf.terms import CG, DCTERMS, GEO, PREFIXES, RDF, RDFS, SCHEMA, SKOS, WD, XSD, Namespace
from citygraph.source.instance_languages import language_name
from citygraph.text import ALL_LANGUAGES, best_tag, matches_language, nfc
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.entity import REFERENCE, STATEMENT
from citygraph.wikidata.item_names import ExistingData, IriMinter, by_number, slug_of
from citygraph.wikidata.model import (
    END,
    HEAD_OF_GOVERNMENT,
    IMPORTED_FROM,
    INSTANCE_OF,
    NATIVE_LABEL,
    OFFICIAL_NAME,
    POINT_IN_TIME,
    PUBLISHED,
    REFERENCE_URL,
    RETRIEVED,
    START,
    STATED_IN,
    TITLE,
    Item,
    ItemValue,
    Notice,
    PointValue,
    QuantityValue,
    Reference,
    Statement,
    TextValue,
    TimeValue,
    Value,
    countries_of,
    date_literal,
    describe_time,
    has_ended,
)

# Names in the languages of the instance, and in some that many readers of other cities have.
LANGUAGES = tuple(dict.fromkeys([*current_instance().languages, "en", "tr", "az", "ru", "de", "fr", "ar", "zh"]))

TYPE = RDF("type")
LABEL = RDFS("label")
# The note of an entity whose label in the first language of the instance is a name in another language.
NO_NAME = N_("Wikidata has no name in this language; the name in another one is used.")
DERIVED_FROM = NamedNode(PREFIXES["prov"] + "wasDerivedFrom")
WDT = Namespace(PREFIXES["wdt"])

# Our property for each date qualifier, and the texts of notes about dates that have no literal or another calendar.
DATES = {
    START: (
        CG("startDate"),
        N_("The start: {time}."),
        N_("The start is given in the Julian calendar there."),
    ),
    END: (
        CG("endDate"),
        N_("The end: {time}."),
        N_("The end is given in the Julian calendar there."),
    ),
    POINT_IN_TIME: (
        CG("attestedOn"),
        N_("The point in time: {time}."),
        N_("The point in time is given in the Julian calendar there."),
    ),
}


@dataclass(frozen=True)
class Selection:
    """The ids of the items that a pull covers.

    `seeds` are the requested places, `places` the seeds and their partners, `countries` those of the places, `people`
    the present and former heads of government of the seeds.
    """

    seeds: frozenset[str]
    places: frozenset[str]
    countries: frozenset[str]
    people: frozenset[str]


@dataclass(frozen=True)
class World:
    """The items and the context to describe them in `graph`; `today` is an ISO date."""

    items: Mapping[str, Item]
    selection: Selection
    existing: ExistingData
    graph: NamedNode
    today: str
    languages: tuple[str, ...] = LANGUAGES
    # IRI, time of retrieval and class of each item that has an IRI; `name_items` fills them.
    iris: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    classes: dict[str, NamedNode] = field(default_factory=dict)

    def quad(self, subject: str, predicate: NamedNode, value: NamedNode | Literal | str) -> Quad:
        """Returns a statement in the graph; a plain string is an IRI."""
        term = NamedNode(value) if isinstance(value, str) else value
        return Quad(NamedNode(subject), predicate, term, self.graph)

    def english_label(self, qid: str) -> str:
        """Returns the English label of an item, "" if it has none."""
        item = self.items.get(qid)
        return item.label(ENGLISH) if item else ""

    def languages_of(self, item: Item) -> tuple[str, ...]:
        """Returns the chosen languages, and those of the official and native names of the place and its country."""
        local = set(_native_languages(item))
        for country in countries_of(item):
            if country in self.items:
                local.update(_native_languages(self.items[country]))
            local.update(self.existing.labels.get(self.existing.items.get(country, ""), ()))
        chosen = (*self.languages, ALL_LANGUAGES)
        return (*self.languages, *sorted(tag for tag in local if not any(matches_language(tag, one) for one in chosen)))

    def english_name(self, item: Item) -> str:
        """Returns the English name; without one, that for all languages or in another language."""
        return self.name_in(item, ENGLISH)[0]

    def name_in(self, item: Item, language: str) -> tuple[str, str]:
        """Returns the name in a language and its tag; without it, that for all languages, in English or in another."""
        tag = best_tag(item.labels, language, ALL_LANGUAGES, ENGLISH, *self.languages_of(item), "*")
        return (nfc(item.labels[tag]), tag) if tag else (item.qid, "")


def name_items(world: World, namer: IriMinter) -> Iterator[Notice]:
    """Gives every item of the selection its class and IRI; yields notices about items that cannot have one."""
    selection = world.selection
    for qid in by_number(selection.countries):
        yield from _name(world, namer, qid, kinds.COUNTRY, "")
    for qid in by_number(selection.places - selection.countries):
        yield from _name_place(world, namer, qid)
    # A namesake of a person is distinguished by the country of the place that they head.
    hint: dict[str, str] = {}
    for qid in by_number(selection.seeds & set(world.iris)):
        for person in world.items[qid].links(HEAD_OF_GOVERNMENT):
            hint.setdefault(person, _country_slug(world, world.items[qid]))
    for qid in by_number(selection.people):
        item = world.items.get(qid)
        if item is not None and kinds.HUMAN not in item.links(INSTANCE_OF):
            yield Notice("not-a-person", qid, f"{qid} is named as head of a government and is not a human")
        else:
            yield from _name(world, namer, qid, CG("Person"), hint.get(qid, ""))


def name_quads(world: World, item: Item, languages: Iterable[str]) -> Iterator[Quad | Notice]:
    """Yields the names: one label a language; if our data have another label, the name becomes an alias."""
    iri = world.iris[item.qid]
    labels = _labels(item, languages)
    required = current_instance().languages[0]
    if not any(matches_language(tag, required) for tag in labels):
        labels[required], language = world.name_in(item, required)
        message = f"{item.qid} has no label in {language_name(required, ENGLISH)}"
        yield Notice("no-label", item.qid, f"{message}: {labels[required]!r} ({language}) is used")
        yield from _note(world, iri, NO_NAME)
    ours = world.existing.labels.get(iri, {})
    for tag, label in labels.items():
        own = best_tag(ours, tag, tag.partition("-")[0])
        # A name for all languages is an alias if our data have other names.
        same = label == ours[own] if own else tag != ALL_LANGUAGES or not ours or label in ours.values()
        yield world.quad(iri, LABEL if same else SKOS("altLabel"), Literal(label, language=tag))
    yield from (world.quad(iri, SKOS("altLabel"), name) for name in _aliases(item, languages, labels, ours))


def _labels(item: Item, languages: Iterable[str]) -> dict[str, str]:
    """Returns a label for each language, by tag: the item's own, else for our readers the one for all languages."""
    labels: dict[str, str] = {}
    for language in (*languages, ALL_LANGUAGES):
        tag = best_tag(item.labels, language)
        if tag:
            labels[tag] = nfc(item.labels[tag])
        elif language in current_instance().languages and ALL_LANGUAGES in item.labels:
            labels[language] = nfc(item.labels[ALL_LANGUAGES])
    return labels


def _aliases(
    item: Item, languages: Iterable[str], labels: Mapping[str, str], ours: Mapping[str, str]
) -> Iterator[Literal]:
    """Yields the other names in the languages and for all languages, each once a language."""
    named = {(tag.partition("-")[0], label) for tags in (labels, ours) for tag, label in tags.items()}
    for language in (*languages, ALL_LANGUAGES):
        for tag in sorted(tag for tag in item.aliases if matches_language(tag, language)):
            for alias in map(nfc, item.aliases[tag]):
                if (key := (language.partition("-")[0], alias)) not in named:
                    named.add(key)
                    yield Literal(alias, language=tag)


def evidence_quads(world: World, fact: str, statement: Statement) -> Iterator[Quad]:
    """Yields a statement of Wikidata as a node, with its rank, dates and references, linked from the fact."""
    node = STATEMENT + statement.id
    yield world.quad(fact, DERIVED_FROM, node)
    yield world.quad(node, TYPE, CG("WikidataStatement"))
    yield world.quad(node, RDF("subject"), WD + statement.entity)
    yield world.quad(node, RDF("predicate"), WDT(statement.property))
    yield from (world.quad(node, RDF("object"), term) for term in _terms(statement.value))
    yield world.quad(node, CG("statementRank"), Literal(statement.rank.value))
    retrieved = world.times.get(statement.entity)
    if retrieved:
        yield world.quad(node, CG("retrieved"), Literal(retrieved, datatype=XSD("dateTime")))
    for qualifier in DATES:
        yield from date_quads(world, node, qualifier, _times(statement, qualifier))
    if has_ended(statement) and not any(map(date_literal, _times(statement, END))):
        yield world.quad(node, CG("until"), UNKNOWN_DATE)
    for reference in statement.references:
        yield world.quad(node, DERIVED_FROM, REFERENCE + reference.hash)
        yield from _reference(world, reference)


def _times(statement: Statement, qualifier: str) -> list[TimeValue]:
    return [time for time in statement.qualifier(qualifier) if isinstance(time, TimeValue)]


def date_quads(world: World, node: str, qualifier: str, times: Iterable[TimeValue]) -> Iterator[Quad]:
    """Yields times as dates of a node; a time vaguer than a year becomes a note."""
    property_, vague, julian = DATES[qualifier]
    for time in times:
        date = date_literal(time)
        if date is not None:
            yield world.quad(node, property_, date)
        else:
            yield from _note(world, node, vague, describe_time(time))
        if time.julian:
            yield from _note(world, node, julian)


def wkt(point: PointValue) -> Literal:
    """Returns a point as WKT: longitude first."""
    return Literal(f"POINT({point.longitude} {point.latitude})", datatype=GEO("wktLiteral"))


def _name_place(world: World, namer: IriMinter, qid: str) -> Iterator[Notice]:
    item = world.items.get(qid)
    # A place in our data remains a place.
    if item is not None and qid not in world.existing.items and (class_ := _class_of_no_place(world, item)):
        yield Notice("not-a-place", qid, f"{qid} ({world.english_name(item)}) is left out: its class is {class_!r}")
        return
    kind = kinds.kind_of_place(item, world.english_label) if item else None
    if item is not None and kind is None:
        yield Notice(
            "class-unknown", qid, f"the classes of {qid} do not show what kind of place it is: treated as a city"
        )
    kind = kind or kinds.CITY
    country = _country_slug(world, item) if item else ""
    yield from _name(world, namer, qid, kind, country)
    if item is not None and not country and kind != kinds.COUNTRY:
        yield Notice("no-country", qid, f"{qid} has no known country: it is only a place")
        world.classes[qid] = kinds.PLACE


def _class_of_no_place(world: World, item: Item) -> str:
    is_human = kinds.HUMAN in item.links(INSTANCE_OF)
    return "human" if is_human else kinds.class_of_no_party(item, world.english_label)


def _name(world: World, namer: IriMinter, qid: str, class_: NamedNode, country: str) -> Iterator[Notice]:
    item = world.items.get(qid)
    if item is None:
        yield Notice("missing", qid, f"{qid} is named by another item, and does not exist: deleted or merged")
        return
    segment = "person" if class_ == CG("Person") else kinds.SEGMENTS[class_]
    iri = world.existing.items.get(qid)
    if iri is None:
        iri = namer.name(segment, world.english_name(item), country, qid)
    elif class_ != CG("Person"):
        # An entity of ours keeps its class, whatever its class in Wikidata: it is part of the IRI.
        class_ = next((c for c, s in kinds.SEGMENTS.items() if f"/id/{s}/" in iri), class_)
    world.iris[qid] = iri
    world.times[qid] = item.retrieved
    world.classes[qid] = class_


def _country_slug(world: World, item: Item) -> str:
    return next((slug_of(world.iris[c]) for c in countries_of(item) if c in world.iris), "")


def _native_languages(item: Item) -> Iterator[str]:
    for property_ in (OFFICIAL_NAME, NATIVE_LABEL):
        for statement in item.of(property_):
            # These codes are no single language: none, several, without a code, undetermined, no linguistic content
            # (ISO 639-2).
            none = ("", ALL_LANGUAGES, "mis", "und", "zxx")
            if isinstance(statement.value, TextValue) and statement.value.language not in none:
                yield statement.value.language


def _terms(value: Value) -> Iterator[NamedNode | Literal]:
    if isinstance(value, ItemValue):
        yield NamedNode(WD + value.qid)
    elif isinstance(value, QuantityValue):
        yield Literal(value.amount, datatype=XSD("decimal" if "." in value.amount else "integer"))
    elif isinstance(value, PointValue):
        yield wkt(value)


def _reference(world: World, reference: Reference) -> Iterator[Quad]:
    node = REFERENCE + reference.hash
    yield world.quad(node, TYPE, CG("WikidataReference"))
    for snak in reference.snaks:
        for predicate, term in _of_reference(snak.property, snak.value):
            yield world.quad(node, predicate, term)


def _of_reference(property_: str, value: Value) -> Iterator[tuple[NamedNode, NamedNode | Literal]]:
    linked = {STATED_IN: DCTERMS("source"), IMPORTED_FROM: CG("importedFrom")}
    dated = {PUBLISHED: DCTERMS("issued"), RETRIEVED: CG("retrieved")}
    if isinstance(value, ItemValue) and property_ in linked:
        yield linked[property_], NamedNode(WD + value.qid)
    elif isinstance(value, TextValue) and property_ == REFERENCE_URL:
        yield SCHEMA("url"), Literal(value.text, datatype=XSD("anyURI"))
    elif isinstance(value, TextValue) and property_ == TITLE:
        text = nfc(value.text)
        yield DCTERMS("title"), Literal(text, language=value.language) if value.language else Literal(text)
    elif isinstance(value, TimeValue) and property_ in dated:
        date = date_literal(value)
        if date is not None:
            yield dated[property_], date


def _note(world: World, node: str, text: str, times: Mapping[str, str] | None = None) -> Iterator[Quad]:
    """Yields a note in English and the languages of the instance, with a time in words by language."""
    for language, template in templates(text).items():
        if times is None:
            yield world.quad(node, CG("note"), Literal(template, language=language))
        elif tag := best_tag(times, language.partition("-")[0]):
            yield world.quad(node, CG("note"), Literal(template.format(time=times[tag]), language=language))
