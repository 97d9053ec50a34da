"""The page of a city or a province: its ties on a map and in a table, its mayors on a timeline, its events."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from citygraph.charts.axis import Bar, Lane
from citygraph.graph.description import Description
from citygraph.rdf.partial_dates import chronological, finest_first, period_of
from citygraph.rdf.terms import CG
from citygraph.web.http.addresses import value_in_query
from citygraph.web.kinds.acts import events_of_place, read_events
from citygraph.web.kinds.drawing import chart_of, partners_of
from citygraph.web.kinds.page_context import Layout, PageContext, RowsPlace
from citygraph.web.kinds.place_picture import CountryTies, PlaceMap, PlacePicture, PlaceSummary
from citygraph.web.kinds.tenures import MayorTenure, read_mayors, years
from citygraph.web.kinds.ties import Point, Tie, point_of, read_ties, view_of
from citygraph.web.view.time_spans import span, span_between
from citygraph.web.view.values import Text, date

_COVERED = frozenset({CG("twinnedWith").value})
_COVERED_LINKS = frozenset(CG(name).value for name in ("party", "takesPlaceIn", "twinnedWith"))
# With more ties, their countries are listed next to the map, and the statements about the place below it.
_FEW = 16
_COUNTRIES = 22
_NUMBERS = 9  # of one country


def place(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a place that may be a party to agreements.

    Its further pages have the next ties.
    """
    iri, page = description.iri, description.page
    point = point_of(context.opened.things.facts(iri))
    ties = read_ties(context, iri, point, description)
    view = view_of(ties, context.view, context.at, context.translations.sort_key, page)
    picture = PlacePicture(context, view, _csv(context, iri))
    if page == 1:
        picture = _first_page(picture, iri, point, ties)
    covered, rows_at = _COVERED if ties else frozenset[str](), _rows_at(picture, ties)
    return Layout("", {}, covered, _COVERED_LINKS, rows_at, has_map=True, picture=picture.html)


def _rows_at(picture: PlacePicture, ties: Sequence[Tie]) -> RowsPlace:
    """Returns the position of the statements: next to a map without countries, or below the rest of the page."""
    if picture.map and not picture.map.by_country:
        return RowsPlace.IN_PICTURE
    return RowsPlace.HEADED if ties or picture.mayors or picture.events else RowsPlace.BELOW


def _first_page(picture: PlacePicture, iri: str, point: Point | None, ties: tuple[Tie, ...]) -> PlacePicture:
    """Returns the picture with what only the first page of a place has: the map, the sums, its mayors and events."""
    context = picture.context
    mayors = read_mayors(context, iri)
    here = context.table.link(iri)
    return picture._replace(
        map=_map(context, here, point, ties),
        mayors=mayors,
        offices=_offices(context, here.text, mayors),
        events=read_events(context, events_of_place(context, iri)),
    )


def _map(context: PageContext, here: Text, point: Point | None, ties: tuple[Tie, ...]) -> PlaceMap | None:
    """Returns the map and the sums of the requested date; without a date, ties that have ended are marked as such."""
    # The table has all ties, and marks those that were not valid.
    in_force = tuple(_on(tie, context.at) for tie in ties if not tie.validity)
    chart = chart_of(context, here, point, in_force if context.at else ties)
    if chart is None:
        return None
    by_country = _by_country(context, in_force) if len(in_force) > _FEW else ()
    return PlaceMap(chart, _summary(in_force), by_country[:_COUNTRIES], max(0, len(by_country) - _COUNTRIES))


def _on(tie: Tie, day: str) -> Tie:
    """Returns a tie as of a date: a later protocol is not yet signed, and a later end does not count."""
    if not day:
        return tie
    signed = tuple(one for one in finest_first(tie.protocols) if (period_of(one) or ("",))[0] <= day)
    return tie._replace(protocols=signed, in_force=True)


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
    return f"{context.addresses.path('queries/partners')}?city={value_in_query(iri)}&format=csv"


def _offices(context: PageContext, name: str, mayors: Sequence[MayorTenure]) -> tuple[Markup, Markup] | None:
    """Draws the mayors on a timeline, in two sizes for wide and narrow screens."""
    # A tenure without any date has no place on a timeline.
    bars = tuple([bar for tenure in mayors if (bar := _bar(context, tenure))])
    return years(context, [Lane("", bars)], context.translations("Mayors of {name}", name=name), "mayors")


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
