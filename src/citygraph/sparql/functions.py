"""The SPARQL extension functions: search form, distance, bounds of a partial date, label in a language.

Each returns None for arguments outside its domain, which is SPARQL's error in an expression. The variable is then
unbound, and a FILTER drops the row (SPARQL 1.1, 17.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from math import isfinite

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Store, Triple

from citygraph.geo import kilometres
from citygraph.rdf.lexical import is_valid
from citygraph.rdf.partial_dates import DATE_TYPES, EDTF, date_interval, period_of
from citygraph.rdf.terms import CG, RDFS, XSD
from citygraph.text import ALL_LANGUAGES, fold, matches_language

Term = NamedNode | BlankNode | Literal | Triple
Functions = dict[NamedNode, Callable[..., Term | None]]

_NUMBERS = frozenset(XSD(name) for name in ("integer", "decimal", "double", "float"))
_LABEL = RDFS("label")
_LABELS = 1 << 15  # labels that are kept: some 10 MB


@dataclass(frozen=True)
class Function:
    """The description of an extension function, for the service description and the documentation."""

    iri: NamedNode
    signature: str
    help: str


FUNCTIONS: tuple[Function, ...] = (
    Function(CG("fold"), "cg:fold(text)", "The search form: Izmir, İZMİR and ızmır are all izmir."),
    Function(
        CG("distance"),
        "cg:distance(latitude, longitude, latitude, longitude)",
        "Great-circle distance in km, as a decimal to the metre, on a sphere of 6371.0088 km radius.",
    ),
    Function(
        CG("startOfPeriod"),
        "cg:startOfPeriod(date)",
        "The first day, as xsd:date, of an xsd:date, xsd:gYearMonth or xsd:gYear, or of an interval of cg:validDuring.",
    ),
    Function(
        CG("endOfPeriod"),
        "cg:endOfPeriod(date)",
        "The last day, as xsd:date, of an xsd:date, xsd:gYearMonth or xsd:gYear, or of an interval of cg:validDuring.",
    ),
    Function(
        CG("labelIn"),
        'cg:labelIn(entity, "tr")',
        "The rdfs:label in that language or a regional variant of it, else one for all languages (mul), else in"
        " English, else in the first other language by its tag, else one without a language; from the default graph of"
        " the release, whatever FROM says.",
    ),
)


def functions_of(store: Store, unchanged: bool = False) -> Functions:
    """Returns the functions by their IRI, as pyoxigraph expects them. `labelIn` reads its labels from `store`.

    If the store is `unchanged` during their use, labels are kept.
    """
    label_in = partial(_label_in, store)
    calls: tuple[Callable[..., Term | None], ...] = (
        _fold,
        _distance,
        start_of_period,
        end_of_period,
        lru_cache(_LABELS)(label_in) if unchanged else label_in,
    )
    return {function.iri: call for function, call in zip(FUNCTIONS, calls, strict=True)}


def start_of_period(date: Term) -> Term | None:
    """Returns the first day of a date that may be partial, or of an interval that has a known start."""
    return _day_of_period(date, first=True)


def end_of_period(date: Term) -> Term | None:
    """Returns the last day of a date that may be partial, or of an interval that has a known end."""
    return _day_of_period(date, first=False)


def _fold(text: Term) -> Term | None:
    return Literal(fold(text.value)) if isinstance(text, Literal) else None


def _distance(*degrees: Term) -> Term | None:
    numbers = [_number(term) for term in degrees]
    if len(numbers) != 4:
        return None
    latitude, longitude, other_latitude, other_longitude = numbers
    if latitude is None or longitude is None or other_latitude is None or other_longitude is None:
        return None
    # Only latitudes are bounded, because longitudes are periodic.
    if max(abs(latitude), abs(other_latitude)) > 90:
        return None
    distance = kilometres(latitude, longitude, other_latitude, other_longitude)
    # A decimal, because the engine's casts of doubles to integers are wrong (docs/sparql.md).
    return Literal(f"{distance:.3f}", datatype=XSD("decimal"))


def _number(term: Term) -> float | None:
    if not isinstance(term, Literal) or term.datatype not in _NUMBERS or not _is_valid(term):
        return None
    number = float(term.value)
    # INF and NaN are valid doubles but not valid degrees.
    return number if isfinite(number) else None


def _day_of_period(date: Term, first: bool) -> Term | None:
    if not isinstance(date, Literal):
        return None
    if date.datatype == EDTF:
        interval = date_interval(date.value)
        period = period_of(interval.start if first else interval.end)
    elif date.datatype in DATE_TYPES and _is_valid(date):
        period = period_of(date.value)
    else:
        return None
    return Literal(period[0 if first else 1], datatype=XSD("date")) if period else None


def _is_valid(literal: Literal) -> bool:
    """Returns whether a literal has a value, which the store does not require."""
    return is_valid(literal.value, literal.datatype.value)


def _label_in(store: Store, entity: Term, language: Term) -> Term | None:
    if not isinstance(entity, NamedNode) or not isinstance(language, Literal):
        return None
    quads = store.quads_for_pattern(entity, _LABEL, None, DefaultGraph())
    labels = [quad.object for quad in quads if isinstance(quad.object, Literal)]
    return min(labels, key=lambda label: _label_rank(label, language.value), default=None)


def _label_rank(label: Literal, requested: str) -> tuple[int, str, str]:
    tag = (label.language or "").lower()
    # Regional variants follow the language itself, because the shorter tag comes first.
    in_order = (requested, requested.partition("-")[0], ALL_LANGUAGES, "en", "*", "")
    rank = next(place for place, language in enumerate(in_order) if matches_language(tag, language))
    # Tag and text make the choice deterministic among labels of one rank.
    return rank, tag, label.value
