"""The home page's register: every agreement of the city that has the most, with its dates as a picture."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.terms import CATALOG_GRAPH, CG, RDF

_MOST = 20_000  # statements of cg:party that are read to find the city with the most agreements
_ROWS = 500
_MERGED = DefaultGraph()
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?$")
_DAYS_OF_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Span:
    """When something was: a point or, where less is known, as long as that; in years, such as 1996.31."""

    start: float
    end: float

    @property
    def is_point(self) -> bool:
        """Whether the day is known."""
        return self.end - self.start < 2 / _DAYS_OF_YEAR


@dataclass(frozen=True, slots=True)
class Agreement:
    """One line of the register; dates are lexical forms, several where sources differ."""

    iri: str
    partners: tuple[str, ...]
    countries: tuple[str, ...]
    acts: tuple[str, ...]
    protocols: tuple[str, ...]
    days: tuple[str, ...]

    @property
    def act_span(self) -> Span | None:
        """When the council decided."""
        return span(self.acts[0]) if self.acts else None

    @property
    def protocol_span(self) -> Span | None:
        """When the protocol was signed."""
        return span(self.protocols[0]) if self.protocols else None

    @property
    def is_dated(self) -> bool:
        """Whether either date is known."""
        return bool(self.acts or self.protocols)


@dataclass(frozen=True)
class Home:
    """What the home page tells: the city, its agreements by council act, and the documents that tell of them."""

    hub: str
    agreements: tuple[Agreement, ...]
    sources: tuple[str, ...]

    @property
    def dated(self) -> tuple[Agreement, ...]:
        """The agreements with a date, the oldest first."""
        known = (a for a in self.agreements if a.is_dated)
        return tuple(sorted(known, key=lambda a: (a.acts or a.protocols)[0]))

    @property
    def undated(self) -> tuple[Agreement, ...]:
        """The agreements whose dates no document gives."""
        return tuple(a for a in self.agreements if not a.is_dated)

    @property
    def countries(self) -> frozenset[str]:
        """The countries of the partners."""
        return frozenset(country for a in self.agreements for country in a.countries)

    @property
    def partners(self) -> frozenset[str]:
        """The partners."""
        return frozenset(partner for a in self.agreements for partner in a.partners)

    @property
    def first_year(self) -> str:
        """The year of the oldest council act."""
        acts = [a.acts[0] for a in self.agreements if a.acts]
        return min(acts)[:4] if acts else ""

    @property
    def years(self) -> tuple[int, int]:
        """The years that the picture spans, in whole decades."""
        spans = [s for a in self.agreements for s in (a.act_span, a.protocol_span) if s]
        if not spans:
            return 0, 1
        return int(min(s.start for s in spans) // 10 * 10), int(-(-max(s.end for s in spans) // 10) * 10)


def read_home(store: Store) -> Home:
    """What the home page tells of a release; the number of lookups does not grow with the store."""
    parties: Counter[str] = Counter()
    for quad in islice(store.quads_for_pattern(None, CG("party"), None, _MERGED), _MOST):
        if isinstance(quad.object, NamedNode):
            parties[quad.object.value] += 1
    hub = min(parties, key=lambda iri: (-parties[iri], iri)) if parties else ""
    agreements: tuple[Agreement, ...] = ()
    if hub:
        quads = store.quads_for_pattern(None, CG("party"), NamedNode(hub), _MERGED)
        subjects = [q.subject for q in islice(quads, _ROWS) if isinstance(q.subject, NamedNode)]
        agreements = tuple(_agreement(store, subject, hub) for subject in sorted(subjects, key=str))
    documents = store.quads_for_pattern(None, RDF("type"), CG("Source"), CATALOG_GRAPH)
    sources = (q.subject.value for q in islice(documents, _ROWS) if isinstance(q.subject, NamedNode))
    return Home(hub, agreements, tuple(sorted(sources)))


def span(lexical: str) -> Span | None:
    """The time that a date covers: a day, a month or a year."""
    match = _DATE.match(lexical)
    if not match:
        return None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    first = date(year, month or 1, day or 1)
    last_month = month or 12
    last = date(year, last_month, day or calendar.monthrange(year, last_month)[1])
    return Span(_in_years(first), _in_years(last) + 1 / _DAYS_OF_YEAR)


def _agreement(store: Store, iri: NamedNode, hub: str) -> Agreement:
    partners = [p for p in _values(store, iri, "party") if p != hub]
    countries = [c for partner in partners for c in _values(store, NamedNode(partner), "country")]
    return Agreement(
        iri.value,
        tuple(partners),
        tuple(dict.fromkeys(countries)),
        _dates(store, iri, "councilActDate"),
        _dates(store, iri, "protocolDate"),
        tuple(_values(store, iri, "daysToProtocol")),
    )


def _values(store: Store, subject: NamedNode, name: str) -> Iterable[str]:
    quads = store.quads_for_pattern(subject, CG(name), None, _MERGED)
    return sorted(q.object.value for q in quads if isinstance(q.object, NamedNode | Literal))


def _dates(store: Store, subject: NamedNode, name: str) -> tuple[str, ...]:
    """The dates that sources give, the most precise first."""
    return tuple(sorted(_values(store, subject, name), key=lambda lexical: (-len(lexical), lexical)))


def _in_years(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / _DAYS_OF_YEAR
