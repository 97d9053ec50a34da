"""/network: cities and agreements as a graph: the whole, a city with its partners and theirs, the way between two."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, request

from citygraph.listing.network import MOST_WHOLE, Part, Tie, around, between, whole
from citygraph.listing.read import Listed, Listing
from citygraph.settings import Settings
from citygraph.text import collation_key
from citygraph.web.answering.addresses import Addresses
from citygraph.web.answering.replies import HTML, JSON, chosen, reply
from citygraph.web.answering.shelf import OpenRelease, Shelf
from citygraph.web.finding.lookups import Lookups
from citygraph.web.finding.netdrawing import network_of
from citygraph.web.finding.search import SearchPages, opened_release
from citygraph.web.pages.readers import reader_of
from citygraph.web.pages.render import Reader
from citygraph.web.pages.values import Text

_LONGEST = 200
_PLACES = ("city", "area", "country")
_MOST_LISTED = 300  # of what is left out of the picture
_MOST_ROWS = 200  # of the table beside it


@dataclass(frozen=True)
class Asked:
    """A place that somebody named: what was typed, and what it is; `iri` is empty if nothing has this name."""

    typed: str
    iri: str = ""
    name: str = ""


@dataclass(frozen=True)
class TieRow:
    """A tie in the table: both places, the agreements with their first dates, and whether a protocol is signed."""

    one: Text
    other: Text
    agreements: tuple[tuple[Text, str, str], ...]


@dataclass(frozen=True)
class View:
    """What the page shows: which of its four sights, the part of the graph, and in how many ways it can be gone."""

    sight: str
    part: Part
    ways: int = 0


def mount_network(app: Flask, settings: Settings, shelf: Shelf, lookups: Lookups, pages: SearchPages) -> None:
    """Add /network to the site."""
    app.register_blueprint(Network(settings, shelf, lookups, pages).blueprint())


class Network:
    """The graph of ties of a release."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups, pages: SearchPages) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups
        self._pages = pages

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("network", __name__)
        blueprint.add_url_rule("/network", "network", self.show, methods=["GET"])
        blueprint.add_url_rule("/network.<extension>", "network-as", self.show, methods=["GET"])
        return blueprint

    def show(self, extension: str = "") -> Response:
        """The whole; ?city= and its partners; the shortest way ?from= one ?to= another. Names or identifiers."""
        offer = chosen(request, (HTML, JSON), extension)
        opened, reader = opened_release(self._shelf), reader_of(request, self._settings)
        city, start, end = (self._asked(opened, request.args.get(n, ""), reader) for n in ("city", "from", "to"))
        view = _view(opened.listing, city, start, end)
        listed = opened.listing.named({*view.part.places, *(a for tie in view.part.ties for a in tie.agreements)})
        if offer is JSON:
            return reply(request, _as_json(view, listed), JSON)
        left = [iri for ring in view.part.left for iri in ring]
        names = opened.listing.named(left[:_MOST_LISTED])
        page = self._pages.page(
            "network.html", reader, opened.release, view=view, part=view.part, city=city, start=start, end=end,
            picture=network_of(view.sight, view.part, listed, reader), most=MOST_WHOLE,
            rows=[_row(tie, listed, reader) for tie in view.part.ties[:_MOST_ROWS]],
            ring=[_text(listed[iri], reader) for iri in view.part.places],
            left=_by_name([_text(one, reader) for one in names.values()]), left_count=len(left),
            places=len(opened.listing.ties.neighbours), here=reader.addresses.path("network"),
        )  # fmt: skip
        return reply(request, page, HTML, reader.words.language)

    def _asked(self, opened: OpenRelease, typed: str, reader: Reader) -> Asked:
        """The place of this identifier, or else the best of this name."""
        typed = typed.strip()[:_LONGEST]
        iri = _identified(typed, reader.addresses)
        found = opened.listing.named([iri]).get(iri) if iri else None
        if found is None and typed:
            lookup = self._lookups.of(opened.release)
            hit = next((hit for kind in _PLACES for hit in lookup.find(typed, 1, kind)), None)
            found = opened.listing.named([hit.entity]).get(hit.entity) if hit else None
        return Asked(typed, found.iri, found.name(reader.words.language)) if found else Asked(typed)


def _view(listing: Listing, city: Asked, start: Asked, end: Asked) -> View:
    if start.iri and end.iri:
        return View("way", between(listing.ties, start.iri, end.iri), listing.ties.ways(start.iri, end.iri))
    if start.typed or end.typed:
        return View("asked", Part((), ()))
    if city.typed:
        return View("around", around(listing.ties, city.iri)) if city.iri else View("asked", Part((), ()))
    return View("whole", whole(listing.ties))


def _identified(typed: str, addresses: Addresses) -> str:
    kind, slash, slug = typed.partition("/")
    return addresses.iri(f"id/{typed}") if slash and slug and kind in _PLACES else ""


def _row(tie: Tie, listed: dict[str, Listed], reader: Reader) -> TieRow:
    agreements = [listed[iri] for iri in tie.agreements]
    return TieRow(_text(listed[tie.one], reader), _text(listed[tie.other], reader),
                  tuple((_text(one, reader), one.since, one.protocol) for one in agreements))  # fmt: skip


def _text(one: Listed, reader: Reader) -> Text:
    return Text(one.name(reader.words.language), "", reader.addresses.local(one.iri))


def _by_name(texts: Iterable[Text]) -> list[Text]:
    return sorted(texts, key=lambda text: collation_key(text.text))


def _as_json(view: View, listed: dict[str, Listed]) -> str:
    nodes = [{"iri": iri, "label": listed[iri].label, "ring": ring} for ring, places in enumerate(view.part.rings)
             for iri in places]  # fmt: skip
    edges = [{"from": tie.one, "to": tie.other, "agreements": list(tie.agreements)} for tie in view.part.ties]
    answer = {"sight": view.sight, "places": view.part.count, "nodes": nodes, "edges": edges,
              **({"ways": view.ways} if view.sight == "way" else {})}  # fmt: skip
    return json.dumps(answer, ensure_ascii=False) + "\n"
