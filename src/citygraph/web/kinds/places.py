"""The page of a city or a province: its ties on a map and in a table, its mayors on an axis, its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.axis import Bar, Lane, axis
from citygraph.charts.svg import Caption
from citygraph.graph.description import Description
from citygraph.rdf.terms import CG, SCHEMA
from citygraph.text import collation_key
from citygraph.web.kinds.acts import happenings
from citygraph.web.kinds.drawing import NARROW, chart_of, partners_of
from citygraph.web.kinds.page_context import Ground, Layout
from citygraph.web.kinds.tenures import Holding, read_mayors
from citygraph.web.kinds.ties import Point, Tie, read_ties, view_of
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.values import Text, date

_TOLD = frozenset({CG("twinnedWith").value})
_TOLD_OF = frozenset(CG(name).value for name in ("party", "takesPlaceIn", "twinnedWith"))
_FEW = 16  # with more ties, their countries are listed beside the map, and not what is said of the place
_COUNTRIES = 22
_NUMBERS = 9  # of one country


@dataclass(frozen=True)
class Sums:
    """What there is in a word: how many partners in how many countries, since when."""

    partners: int
    countries: int
    first: str


@dataclass(frozen=True)
class OfCountry:
    """The ties to one country; `more` are left out."""

    country: Text
    ties: tuple[Tie, ...]
    more: int


def place(ground: Ground, description: Description) -> Layout:
    """The layout of a place that may be a party to agreements."""
    iri = description.iri
    point = _point(description)
    ties = read_ties(ground, iri, point)
    mayors = read_mayors(ground, iri)
    here = ground.registrar.link(iri)
    # The map and the sums are of the day that is looked at; the table tells of all ties.
    held = tuple(_on(tie, ground.at) for tie in ties if not tie.standing)
    by_country = _by_country(held) if len(held) > _FEW else ()
    values = {
        "map": chart_of(ground, here, point, held),
        "by_country": by_country[:_COUNTRIES],
        "rest": max(0, len(by_country) - _COUNTRIES),
        "sums": _sums(held),
        "view": view_of(ties, ground.view, ground.at),
        "csv": _csv(ground, iri),
        "mayors": mayors,
        "offices": _offices(ground, here.text, mayors),
        "events": happenings(ground, ground.ask("place-events", place=NamedNode(iri))),
    }
    return Layout("kinds/place.html", values, _TOLD if ties else frozenset(), _TOLD_OF)


def _on(tie: Tie, day: str) -> Tie:
    """A tie as far as it was dated by a day: a protocol still to come is not yet signed, an end to come is none."""
    return replace(tie, protocols=tuple(p for p in tie.protocols if p <= day), ends=()) if day else tie


def _point(description: Description) -> Point | None:
    found = (description.values(SCHEMA(name).value) for name in ("latitude", "longitude"))
    try:
        latitude, longitude = (float(values[0].term.value) for values in found)
    except (IndexError, ValueError):
        return None
    return latitude, longitude


def _sums(ties: Sequence[Tie]) -> Sums:
    partners = list(partners_of(ties))
    countries = {country.href for partner in partners for country in partner.countries}
    return Sums(len(partners), len(countries), min((tie.year for tie in ties if tie.year), default=""))


def _by_country(ties: Sequence[Tie]) -> tuple[OfCountry, ...]:
    """The ties by country, that with the most first; one that sources place in two countries stands with both."""
    found: dict[Text, list[Tie]] = {}
    for tie in ties:
        for country in dict.fromkeys(country for partner in tie.partners for country in partner.countries):
            found.setdefault(country, []).append(tie)
    order = sorted(found, key=lambda country: (-len(found[country]), collation_key(country.text)))
    return tuple(OfCountry(c, tuple(found[c][:_NUMBERS]), max(0, len(found[c]) - _NUMBERS)) for c in order)


def _csv(ground: Ground, iri: str) -> str:
    return f"{ground.addresses.path('queries/partners')}?{urlencode({'city': iri, 'format': 'csv'})}"


def _offices(ground: Ground, name: str, mayors: Sequence[Holding]) -> tuple[Markup, Markup] | None:
    """The mayors on a line of years, and the same for a telephone; white is what is not known."""
    bars = [bar for holding in mayors if (bar := _bar(ground, holding))]
    if not bars:
        return None
    title = ground.words("Mayors of {name}", name=name)
    description = ground.words(
        "A line of years. A bar is a time in office, as far as sources show it; white is what no source shows. "
        "The table below says the same."
    )
    caption = Caption(title, description, ground.words.language)
    lanes, until = [Lane("", tuple(bars))], year_of(ground.today)
    day = year_of(ground.at) if ground.at else None
    near = axis(lanes, caption, until, "mayors-near", day, 2 * NARROW)
    return axis(lanes, caption, until, "mayors", day), near


def _bar(ground: Ground, holding: Holding) -> Bar | None:
    start, end = span(holding.start), span(holding.end)
    known = tuple(s for one in holding.shown if (s := span_between(one.start, one.end)))
    if not (start or end or known):
        return None
    dates = [date(lexical, ground.words) for lexical in (holding.start, holding.end) if lexical]
    told = ", ".join([holding.holder.text, *dates, *filter(None, [holding.standing])])
    return Bar(holding.holder.text, start, end, told, holding.holder.language, holding.holder.href, known,
               bool(holding.standing))  # fmt: skip
