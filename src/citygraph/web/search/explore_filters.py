"""What /explore is asked for, as it stands in the address: read from there and written there again."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from citygraph.errors import UsageError
from citygraph.index.entities import Filter
from citygraph.rdf.terms import CG, RDFS
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.translations import N_
from citygraph.web.view.values import KINDS

SIGNED = {"yes": N_("protocol signed"), "no": N_("council act only")}
# The facets and what goes before a value in its IRI.
_BEFORE = {"country": "id/country/", "decade": "", "protocol": "", "source": "source/"}
_SLUG = re.compile(r"[\w.~-]{1,200}")
_MOST_VALUES = 50


@dataclass(frozen=True)
class State:
    """A kind, values of facets (the last part of an IRI), a day, a page, and the language if the address has one."""

    kind: str = KINDS[0]
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at: str = ""
    page: int = 1
    language: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """The state by name and value; what is usual is left out."""
        said = (("type", "" if self.kind == KINDS[0] else self.kind), ("at", self.at), ("lang", self.language),
                ("page", str(self.page) if self.page > 1 else ""))  # fmt: skip
        given = [(name, value) for name, values in self.values for value in values]
        return [*given, *((name, value) for name, value in said if value)]

    def query(self, *without: str) -> str:
        """The state as it stands after the question mark, without the parameters of these names."""
        return urlencode([pair for pair in self.pairs() if pair[0] not in without])

    def href(self, here: str) -> str:
        """The address of the page in this state."""
        query = self.query()
        return f"{here}?{query}" if query else here

    def with_kind(self, kind: str) -> State:
        """The same of another kind."""
        return replace(self, kind=kind, page=1)

    def on_page(self, page: int) -> State:
        """The same, another page."""
        return replace(self, page=page)

    def toggled(self, facet: str, value: str) -> State:
        """With a value more, or without it."""
        slug = value.rpartition("/")[2]
        known = dict(self.values)
        now = known.get(facet, ())
        known[facet] = tuple(one for one in now if one != slug) if slug in now else (*now, slug)
        return replace(self, values=tuple((name, known[name]) for name in _BEFORE if known.get(name)), page=1)

    def without(self) -> State:
        """With no filter at all."""
        return State(self.kind, language=self.language)

    def without_day(self) -> State:
        """The same at any time."""
        return replace(self, at="", page=1)

    def iris(self, facet: str, addresses: Addresses) -> tuple[str, ...]:
        """The values of a facet as the list knows them."""
        before = _BEFORE[facet]
        return tuple(addresses.iri(before + value) if before else value for value in dict(self.values).get(facet, ()))

    def wanted(self, addresses: Addresses, language: str) -> Filter:
        """What is asked of the list."""
        values = tuple((facet, self.iris(facet, addresses)) for facet, _ in self.values)
        return Filter(self.kind, values, self.at, language == "tr")


def read_state(given: MultiDict[str, str]) -> State:
    """The state in an address. Raises UsageError for what none of ours has."""
    kind = given.get("type", "").strip().casefold() or KINDS[0]
    if kind not in KINDS:
        raise UsageError(f"type must be one of {', '.join(KINDS)}")
    values = tuple((facet, tuple(dict.fromkeys(filter(None, given.getlist(facet))))) for facet in _BEFORE)
    for facet, chosen in values:
        if len(chosen) > _MOST_VALUES or not all(_SLUG.fullmatch(value) for value in chosen):
            raise UsageError(f"{facet} must be the last part of an identifier, such as {facet}={_example(facet)}")
    return State(kind, tuple((facet, chosen) for facet, chosen in values if chosen), _day(given.get("at", "")),
                 _page(given.get("page", "1")), given.get("lang", ""))  # fmt: skip


def _example(facet: str) -> str:
    return {"country": "germany", "decade": "1990", "protocol": "yes"}.get(facet, "place-register")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise UsageError("at must be a day, such as 2015-04-23") from None


def _page(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 10**8:
        raise UsageError("page must be a whole number, 1 or more")
    return int(text)


_CLASSES = {
    "city": "City", "area": "AdministrativeArea", "country": "Country", "agreement": "Agreement", "person": "Person",
    "organisation": "Organisation", "event": "Event", "post": "Post",
}  # fmt: skip
_AROUND = "(cg:country|(cg:jurisdiction|cg:homePlace|cg:locatedIn|cg:takesPlaceIn)/cg:country)"
_COUNTRIES = {"city": "cg:country", "area": "cg:country", "agreement": "cg:party/cg:country"}
# From a thing to what its dates are of, where that is something else.
_DATED = {
    "city": "^cg:party", "area": "^cg:party", "country": "((^cg:country/^cg:party)|^cg:party)", "person": "^cg:holder",
}  # fmt: skip
_DATES = "(cg:councilActDate|cg:protocolDate|cg:startDate|cg:attestedOn|cg:foundingDate)"


def query_of(wanted: Filter) -> str:
    """The query whose results are what passes."""
    kind = wanted.kind
    lines = [f"?{kind} a cg:{_CLASSES[kind]} .", f'OPTIONAL {{ ?{kind} rdfs:label ?name FILTER(LANG(?name) = "en") }}',
             *_filters(wanted)]  # fmt: skip
    body = "\n  ".join(lines)
    return (
        f"PREFIX cg: <{CG}>\nPREFIX rdfs: <{RDFS}>\n\n"
        f"SELECT DISTINCT ?{kind} ?name WHERE {{\n  {body}\n}}\nORDER BY ?name\n"
    )


def _filters(wanted: Filter) -> Iterator[str]:
    kind = wanted.kind
    if countries := _iris(wanted.of("country")):
        yield f"VALUES ?country {{ {countries} }}"
        if kind != "country":
            yield f"?{kind} {_COUNTRIES.get(kind, _AROUND)} ?country ."
    if sources := _iris(wanted.of("source")):
        yield f"VALUES ?source {{ {sources} }}"
        yield f"GRAPH ?source {{ ?{kind} ?says ?something }}"
    if decades := wanted.of("decade"):
        dated = yield from _dated(kind, "then")
        named = ", ".join(f'"{decade[:3]}"' for decade in decades)
        yield f"{dated} {_DATES} ?date ."
        yield f"FILTER(SUBSTR(STR(?date), 1, 3) IN ({named}))"
    if len(wanted.of("protocol")) == 1:
        dated = yield from _dated(kind, "agreed")
        signed = f"{dated} cg:protocolDate ?signed"
        yield f"{signed} ." if wanted.of("protocol") == ("yes",) else f"OPTIONAL {{ {signed} }}"
        if wanted.of("protocol") == ("no",):
            yield "FILTER(!BOUND(?signed))"
    if wanted.at:
        dated = yield from _dated(kind, "valid")
        yield f"{dated} {_DATES} ?since ."
        yield f"OPTIONAL {{ {dated} cg:endDate ?until }}"
        yield f'FILTER(STR(?since) <= "{wanted.at}" && COALESCE(CONCAT(STR(?until), "-99") >= "{wanted.at}", true))'


def _dated(kind: str, name: str) -> Generator[str, None, str]:
    """The line that leads to what the dates are of; answers its variable."""
    if kind not in _DATED:
        return f"?{kind}"
    yield f"?{kind} {_DATED[kind]} ?{name} ."
    return f"?{name}"


def _iris(values: tuple[str, ...]) -> str:
    return " ".join(f"<{value}>" for value in values)
