"""The picture of a place as HTML: its map and sums, its ties, its mayors and events. Functions are faster than
templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from citygraph.text import escaped
from citygraph.web.kinds.acts import Event
from citygraph.web.kinds.drawing import Chart
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.kinds.tenures import MayorTenure
from citygraph.web.kinds.tie_table import tie_section
from citygraph.web.kinds.ties import Tie, TieView
from citygraph.web.view.cells import PropertyRow
from citygraph.web.view.frame import Frame
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.statement_html import StatementHtml
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, date, number


class PlaceSummary(NamedTuple):
    """The number of partners, the number of their countries, and the first year."""

    partners: int
    countries: int
    first: str


class CountryTies(NamedTuple):
    """The ties to one country; `more` ties are left out."""

    country: Text
    ties: tuple[Tie, ...]
    more: int


class PlaceMap(NamedTuple):
    """The map of a place with its sums, and the ties by country, of which `rest` countries are left out."""

    chart: Chart
    sums: PlaceSummary
    by_country: tuple[CountryTies, ...]
    rest: int


class PlacePicture(NamedTuple):
    """What the page of a place shows above its statements. Further pages have only the ties.

    `csv` is the address of the table of ties as CSV, `offices` the timeline of the mayors in two sizes.
    """

    context: PageContext
    view: TieView
    csv: str
    map: PlaceMap | None = None
    mayors: tuple[MayorTenure, ...] = ()
    offices: tuple[Markup, Markup] | None = None
    events: tuple[Event, ...] = ()

    def html(self, rows: Sequence[PropertyRow], frame: Frame, reader: PageRequest) -> str:
        """Returns the picture as HTML; with a map that lists no countries, it includes the statements."""
        _ = self.context.translations
        parts = [_map_html(self.map, rows, self.context)] if self.map else []
        if self.view.total:
            # Nearly all places have one page of ties.
            part, macros = self.view.part, frame.macros("macros.html") if self.view.part.pages > 1 else None
            turns = str(macros.turns(part, reader, "ties")) if macros else ""  # type: ignore[attr-defined]
            parts.append(tie_section(self.view, _, self.context.addresses, self.csv, turns))
        if self.mayors:
            parts.append(_mayors_html(self.mayors, self.offices, _))
        if self.events:
            listed = frame.macros("kinds/events.html").events(self.events)  # type: ignore[attr-defined]
            parts.append(_events_html(str(listed), len(self.events), _))
        return "".join(parts)


def _events_html(listed: str, count: int, _: Translations) -> str:
    name = escaped(_("Events"))
    heading = f'<h2>{name} <span class="count">{number(str(count), _)}</span></h2>'
    return f'<section class="events">\n{heading}\n{listed}\n</section>\n'


def _map_html(shown: PlaceMap, rows: Sequence[PropertyRow], context: PageContext) -> str:
    _, chart = context.translations, shown.chart
    near = caption = beside = ""
    if chart.near:
        text = escaped(_("The nearer half of the partners; the table lists the others."))
        near, caption = f'<div class="near">{chart.near}</div>', f'<p class="caption near">{text}</p>'
    if shown.by_country:
        beside = _countries_html(shown, context)
    elif rows:
        heading = escaped(_("Statements about it"))
        beside = f'<h2 class="unseen">{heading}</h2>\n{StatementHtml(_).register(rows)}\n'
    return (
        '<div class="atlas place" data-atlas>\n<figure class="mapped">\n'
        f'<div class="{"whole" if near else "only"}">{chart.whole}</div>\n{near}<figcaption>\n'
        f"{chart.key}\n{caption}</figcaption>\n</figure>\n"
        f'<div class="beside">\n{_sums_html(shown.sums, _)}{beside}</div>\n</div>\n'
    )


def _sums_html(sums: PlaceSummary, _: Translations) -> str:
    partners = escaped(_.count("partner", "partners", sums.partners))
    countries = escaped(_("country") if sums.countries == 1 else _("countries"))
    first = ""
    if sums.first:
        name = escaped(_("first"))
        first = f"<div><dt>{name}</dt><dd>{escaped(date(sums.first, _))}</dd></div>"
    return (
        f'<dl class="sums">\n<div><dt>{partners}</dt><dd>{number(str(sums.partners), _)}</dd></div>\n'
        f"<div><dt>{countries}</dt><dd>{number(str(sums.countries), _)}</dd></div>\n{first}</dl>\n"
    )


def _countries_html(shown: PlaceMap, context: PageContext) -> str:
    """Returns the ties by country, each with its number."""
    _, local = context.translations, context.addresses.local
    listed = rest = ""
    for country, ties, more in shown.by_country:
        numbers = "".join(
            [
                f'<a class="num" data-n="{tie.number}" href="{escaped(local(tie.agreement))}" '
                f'title="{escaped(tie.name.text)}">{tie.number}</a>'
                for tie in ties
            ]
        )
        others = f'<span class="num">+{number(str(more), _)}</span>' if more else ""
        listed += f'<li><span>{country.__html__()}</span><span class="nums">{numbers}{others}</span></li>\n'
    if shown.rest:
        text = _.count("{number} more country in the table", "{number} more countries in the table", shown.rest)
        rest = f'<p class="more"><a href="#ties">{escaped(text)}</a></p>'
    heading = escaped(_("By country"))
    return f'<h2 class="unseen">{heading}</h2>\n<ol class="legend by-country">\n{listed}</ol>\n{rest}'


def _mayors_html(mayors: Iterable[MayorTenure], offices: tuple[Markup, Markup] | None, _: Translations) -> str:
    timeline = ""
    if offices:
        whole, near = offices
        timeline = f'<figure class="mapped"><div class="whole">{whole}</div><div class="near">{near}</div></figure>'
    heading, columns = _words_of_mayors(_.language)
    rows = "".join([_mayor_html(mayor, _) for mayor in mayors])
    return (
        f'<section class="offices">\n<h2>{heading}</h2>\n{timeline}<table class="holdings">\n'
        f"<thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )


@cache
def _words_of_mayors(language: str) -> tuple[str, str]:
    """Returns the heading and the column headings of the table of mayors."""
    _ = Translations(language)
    columns = (_("Mayor"), _("Start"), _("End"), _("In office on"))
    return escaped(_("Mayors")), "".join([f'<th scope="col">{escaped(column)}</th>' for column in columns])


def _mayor_html(mayor: MayorTenure, _: Translations) -> str:
    faint = standing = ""
    if mayor.validity:
        faint, standing = ' class="faint"', f' <span class="standing">{escaped(mayor.validity)}</span>'
    unknown = escaped(_("ended, date unknown")) if mayor.has_unknown_end else ""
    shown = ", ".join([one.as_html(_) for one in mayor.attestations])
    return (
        f'<tr{faint}>\n<th scope="row">{mayor.holder.__html__()}{standing}</th>\n'
        f'<td class="date">{_day_html(mayor.start, _)}</td>\n<td class="date">{_day_html(mayor.end, _, unknown)}</td>\n'
        f"<td>{shown}</td>\n</tr>\n"
    )


def _day_html(lexical: str, _: Translations, otherwise: str = "") -> str:
    if lexical:
        return f'<time datetime="{escaped(lexical)}">{escaped(date(lexical, _))}</time>'
    none = escaped(_("not given"))
    return otherwise or f'<span class="none">{none}</span>'
