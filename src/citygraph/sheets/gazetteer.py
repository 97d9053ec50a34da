"""The gazetteer of the package: Natural Earth's populated places, with coordinates, country and names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CATALOG_GRAPH, CG, DCTERMS, FOAF, ID, RDF, RDFS, SOURCE, XSD
from citygraph.source.reading import read_text
from citygraph.text import fold

NAME = "Natural Earth"
NATURAL_EARTH = SOURCE("natural-earth")
SHA256 = "391c9e68a8943cc10e22437833ee99dd64df0c1cdf404834a74c5569147ef8d6"
PATH = Path(__file__).parent / "natural_earth" / "places.tsv"
_PAGE = "https://www.naturalearthdata.com/downloads/10m-cultural-vectors/10m-populated-places/"
_TITLE = "Natural Earth 4.0, 1:10m populated places"
_PUBLIC_DOMAIN = "https://creativecommons.org/publicdomain/mark/1.0/"
_ISSUED, _READ = "2017", "2026-11-22"
# Languages in which a country may be named.
_LANGUAGES = ("en", "tr", "az", "de", "es", "fr", "pt", "ru", "zh", "it", "nl", "pl")


@dataclass(frozen=True)
class GazetteerPlace:
    """A populated place. The country has no code where Natural Earth gives none."""

    qid: str
    country_code: str
    country: str
    latitude: str
    longitude: str
    names: tuple[str, ...]


class Gazetteer:
    """Populated places by Wikidata item, and by name and country."""

    def __init__(self, places: Iterable[GazetteerPlace]) -> None:
        self._by_qid: dict[str, list[GazetteerPlace]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], dict[GazetteerPlace, None]] = defaultdict(dict)
        self._codes: dict[str, set[str]] = defaultdict(set)
        for language in _LANGUAGES:
            for code, name in _territories(language).items():
                # A region of the world has a number instead.
                if code.isalpha():
                    self._codes[fold(name)].add(code)
        for place in places:
            if place.country_code:
                self._codes[fold(place.country)].add(place.country_code)
            if place.qid:
                self._by_qid[place.qid].append(place)
            for name in place.names:
                self._by_name[fold(name), place.country_code][place] = None

    def country_codes(self, names: Iterable[str]) -> frozenset[str]:
        """Returns the ISO codes of the countries with one of these names, in search form, in any of many languages."""
        return frozenset(code for name in names for code in self._codes.get(name, ()))

    def identified(self, qids: Iterable[str]) -> GazetteerPlace | None:
        """Returns the place with one of these items, or None if there is none or more than one."""
        places = [place for qid in qids for place in self._by_qid.get(qid, ())]
        return places[0] if len(places) == 1 else None

    def named(self, names: Iterable[str], codes: Collection[str]) -> GazetteerPlace | None:
        """Returns the place with one of these names in a country, or None if there is none or more than one."""
        folded = {fold(name) for name in names}
        places = {place for name in folded for code in codes for place in self._by_name.get((name, code), ())}
        return next(iter(places)) if len(places) == 1 else None


@cache
def read_gazetteer() -> Gazetteer:
    """Reads the table of Natural Earth's places, which is part of the package, once per process."""
    lines = (line.split("\t") for line in read_text(PATH).splitlines()[1:])
    return Gazetteer(
        GazetteerPlace(qid, code, country, latitude, longitude, tuple(names.split("|")))
        for qid, code, country, latitude, longitude, names in lines
    )


def country_names(code: str, languages: Iterable[str]) -> list[str]:
    """Returns the names of a country in some languages, English last."""
    names = (_territories(tag).get(code, "") for tag in (*languages, "en"))
    return [name for name in names if name]


def _territories(language: str) -> Mapping[str, str]:
    try:
        return Locale.parse(language, sep="-").territories
    except (UnknownLocaleError, ValueError):
        return {}


def description(languages: Iterable[str]) -> Iterator[Quad]:
    """Yields the description of the source and its publisher: origin, version, licence and digest."""
    publisher = NamedNode(f"{ID}organisation/natural-earth")
    values: list[tuple[NamedNode, NamedNode | Literal]] = [
        (RDF("type"), CG("Source")),
        (DCTERMS("title"), Literal(_TITLE, language="en")),
        (DCTERMS("publisher"), publisher),
        (DCTERMS("language"), Literal("en")),
        (DCTERMS("issued"), Literal(_ISSUED, datatype=XSD("gYear"))),
        (DCTERMS("license"), NamedNode(_PUBLIC_DOMAIN)),
        (FOAF("page"), NamedNode(_PAGE)),
        (CG("readOn"), Literal(_READ, datatype=XSD("date"))),
        (CG("sha256"), Literal(SHA256)),
        *((RDFS("label"), Literal(_TITLE, language=language)) for language in languages),
    ]
    for property_, value in values:
        yield Quad(NATURAL_EARTH, property_, value, CATALOG_GRAPH)
    yield Quad(publisher, RDF("type"), CG("Organisation"), NATURAL_EARTH)
    for language in languages:
        yield Quad(publisher, RDFS("label"), Literal(NAME, language=language), NATURAL_EARTH)
