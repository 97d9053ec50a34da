"""Pictures: /preview/{type}/{slug}.png, which other sites show for a page, and /land/…svg, the land of a map."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from markupsafe import Markup
from pyoxigraph import Literal

from citygraph import __version__
from citygraph.charts.card import card, card_life, card_map, is_blank, png, probe
from citygraph.charts.lifeline import Moment
from citygraph.charts.map import MapMark, land_file, view_of
from citygraph.charts.projection import GeoPoint
from citygraph.errors import NotFound
from citygraph.graph.description import Description, describe, has_statements
from citygraph.instance import current_instance
from citygraph.rdf.partial_dates import chronological
from citygraph.rdf.terms import CG, RDF, SCHEMA
from citygraph.settings import Settings
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.assets import BUILT, STATIC, read_assets
from citygraph.web.http.bodies import SMALLEST, compress
from citygraph.web.http.messages import (
    FOR_EVER,
    FRESH,
    Reply,
    Request,
    coded_tag,
    http_date,
    is_unmodified,
    modified,
    not_known,
)
from citygraph.web.http.negotiation import encoding, reader_language
from citygraph.web.kinds.drawing import age_of, land, land_version, partners_of
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.kinds.ties import Tie, read_ties
from citygraph.web.view.release_cache import ReleaseCache
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.time_spans import span, year_of
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import date

_PLACES = frozenset(CG(name).value for name in ("City", "AdministrativeArea"))
_AGREEMENT = CG("Agreement").value
_DATES = (("act", "councilActDate"), ("protocol", "protocolDate"), ("start", "startDate"), ("end", "endDate"))
# More lines are indistinguishable in a picture of this size.
_MOST_RAYS = 400


class Cards:
    """The preview images; they are drawn on each request and cached by clients."""

    def __init__(self, settings: Settings, cache: ReleaseCache) -> None:
        self._settings = settings
        self._cache = cache

    def card(self, request: Request, name: str) -> Reply:
        """Returns the image of an entity.

        Raises NotFound if there is no such entity, or neither fonts nor a chart for it.
        """
        opened, language = self._cache.of_request(request), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        iri = addresses.thing(f"doc/{name}")
        if not has_statements(opened.quick, iri):
            raise not_known(request.path[1:])
        fonts = _fonts()
        # The ETag names everything that the drawing depends on, fonts included.
        version = "\0".join((opened.release.id, __version__, iri, language, *(font.name for font in fonts)))
        tag = hashlib.blake2b(version.encode(), digest_size=15).hexdigest()
        headers = [
            ("ETag", coded_tag(tag, None)),
            ("Cache-Control", FOR_EVER if request.release else FRESH),
            ("Vary", "Accept-Language"),
            ("Content-Language", language),
            ("Last-Modified", http_date(modified(opened.release))),
        ]
        if is_unmodified(request, tag, modified(opened.release)):
            return Reply(304, headers)
        translations = Translations(language)
        table = StatementTable(opened, translations, addresses)
        today = opened.release.manifest.created[:10]
        drawn = drawn_card(PageContext(opened, translations, addresses, table, today=today), iri, _has_letters())
        return Reply(200, [*headers, ("Content-Type", "image/png")], png(drawn, fonts))

    def land(self, request: Request, version: str, view: str) -> Reply:
        """Returns the land of the maps of one view. Raises NotFound if there is no such view.

        The address has the version of the outlines, so that a client may keep the file permanently.
        """
        # First, because the tag in the headers contains the name.
        azimuthal = view_of(view)
        if azimuthal is None:
            raise not_known(request.path[1:])
        is_current = version == land_version()
        headers = [
            ("ETag", coded_tag(f"{land_version()}-{view}", None)),
            ("Cache-Control", FOR_EVER if is_current else FRESH),
            ("Content-Type", "image/svg+xml; charset=utf-8"),
            ("Vary", "Accept-Encoding"),
        ]
        if is_unmodified(request, f"{land_version()}-{view}"):
            return Reply(304, headers)
        body, coding = land_file(azimuthal, land()).encode(), encoding(request.header("Accept-Encoding"))
        if coding and len(body) >= SMALLEST:
            body = compress(body, coding)
            headers[0] = ("ETag", coded_tag(f"{land_version()}-{view}", coding))
            headers.append(("Content-Encoding", coding))
        return Reply(200, headers, body)


def drawn_card(context: PageContext, iri: str, letters: bool = True) -> str:
    """Returns the preview image as SVG; without `letters`, it has only the chart.

    Raises NotFound if there is no chart either.
    """
    opened = context.opened
    description = describe(opened.quick, iri, opened.labels, ordered=opened.store)
    types = {value.iri for value in description.values(RDF("type").value)}
    picture, beside = Markup(), False
    facts_by_subject: list[str] = []
    if types & _PLACES:
        picture, facts_by_subject = _place(context, description)
        beside = True
    elif _AGREEMENT in types or "/agreement/" in iri:
        picture, facts_by_subject = _agreement(context, description)
    # Without fonts every text would be blank: only a chart is worth a picture.
    if not letters:
        if not picture:
            raise NotFound("this machine has no fonts to write a preview with, and there is nothing to draw")
        return card("", "", (), picture, beside)
    title = context.table.link(iri).text
    countries = [context.table.link(value.iri).text for value in description.values(CG("country").value)]
    kind = ", ".join(filter(None, [context.table.kind(description.statements), *countries]))
    site = current_instance().title_in(context.translations.language)
    return card(title, kind[:1].upper() + kind[1:], facts_by_subject, picture, beside and bool(picture), site)


def _place(context: PageContext, description: Description) -> tuple[Markup, list[str]]:
    point = _point(description)
    ties = read_ties(context, description.iri, point)
    number = len(list(partners_of(ties)))
    facts_by_subject = [context.translations.count("{number} partner", "{number} partners", number)] if number else []
    if first := min((tie.year for tie in ties if tie.year), key=chronological, default=""):
        facts_by_subject.append(context.translations("since {year}", year=date(first, context.translations)))
    if point is None:
        return Markup(), facts_by_subject
    here = MapMark(0, "", GeoPoint(*point))
    return card_map(here, list(_rays(ties))[:_MOST_RAYS], land()), facts_by_subject


def _rays(ties: Sequence[Tie]) -> Iterator[MapMark]:
    for tie in ties:
        for partner in tie.partners:
            if partner.point:
                yield MapMark(
                    0,
                    "",
                    GeoPoint(*partner.point),
                    kind=partner.kind,
                    state=tie.state,
                    age=age_of(tie),
                    ended=not tie.in_force,
                )


def _agreement(context: PageContext, description: Description) -> tuple[Markup, list[str]]:
    dated = [(kind, lexical) for kind, name in _DATES for lexical in _lexicals(description, CG(name).value)[:1]]
    moments = [Moment(kind, "", when) for kind, lexical in dated if (when := span(lexical))]
    _ = context.translations
    names = {"act": _("Council act"), "protocol": _("Protocol"), "start": _("Start"), "end": _("End")}
    facts_by_subject = [" · ".join(f"{names[kind]} {date(lexical, _)}" for kind, lexical in dated)] if dated else []
    if not moments:
        return Markup(), facts_by_subject
    return card_life(moments, max(year_of(context.today), *(moment.when.end for moment in moments))), facts_by_subject


def _lexicals(description: Description, predicate: str) -> list[str]:
    """Returns the dates, the most precise first."""
    dates = {value.term.value for value in description.values(predicate) if isinstance(value.term, Literal)}
    return sorted(dates, key=lambda lexical: (-len(lexical), lexical))


def _point(description: Description) -> tuple[float, float] | None:
    coordinates = (description.values(SCHEMA(name).value) for name in ("latitude", "longitude"))
    try:
        latitude, longitude = (float(values[0].term.value) for values in coordinates)
    except (IndexError, ValueError):
        return None
    return latitude, longitude


@cache
def _fonts() -> tuple[Path, ...]:
    """Returns the fonts that Node built; without them, the renderer uses those of the system."""
    entries = read_assets().entries
    return tuple(STATIC / BUILT / file for name, file in sorted(entries.items()) if name.startswith("cards/"))


# Rendering a probe is slow, and fonts do not change while the process runs.
@cache
def _has_letters() -> bool:
    return not is_blank(probe(), _fonts())
