"""What /explore shows, as the SPARQL that gives it: for the workbench, and for whoever wants more than the page."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from citygraph.listing.read import Wanted
from citygraph.terms import CG, RDFS

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


def query_of(wanted: Wanted) -> str:
    """The query whose results are what passes."""
    kind = wanted.kind
    lines = [f"?{kind} a cg:{_CLASSES[kind]} .", f'OPTIONAL {{ ?{kind} rdfs:label ?name FILTER(LANG(?name) = "en") }}',
             *_filters(wanted)]  # fmt: skip
    body = "\n  ".join(lines)
    return (
        f"PREFIX cg: <{CG}>\nPREFIX rdfs: <{RDFS}>\n\n"
        f"SELECT DISTINCT ?{kind} ?name WHERE {{\n  {body}\n}}\nORDER BY ?name\n"
    )


def _filters(wanted: Wanted) -> Iterator[str]:
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
