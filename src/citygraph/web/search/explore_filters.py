"""The state of /explore, read from and written to the address, and the SPARQL query that selects the same entities."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from citygraph.errors import UsageError
from citygraph.index.entities import Filter
from citygraph.instance import current_instance
from citygraph.rdf.terms import CG, RDFS
from citygraph.text import matches_language, nfc
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.translations import N_
from citygraph.web.view.values import KINDS

SIGNED = {"yes": N_("protocol signed"), "no": N_("no known protocol")}
# The facets, each with the path of its values' IRIs.
_PATHS = {"country": "id/country/", "decade": "", "protocol": "", "source": "source/"}
# The parameters of an address with a state.
PARAMETERS = ("type", *_PATHS, "at", "page")
_LONGEST = 200
_DECADE = re.compile(r"[0-9]{3}0")
_MOST_VALUES = 50  # of one facet
_CLASSES = {
    "city": "City",
    "area": "Place",
    "country": "Country",
    "agreement": "Agreement",
    "person": "Person",
    "organisation": "Organisation",
    "event": "Event",
    "post": "Post",
}
# A visit may be to a country.
_COUNTRY = "(cg:country|(cg:jurisdiction|cg:homePlace|cg:locatedIn|cg:takesPlaceIn)/cg:country?)"
_COUNTRIES = {"city": "cg:country", "area": "cg:country", "agreement": "cg:party/cg:country"}
# Paths from an entity to the things that have its dates, if it has none of its own.
_DATED = {
    "city": "^cg:party",
    "area": "^cg:party",
    "country": "((^cg:country/^cg:party)|^cg:party)",
    "person": "^cg:holder",
}
_DATES = "(cg:councilActDate|cg:protocolDate|cg:startDate|cg:attestedOn|cg:foundingDate)"
# A source covers the entities of which it states one of these properties, as in the index.
_COVERED = f"(a|cg:country|cg:party|cg:endDate|{_DATES})"


@dataclass(frozen=True)
class ExploreState:
    """A kind, values of facets (the last part of an IRI), a day, a page, and the language if the address has one."""

    kind: str = KINDS[0]
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at: str = ""
    page: int = 1
    language: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Returns the state as names and values, without defaults."""
        kind = "" if self.kind == KINDS[0] else self.kind
        page = str(self.page) if self.page > 1 else ""
        single = {"type": kind, "at": self.at, "lang": self.language, "page": page}
        facets = [(name, value) for name, values in self.values for value in values]
        return [*facets, *((name, value) for name, value in single.items() if value)]

    def query(self, *without: str) -> str:
        """Returns the query string of the state, without the parameters of these names."""
        return urlencode([pair for pair in self.pairs() if pair[0] not in without])

    def href(self, here: str) -> str:
        """Returns the address of the page in this state."""
        query = self.query()
        return f"{here}?{query}" if query else here

    def with_kind(self, kind: str) -> ExploreState:
        """Returns the state with another kind, on the first page."""
        return replace(self, kind=kind, page=1)

    def on_page(self, page: int) -> ExploreState:
        """Returns the state on another page."""
        return replace(self, page=page)

    def toggled(self, facet: str, value: str) -> ExploreState:
        """Returns the state with a value added, or removed if it is selected."""
        slug = value.rpartition("/")[2]
        values = dict(self.values)
        selected = values.get(facet, ())
        values[facet] = tuple(one for one in selected if one != slug) if slug in selected else (*selected, slug)
        # In the order of the facets, so that one selection has one address.
        return replace(self, values=tuple((name, values[name]) for name in _PATHS if values.get(name)), page=1)

    def without(self) -> ExploreState:
        """Returns the state without any filter."""
        return ExploreState(self.kind, language=self.language)

    def without_day(self) -> ExploreState:
        """Returns the state without a day."""
        return replace(self, at="", page=1)

    def iris(self, facet: str, addresses: Addresses) -> tuple[str, ...]:
        """Returns the values of a facet in the form of the index: IRIs, or plain values."""
        path = _PATHS[facet]
        return tuple(addresses.thing(path + value) if path else value for value in dict(self.values).get(facet, ()))

    def entity_filter(self, addresses: Addresses, language: str, today: str) -> Filter:
        """Returns the filter for the entity table; `today` is an ISO date."""
        values = tuple((facet, self.iris(facet, addresses)) for facet, _ in self.values)
        return Filter(self.kind, values, self.at, language == current_instance().second_language, today)


def read_state(arguments: MultiDict[str, str]) -> ExploreState:
    """Returns the state in the query string of an address. Raises UsageError for a malformed one."""
    kind = arguments.get("type", "").strip().casefold() or KINDS[0]
    if kind not in KINDS:
        raise UsageError(f"type must be one of {', '.join(KINDS)}")
    values = tuple((facet, _chosen(arguments, facet)) for facet in _PATHS)
    day, page = _day(arguments.get("at", "")), _page(arguments.get("page", "1"))
    return ExploreState(kind, tuple(pair for pair in values if pair[1]), day, page, arguments.get("lang", ""))


