"""A made-up world of any size in the contract's vocabulary: the same seed makes the same quads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from random import Random

from pyoxigraph import Literal, NamedNode, Quad

from bench.names import Names
from citygraph.rdf.terms import (
    CATALOG_GRAPH,
    CG,
    DCTERMS,
    DERIVED_GRAPH,
    GEO,
    ID,
    OWL,
    PREFIXES,
    RDF,
    RDFS,
    SCHEMA,
    SKOS,
    SOURCE,
    WD,
    XSD,
)

_TYPE, _LABEL, _ALIAS = RDF("type"), RDFS("label"), SKOS("altLabel")
_MAYOR = NamedNode(PREFIXES["role"] + "mayor")
_REGISTER, _GAZETTEER, _OFFICES = SOURCE("place-register"), SOURCE("gazetteer"), SOURCE("municipal-register")
_BULLETINS = tuple(SOURCE(f"bulletin-{number}") for number in range(1, 61))
_COUNTRIES = 190
_FIRST_YEAR, _LAST_YEAR = 1955, 2026

Fact = tuple[NamedNode, NamedNode | Literal]


@dataclass(frozen=True)
class City:
    """A city: `country` is its place in the list of countries."""

    slug: str
    name: str
    country: int


@dataclass(frozen=True)
class Agreement:
    """An agreement of two cities, by their indexes in the list; `sources` are its sources, the most complete first."""

    parties: tuple[int, int]
    year: int
    sister: bool
    sources: tuple[NamedNode, ...]


@dataclass(frozen=True)
class World:
    """The generated entities, before they become RDF; 30,000 cities are 1.1 million triples in the default graph."""

    size: int = 30_000
    seed: int = 1

    def random(self, part: str) -> Random:
        """The chances of one part, so that a change to one part leaves the others as they were."""
        return Random(f"{self.seed}/{part}")  # noqa: S311 - nothing here is secret

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """Slugs and names, the one with the most cities first."""
        names = Names(self.random("country names"))
        return [names.place() for _ in range(min(_COUNTRIES, max(3, self.size // 10)))]

    @cached_property
    def cities(self) -> list[City]:
        """All cities; those with the most agreements first."""
        random, names = self.random("cities"), Names(self.random("city names"))
        weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.countries))))
        drawn = random.choices(range(len(self.countries)), cum_weights=weights, k=self.size)
        return [City(*names.place(self.countries[country][0]), country) for country in drawn]

    @cached_property
    def agreements(self) -> list[Agreement]:
        """Agreements, each of two cities in two countries; a few cities have many, half have none."""
        random = self.random("agreements")
        made: dict[tuple[int, int], Agreement] = {}
        for _ in range(self.size // 2):
            one, other = (int(self.size * random.random() ** power) for power in (3, 2))
            if self.cities[one].country == self.cities[other].country or (other, one) in made:
                continue
            year = _LAST_YEAR - 1 - int((_LAST_YEAR - _FIRST_YEAR) * random.random() ** 1.6)
            sources = random.sample(_BULLETINS, random.choices((1, 2, 3), (65, 25, 10))[0])
            made[one, other] = Agreement((one, other), year, random.random() < 0.85, tuple(sources))
        return list(made.values())

    @cached_property
    def partnered(self) -> list[int]:
        """The cities that are party to an agreement, in order; of these the mayors are known."""
        return sorted({city for agreement in self.agreements for city in agreement.parties})


def quads(world: World) -> Iterator[Quad]:
    """Every statement of the world in the graph of each source that makes it; none is in the default graph."""
    yield from _countries(world)
    yield from _cities(world)
    yield from _municipalities(world)
    yield from _mayors(world)
    yield from _agreements(world)
    yield from _derived(world)
    yield from _events(world)
    yield from _sources(world)


def merged(statements: Iterable[Quad]) -> Iterator[Quad]:
    """The statements and each again in the default graph; a store keeps the ones said twice once."""
    for quad in statements:
        yield quad
        yield Quad(quad.subject, quad.predicate, quad.object)


def _countries(world: World) -> Iterator[Quad]:
    items = _items(world, "country items", len(world.countries))
    for (slug, name), item in zip(world.countries, items, strict=True):
        country = _entity("country", slug)
        yield from _say(_REGISTER, country, (_TYPE, CG("Country")), *_labels(name, name), (OWL("sameAs"), item))


def _cities(world: World) -> Iterator[Quad]:
    random, names = world.random("facts of cities"), Names(world.random("aliases"))
    items = _items(world, "city items", world.size)
    for city, item in zip(world.cities, items, strict=True):
        node = _city(city)
        turkish = names.word() if random.random() < 0.1 else city.name
        yield from _say(_REGISTER, node, (_TYPE, CG("City")), *_labels(city.name, turkish))
        yield from _say(_REGISTER, node, (CG("country"), _entity("country", world.countries[city.country][0])))
        if random.random() < 0.9:
            yield from _say(_REGISTER, node, (OWL("sameAs"), item))
        for source, share in ((_REGISTER, 0.4), (_GAZETTEER, 0.3)):
            if random.random() < share:
                alias = Literal(names.word(), language=random.choice(("en", "tr", "de")))
                yield from _say(source, node, (_ALIAS, alias))
        yield from _location(random, node)
        yield from _population(random, node, _REGISTER)
        if random.random() < 0.25:
            yield from _population(random, node, random.choice(_BULLETINS))


def _location(random: Random, city: NamedNode) -> Iterator[Quad]:
    latitude, longitude = _degrees(random, 60), _degrees(random, 180)
    geometry = NamedNode(city.value + "#geometry")
    point = Literal(f"POINT({longitude.value} {latitude.value})", datatype=GEO("wktLiteral"))
    yield from _say(
        _GAZETTEER,
        city,
        (_TYPE, CG("City")),
        (SCHEMA("latitude"), latitude),
        (SCHEMA("longitude"), longitude),
        (GEO("hasGeometry"), geometry),
    )
    yield from _say(_GAZETTEER, geometry, (_TYPE, GEO("Geometry")), (GEO("asWKT"), point))


def _population(random: Random, city: NamedNode, source: NamedNode) -> Iterator[Quad]:
    figure = NamedNode(f"{city.value}#population-{source.value.rpartition('/')[2]}")
    yield from _say(source, city, (CG("populationFigure"), figure))
    yield from _say(
        source,
        figure,
        (_TYPE, CG("PopulationFigure")),
        (CG("value"), Literal(int(10 ** random.uniform(3.5, 7)))),
        (CG("asOf"), _year(random.randint(1990, _LAST_YEAR - 1))),
        (CG("approximate"), Literal(random.random() < 0.3)),
    )


def _municipalities(world: World) -> Iterator[Quad]:
    for index in world.partnered:
        city = world.cities[index]
        labels = _labels(f"{city.name} Municipality", f"{city.name} Belediyesi")
        jurisdiction = (CG("jurisdiction"), _city(city))
        yield from _say(_OFFICES, _municipality(city), (_TYPE, CG("Municipality")), *labels, jurisdiction)
        labels = _labels(f"Mayor of {city.name}", f"{city.name} Belediye Başkanı")
        office = ((CG("of"), _municipality(city)), (CG("role"), _MAYOR))
        yield from _say(_OFFICES, _post(city), (_TYPE, CG("Post")), *labels, *office)


def _mayors(world: World) -> Iterator[Quad]:
    """An unbroken row of mayors for each city with agreements, the last one still in office."""
    random, names = world.random("mayors"), Names(world.random("names of mayors"))
    for index in world.partnered:
        city = world.cities[index]
        year = random.randint(1980, 2018)
        start = _date(random, year)
        while year <= _LAST_YEAR:
            year += random.randint(5, 20)
            end = _date(random, year)
            slug, name = names.person()
            person = _entity("person", slug)
            yield from _say(_OFFICES, person, (_TYPE, CG("Person")), *_labels(name, name))
            tenure = _entity("tenure", f"{slug}-mayor-of-{city.slug}")
            yield from _say(_OFFICES, tenure, (_TYPE, CG("Tenure")), (CG("holder"), person), (CG("post"), _post(city)))
            yield from _say(_OFFICES, tenure, (CG("startDate"), start))
            if year <= _LAST_YEAR:
                yield from _say(_OFFICES, tenure, (CG("endDate"), end))
            start = end


def _agreements(world: World) -> Iterator[Quad]:
    random = world.random("dates of agreements")
    for agreement in world.agreements:
        node = _agreement(world, agreement)
        kind = CG("SisterCityAgreement" if agreement.sister else "CooperationAgreement")
        facts: list[Fact] = [(_TYPE, kind), *((CG("party"), _city(world.cities[city])) for city in agreement.parties)]
        if random.random() < 0.85:
            facts.append((CG("protocolDate"), _date(random, agreement.year)))
        acts: list[Fact] = [(CG("councilActDate"), _date(random, agreement.year))] if random.random() < 0.6 else []
        yield from _say(agreement.sources[0], node, *facts, *acts)
        for source in agreement.sources[1:]:
            yield from _say(source, node, *facts)


def _derived(world: World) -> Iterator[Quad]:
    """Yields the statements that a build derives: partnerships in both directions, and the names of agreements."""
    for agreement in world.agreements:
        one, other = (world.cities[city] for city in agreement.parties)
        name = f"{one.name}–{other.name}"
        yield from _say(DERIVED_GRAPH, _agreement(world, agreement), *_labels(name, name))
        if agreement.sister:
            yield from _say(DERIVED_GRAPH, _city(one), (CG("twinnedWith"), _city(other)))
            yield from _say(DERIVED_GRAPH, _city(other), (CG("twinnedWith"), _city(one)))


def _events(world: World) -> Iterator[Quad]:
    random = world.random("events")
    kinds = (("Meeting", "toplantısı"), ("Conference", "konferansı"), ("Anniversary", "yıl dönümü"))
    for agreement in random.sample(world.agreements, len(world.agreements) // 10):
        year = random.randint(agreement.year, _LAST_YEAR)
        kind, turkish = random.choice(kinds)
        one, other = (world.cities[city] for city in agreement.parties)
        pair = f"{one.name}–{other.name}"
        yield from _say(
            random.choice(agreement.sources),
            _entity("event", f"{one.slug}-{other.slug}-{kind.lower()}-{year}"),
            (_TYPE, CG(kind)),
            *_labels(f"{pair} {kind.lower()}, {year}", f"{pair} {turkish}, {year}"),
            (CG("startDate"), _date(random, year)),
            (CG("host"), _municipality(one)),
            (CG("participant"), _municipality(other)),
            (CG("about"), _agreement(world, agreement)),
        )


def _sources(world: World) -> Iterator[Quad]:
    random = world.random("sources")
    for source in (_REGISTER, _GAZETTEER, _OFFICES, *_BULLETINS):
        title = source.value.rpartition("/")[2].replace("-", " ").capitalize()
        yield from _say(
            CATALOG_GRAPH,
            source,
            (_TYPE, CG("Source")),
            *_labels(title, title),
            (DCTERMS("title"), Literal(title, language="en")),
            (DCTERMS("language"), Literal("en")),
            (DCTERMS("issued"), _date(random, random.randint(1990, _LAST_YEAR - 1))),
            (CG("sha256"), Literal(sha256(source.value.encode()).hexdigest())),
        )


def _say(graph: NamedNode, subject: NamedNode, *facts: Fact) -> Iterator[Quad]:
    for predicate, value in facts:
        yield Quad(subject, predicate, value, graph)


def _labels(english: str, turkish: str) -> tuple[Fact, ...]:
    return (_LABEL, Literal(english, language="en")), (_LABEL, Literal(turkish, language="tr"))


def _entity(kind: str, slug: str) -> NamedNode:
    return ID(f"{kind}/{slug}")


def _city(city: City) -> NamedNode:
    return _entity("city", city.slug)


def _municipality(city: City) -> NamedNode:
    return _entity("organisation", f"{city.slug}-municipality")


def _post(city: City) -> NamedNode:
    return _entity("post", f"mayor-of-{city.slug}")


def _agreement(world: World, agreement: Agreement) -> NamedNode:
    one, other = (world.cities[city].slug for city in agreement.parties)
    return _entity("agreement", f"{one}-{other}")


def _items(world: World, part: str, count: int) -> list[NamedNode]:
    """Yields well-formed Wikidata items without a meaning, each once."""
    return [WD(f"Q{number}") for number in world.random(part).sample(range(10**8, 10**9), count)]


def _date(random: Random, year: int) -> Literal:
    """A date in that year, as precise as sources happen to be."""
    month, day, chance = random.randint(1, 12), random.randint(1, 28), random.random()
    if chance < 0.6:
        return Literal(f"{year}-{month:02}-{day:02}", datatype=XSD("date"))
    return Literal(f"{year}-{month:02}", datatype=XSD("gYearMonth")) if chance < 0.85 else _year(year)


def _year(year: int) -> Literal:
    return Literal(str(year), datatype=XSD("gYear"))


def _degrees(random: Random, most: int) -> Literal:
    """A coordinate of five decimals, in the canonical form: it ends in no zero."""
    number = random.randrange(-most * 10**4, most * 10**4) * 10 + random.randint(1, 9)
    return Literal(f"{number / 10**5:.5f}", datatype=XSD("decimal"))
