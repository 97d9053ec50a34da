"""The page of a city or a province: its ties on a map and in a table, its mayors on a timeline, its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from markupsafe import Markup

from citygraph.charts.axis import Bar, Lane, axis
from citygraph.charts.svg import Caption
from citygraph.graph.description import Description
from citygraph.rdf.partial_dates import chronological, finest_first, period_of
from citygraph.rdf.terms import CG
from citygraph.web.kinds.acts import events_of_place, read_events
from citygraph.web.kinds.drawing import NARROW, chart_of, partners_of
from citygraph.web.kinds.page_context import Layout, PageContext
from citygraph.web.kinds.tenures import MayorTenure, read_mayors
from citygraph.web.kinds.ties import Point, Tie, point_of, read_ties, view_of
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.values import Text, date

_COVERED = frozenset({CG("twinnedWith").value})
_COVERED_LINKS = frozenset(CG(name).value for name in ("party", "takesPlaceIn", "twinnedWith"))
# With more ties, their countries are listed next to the map, and the statements about the place below it.
_FEW = 16
_COUNTRIES = 22
_NUMBERS = 9  # of one country


@dataclass(frozen=True)
class PlaceSummary:
    """The number of partners, the number of their countries, and the first year."""

    partners: int
    countries: int
    first: str


@dataclass(frozen=True)
class CountryTies:
    """The ties to one country; `more` ties are left out."""

    country: Text
    ties: tuple[Tie, ...]
    more: int


def place(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a place that may be a party to agreements.

    Its further pages have the next ties.
    """
    iri, page = description.iri, description.page
    point = point_of(context.opened.things.facts(iri))
    ties = read_ties(context, iri, point)
    view = view_of(ties, context.view, context.at, context.translations.sort_key, page)
    values = {"view": view, "csv": _csv(context, iri), **(_first_page(context, iri, point, ties) if page == 1 else {})}
    return Layout("kinds/place.html", values, _COVERED if ties else frozenset(), _COVERED_LINKS)


def _first_page(context: PageContext, iri: str, point: Point | None, ties: tuple[Tie, ...]) -> dict[str, object]:
    """Returns what only the first page of a place has: the map, the sums, its mayors and events."""
    mayors = read_mayors(context, iri)
    here = context.table.link(iri)
    # The map and the sums are of the requested date; the table has all ties and marks those that were not valid.
    # Without a date, the map also has those that have ended, marked as such.
    in_force = tuple(_on(tie, context.at) for tie in ties if not tie.validity)
    drawn = in_force if context.at else ties
    by_country = _by_country(context, in_force) if len(in_force) > _FEW else ()
    return {
        "map": chart_of(context, here, point, drawn),
        "by_country": by_country[:_COUNTRIES],
        "rest": max(0, len(by_country) - _COUNTRIES),
        "sums": _summary(in_force),
        "mayors": mayors,
        "offices": _offices(context, here.text, mayors),
        "events": read_events(context, events_of_place(context, iri)),
    }


def _on(tie: Tie, day: str) -> Tie:
    """Returns a tie as of a date: a later protocol is not yet signed, and a later end does not count."""
    if not day:
        return tie
    signed = tuple(one for one in finest_first(tie.protocols) if (period_of(one) or ("",))[0] <= day)
    return replace(tie, protocols=signed, in_force=True)


def _summary(ties: Sequence[Tie]) -> PlaceSummary:
    partners = list(partners_of(ties))
    countries = {country.href for partner in partners for country in partner.countries}
    return PlaceSummary(
        len(partners), len(countries), min((tie.year for tie in ties if tie.year), key=chronological, default="")
    )


def _by_country(context: PageContext, ties: Sequence[Tie]) -> tuple[CountryTies, ...]:
    """Returns the ties by country, the most frequent first.

    A place that sources locate in two countries is listed under both.
    """
    by_country: dict[Text, list[Tie]] = {}
    for tie in ties:
        for country in dict.fromkeys(country for partner in tie.partners for country in partner.countries):
            by_country.setdefault(country, []).append(tie)
    sort_key = context.translations.sort_key
    order = sorted(by_country, key=lambda country: (-len(by_country[country]), sort_key(country.text)))
    return tuple(CountryTies(c, tuple(by_country[c][:_NUMBERS]), max(0, len(by_country[c]) - _NUMBERS)) for c in order)


def _csv(context: PageContext, iri: str) -> str:
    return f"{context.addresses.path('queries/partners')}?{urlencode({'city': iri, 'format': 'csv'})}"


def _offices(context: PageContext, name: str, mayors: Sequence[MayorTenure]) -> tuple[Markup, Markup] | None:
    """Draws the mayors on a timeline, in two sizes for wide and narrow screens."""
    # A tenure without any date has no place on a timeline.
    bars = [bar for tenure in mayors if (bar := _bar(context, tenure))]
    if not bars:
        return None
    title = context.translations("Mayors of {name}", name=name)
    description = context.translations(
        "Timeline. A bar is a term of office as documented by the sources; gaps are undocumented. The table "
        "below has the same data."
    )
    caption = Caption(title, description, context.translations.language)
    lanes, until = [Lane("", tuple(bars))], year_of(context.today)
    day = year_of(context.at) if context.at else None
    near = axis(lanes, caption, until, "mayors-near", day, 2 * NARROW)
    return axis(lanes, caption, until, "mayors", day), near


def _bar(context: PageContext, tenure: MayorTenure) -> Bar | None:
    # With an unknown end date, only the start of the term is certain.
    start, end = span(tenure.start), span(tenure.end or (tenure.start if tenure.has_unknown_end else ""))
    attested = tuple(s for one in tenure.attestations if (s := span_between(one.start, one.end)))
    if not (start or end or attested):
        return None
    dates = [date(lexical, context.translations) for lexical in (tenure.start, tenure.end) if lexical]
    description = ", ".join([tenure.holder.text, *dates, *filter(None, [tenure.validity])])
    return Bar(
        tenure.holder.text,
        start,
        end,
        description,
        tenure.holder.language,
        tenure.holder.href,
        attested,
        bool(tenure.validity),
    )