def _chosen(arguments: MultiDict[str, str], facet: str) -> tuple[str, ...]:
    """Returns the values of a facet, in NFC like all identifiers. Raises UsageError for a value of another form."""
    values = tuple(dict.fromkeys(filter(None, (nfc(value).strip() for value in arguments.getlist(facet)))))
    if len(values) > _MOST_VALUES:
        raise UsageError(f"{facet} may have {_MOST_VALUES} values at most")
    if facet == "protocol" and not SIGNED.keys() >= set(values):
        raise UsageError(f"protocol must be one of {', '.join(SIGNED)}")
    if facet == "decade" and not all(map(_DECADE.fullmatch, values)):
        raise UsageError("decade must be the first year of a decade, such as 1990")
    if not all(map(_is_last_part, values)):
        example = "germany" if facet == "country" else "place-register"
        raise UsageError(f"{facet} must be the last part of an identifier, such as {facet}={example}")
    return values


def _is_last_part(text: str) -> bool:
    # Letters of some scripts are written with marks, which are no letters themselves.
    return len(text) <= _LONGEST and all(
        one.isalnum() or one in "._~-" or unicodedata.category(one).startswith("M") for one in text
    )


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise UsageError("at must be a day, such as 2015-04-23") from None


def _page(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 10**8:
        raise UsageError("page must be a whole number, 1 or more")
    return int(text)


def query_of(filter_: Filter, language: str = "en") -> str:
    """Returns the SPARQL query that selects the same entities as the filter, with their names in a language."""
    kind = filter_.kind
    type_ = f"?{kind} a cg:{_CLASSES[kind]} ."
    if kind == "area":
        # Administrative areas, bodies of water and regions without a government.
        type_ += ' FILTER(CONTAINS(STR(?area), "/id/area/"))'
    body = "\n  ".join([type_, *_conditions(filter_), *_named(kind, language)])
    return (
        f"PREFIX cg: <{CG}>\nPREFIX rdfs: <{RDFS}>\n\n"
        f"SELECT DISTINCT ?{kind} ?name WHERE {{\n  {body}\n}}\nORDER BY ?name\n"
    )


def _named(kind: str, language: str) -> Iterator[str]:
    """Yields the patterns of the name of an entity: in a language, else in the first language of the instance."""
    first = current_instance().languages[0]
    if matches_language(first, language):
        yield _label(kind, "name", language)
        return
    yield _label(kind, "own", language)
    yield _label(kind, "other", first)
    yield "BIND(COALESCE(?own, ?other) AS ?name)"


def _label(kind: str, variable: str, language: str) -> str:
    return f'OPTIONAL {{ ?{kind} rdfs:label ?{variable} FILTER(LANGMATCHES(LANG(?{variable}), "{language}")) }}'


def _conditions(filter_: Filter) -> Iterator[str]:
    kind = filter_.kind
    if countries := _iris(filter_.of("country")):
        yield f"VALUES ?country {{ {countries} }}"
        if kind != "country":
            yield f"?{kind} {_COUNTRIES.get(kind, _COUNTRY)} ?country ."
    if sources := _iris(filter_.of("source")):
        # The graph of a source has the statements from it.
        yield f"VALUES ?source {{ {sources} }}"
        yield f"GRAPH ?source {{ ?{kind} {_COVERED} ?something }}"
    if decades := filter_.of("decade"):
        dated = yield from _dated(kind, "then")
        named = ", ".join(f'"{decade[:3]}"' for decade in decades)
        yield f"{dated} {_DATES} ?date ."
        yield f"FILTER(SUBSTR(STR(?date), 1, 3) IN ({named}))"
    # Both values together exclude nothing.
    if len(filter_.of("protocol")) == 1:
        dated = yield from _dated(kind, "agreed")
        signed = f"{dated} cg:protocolDate ?signed"
        yield f"{signed} ." if filter_.of("protocol") == ("yes",) else f"OPTIONAL {{ {signed} }}"
        if filter_.of("protocol") == ("no",):
            yield "FILTER(!BOUND(?signed))"
    if filter_.at:
        dated = yield from _dated(kind, "valid")
        yield from _valid_on(dated, filter_)


def _valid_on(dated: str, filter_: Filter) -> Iterator[str]:
    """Yields the patterns for things valid on a day, by their intervals, else from their first date on."""
    day = filter_.at
    if filter_.kind in ("organisation", "event", "post"):
        yield f"{dated} {_DATES} ?since ."
        yield f'FILTER(STR(?since) <= "{day}")'
        return
    yield f"{dated} (cg:validDuring|cg:attestedDuring) ?interval ."
    yield 'BIND(STRBEFORE(STR(?interval), "/") AS ?since) BIND(STRAFTER(STR(?interval), "/") AS ?until)'
    # Dates are compared as text: "-99" makes a partial end date cover its whole month or year. With an unknown end
    # date, only the validity at the start is certain; without an end (..), validity on days not in the future.
    yield f'FILTER(?since <= "{day}" && STRLEN(STR(?interval)) > 1)'
    last = f'CONCAT(IF(?until = "", ?since, ?until), "-99") >= "{day}"'
    yield f'FILTER(?until != ".." && {last})' if filter_.is_future else f'FILTER(?until = ".." || {last})'


def _dated(kind: str, name: str) -> Generator[str, None, str]:
    """Yields the triple pattern from an entity to the things that have its dates; returns their variable."""
    if kind not in _DATED:
        return f"?{kind}"
    yield f"?{kind} {_DATED[kind]} ?{name} ."
    return f"?{name}"


def _iris(values: tuple[str, ...]) -> str:
    return " ".join(f"<{value}>" for value in values)
