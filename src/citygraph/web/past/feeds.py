"""What crawlers and followers read: sitemap, robots.txt, the Atom feed and the Linked Data Event Stream."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request
from pyoxigraph import Quad, Triple

from citygraph.errors import Gone, NotFound
from citygraph.products import feeds
from citygraph.release import Release
from citygraph.web.answering.answers import not_known
from citygraph.web.answering.forwarded import public_root
from citygraph.web.answering.replies import FOR_EVER, FRESH, GRAPHS, Offer, chosen, reply
from citygraph.web.past.differences import written_as
from citygraph.web.past.era import Past

_XML = Offer("xml", "application/xml")
_ATOM = Offer("atom", "application/atom+xml; charset=utf-8")
_TEXT = Offer("txt", "text/plain; charset=utf-8")
_ENTRIES = 50
# What costs more to make than a crawler's reader gains; releases say again what the site says.
_NOT_FOR_CRAWLERS = ("/sparql", "/update", "/graphs", "/timegate/", "/timemap/", "/cite/", "/releases/*/",
                     "/explore?", "/network?", "/suggest", "/*?history", "/*?_cite=", "/*?page=")  # fmt: skip


class Feeds:
    """The addresses; `blueprint` mounts them."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._pages: tuple[str, list[str]] = ("", [])

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("feeds", __name__)
        for name, rule, view in (
            ("sitemap", "/sitemap.xml", self.sitemap),
            ("sitemap-part", "/sitemap-<int:part>.xml", self.sitemap),
            ("robots", "/robots.txt", self.robots),
            ("atom", "/feed", self.atom),
            ("stream", "/feed/ldes", self.stream),
            ("stream-page", "/feed/ldes/<name>/<int:page>", self.changes),
        ):
            blueprint.add_url_rule(rule, name, view, methods=["GET"])
        return blueprint

    def sitemap(self, part: int | None = None) -> Response:
        """Every page of the site, or an index of the parts of that list. Raises NotFound if there is no such part."""
        release = self._past.opened(request.environ).release
        body = feeds.sitemap(self._addresses(release), self._root(), release.manifest.created, part)
        if body is None:
            raise not_known(request.path[1:])
        return reply(request, body, _XML)

    def robots(self) -> Response:
        """What crawlers had better leave, and where the sitemap is."""
        root = self._past.root(request.environ)
        prefix = root.partition("://")[2].partition("/")[1:]
        path = "".join(prefix).rstrip("/")
        lines = ["User-agent: *", *(f"Disallow: {path}{left}" for left in _NOT_FOR_CRAWLERS), "",
                 f"Sitemap: {root}/sitemap.xml", ""]  # fmt: skip
        return reply(request, "\n".join(lines), _TEXT, cache="public, max-age=3600")

    def atom(self) -> Response:
        """The newest releases, and what changed with each."""
        newest = self._newest()[:_ENTRIES]
        return reply(request, feeds.atom(newest, self._root()), _ATOM)

    def stream(self) -> Response:
        """The view of the event stream: where the changes of each release begin."""
        return self._ldes(feeds.ldes_root(self._newest(), self._root()))

    def changes(self, name: str, page: int) -> Response:
        """A page of the changes of a release. Raises Gone if the release is no longer kept, NotFound."""
        release = self._past.timeline.get(name)
        if release is None and self._past.timeline.is_pruned(name):
            raise Gone(f"the release {name} is no longer kept, and neither are its changes")
        found = feeds.ldes_page(release, page, self._root()) if release else None
        if found is None:
            raise NotFound(f"there is no page {page} of the changes of a release {name}")
        return self._ldes(found)

    def _ldes(self, page: feeds.LdesPage) -> Response:
        offer = chosen(request, GRAPHS)
        body = written_as(_quads(page.triples), offer)
        return reply(request, body, offer, cache=FOR_EVER if page.is_immutable else FRESH)

    def _addresses(self, release: Release) -> list[str]:
        """The pages of a release, found once."""
        known, pages = self._pages
        if known != release.id:
            pages = feeds.addresses(self._past.timeline.store(release))
            self._pages = (release.id, pages)
        return pages

    def _newest(self) -> list[Release]:
        return list(reversed(self._past.timeline.releases()))

    def _root(self) -> str:
        return public_root(request.environ, self._past.settings.trusted_proxies) + "/"


def _quads(triples: Iterable[Triple]) -> list[Quad]:
    return [Quad(triple.subject, triple.predicate, triple.object) for triple in triples]
