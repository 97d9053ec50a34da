"""/preview/{type}/{slug}.png: the picture that other sites show of a page, drawn from what the page tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from markupsafe import Markup
from pyoxigraph import Literal

from citygraph import __version__
from citygraph.charts.card import card, card_life, card_map, is_blank, png, probe
from citygraph.charts.lifeline import Moment
from citygraph.charts.map import MapMark
from citygraph.charts.projection import GeoPoint as MapPoint
from citygraph.errors import NotFound
from citygraph.graph.description import Description, describe, says
from citygraph.rdf.terms import CG, RDF, SCHEMA
from citygraph.settings import Settings
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.assets import BUILT, STATIC, read_assets
from citygraph.web.http.messages import RELEASE, modified, not_known
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import FOR_EVER, FRESH
from citygraph.web.kinds.drawing import age_of, land, partners_of
from citygraph.web.kinds.page_context import Ground
from citygraph.web.kinds.ties import Tie, read_ties
from citygraph.web.view.release_cache import Shelf, opened_release
from citygraph.web.view.statement_table import Registrar
from citygraph.web.view.time_spans import span, year_of
from citygraph.web.view.translations import Words
from citygraph.web.view.values import date

_PLACES = frozenset(CG(name).value for name in ("City", "AdministrativeArea"))
_AGREEMENT = CG("Agreement").value
_DATES = (("act", "councilActDate"), ("protocol", "protocolDate"), ("end", "endDate"))
_MOST_RAYS = 400


def mount_cards(app: Flask, settings: Settings, shelf: Shelf) -> None:
    """Add /preview/ to the site."""
    app.register_blueprint(Cards(settings, shelf).blueprint())


class Cards:
    """The address; a card is drawn anew each time, for those who ask keep it."""

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._settings = settings
        self._shelf = shelf

    def blueprint(self) -> Blueprint:
        """The address."""
        blueprint = Blueprint("cards", __name__)
        blueprint.add_url_rule("/preview/<path:name>.png", "card", self.card, methods=["GET"])
        return blueprint

    def card(self, name: str) -> Response:
        """The card of a thing. Raises NotFound if there is none, or this machine has no letters and it no picture."""
        opened, language = opened_release(self._shelf), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        iri = addresses.thing(f"doc/{name}")
        if not says(opened.quick, iri):
            raise not_known(request.path[1:])
        fonts = _fonts()
        said = "\0".join((opened.release.id, __version__, iri, language, *(font.name for font in fonts)))
        response = Response(content_type="image/png")
        response.set_etag(hashlib.blake2b(said.encode(), digest_size=15).hexdigest())
        response.headers["Cache-Control"] = FOR_EVER if RELEASE in request.environ else FRESH
        response.headers["Vary"] = "Accept-Language"
        response.headers["Content-Language"] = language
        response.last_modified = modified(opened.release)
        if not request.if_none_match.contains(response.get_etag()[0] or ""):
            words = Words(language)
            today = opened.release.manifest.created[:10]
            registrar = Registrar(opened, words, addresses)
            drawn = drawn_card(Ground(opened, words, addresses, registrar, today=today), iri, _has_letters())
            response.set_data(png(drawn, fonts))
        return response.make_conditional(request)  # type: ignore[return-value]


def drawn_card(ground: Ground, iri: str, letters: bool = True) -> str:
    """The card as SVG. Raises NotFound where there are neither letters nor a picture."""
    opened = ground.opened
    description = describe(opened.quick, iri, opened.labels, ordered=opened.store)
    types = {value.iri for value in description.values(RDF("type").value)}
    picture, beside = Markup(), False
    facts: list[str] = []
    if types & _PLACES:
        picture, facts = _place(ground, description)
        beside = True
    elif _AGREEMENT in types or "/agreement/" in iri:
        picture, facts = _agreement(ground, description)
    if not letters:
        if not picture:
            raise NotFound("this machine has no fonts to write a preview with, and there is nothing to draw")
        return card("", "", (), picture, beside)
    title = ground.registrar.link(iri).text
    countries = [ground.registrar.link(value.iri).text for value in description.values(CG("country").value)]
    kind = ", ".join(filter(None, [ground.registrar.kind(description.statements), *countries]))
    return card(title, kind[:1].upper() + kind[1:], facts, picture, beside and bool(picture))


def _place(ground: Ground, description: Description) -> tuple[Markup, list[str]]:
    point = _point(description)
    ties = read_ties(ground, description.iri, point)
    number = len(list(partners_of(ties)))
    facts = [ground.words.count("{number} partner", "{number} partners", number)] if number else []
    if first := min((tie.year for tie in ties if tie.year), default=""):
        facts.append(ground.words("since {year}", year=first))
    if point is None:
        return Markup(), facts
    here = MapMark(0, "", MapPoint(*point))
    return card_map(here, list(_rays(ties))[:_MOST_RAYS], land()), facts


def _rays(ties: Sequence[Tie]) -> Iterator[MapMark]:
    for tie in ties:
        for partner in tie.partners:
            if partner.point:
                yield MapMark(0, "", MapPoint(*partner.point), kind=partner.kind, state=tie.state, age=age_of(tie),
                           ended=bool(tie.ends))  # fmt: skip


def _agreement(ground: Ground, description: Description) -> tuple[Markup, list[str]]:
    dated = [(kind, lexical) for kind, name in _DATES for lexical in _lexicals(description, CG(name).value)[:1]]
    moments = [Moment(kind, "", when) for kind, lexical in dated if (when := span(lexical))]
    words = ground.words
    names = {"act": words("Council act"), "protocol": words("Protocol"), "end": words("End")}
    facts = [" · ".join(f"{names[kind]} {date(lexical, words)}" for kind, lexical in dated)] if dated else []
    if not moments:
        return Markup(), facts
    return card_life(moments, max(year_of(ground.today), *(moment.when.end for moment in moments))), facts


def _lexicals(description: Description, predicate: str) -> list[str]:
    """The dates that are given, the most precise first."""
    found = {value.term.value for value in description.values(predicate) if isinstance(value.term, Literal)}
    return sorted(found, key=lambda lexical: (-len(lexical), lexical))


def _point(description: Description) -> tuple[float, float] | None:
    found = (description.values(SCHEMA(name).value) for name in ("latitude", "longitude"))
    try:
        latitude, longitude = (float(values[0].term.value) for values in found)
    except (IndexError, ValueError):
        return None
    return latitude, longitude


@cache
def _fonts() -> tuple[Path, ...]:
    """The fonts that Node built; without them the system's are taken, if it has any."""
    entries = read_assets().entries
    return tuple(STATIC / BUILT / file for name, file in sorted(entries.items()) if name.startswith("cards/"))


@cache
def _has_letters() -> bool:
    return not is_blank(probe(), _fonts())
