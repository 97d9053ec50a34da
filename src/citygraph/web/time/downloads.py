"""Whole files of a release: its description, dumps and tables; and its feeds: sitemap, robots.txt, Atom, LDES."""

from __future__ import annotations

import json

from pyoxigraph import Quad

from citygraph.build import feeds
from citygraph.build.packages import croissant
from citygraph.errors import Gone, NotFound
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind, named, of_kind
from citygraph.rdf.terms import LICENSE
from citygraph.release.outputs import CSVW, DUMPS, PACKAGE
from citygraph.release.releases import Release
from citygraph.web.http.addresses import public_root
from citygraph.web.http.file_replies import FileSender
from citygraph.web.http.messages import Reply, Request, modified, not_known, redirection
from citygraph.web.http.replies import FOR_EVER, FRESH, GRAPHS, HTML, JSON, Variant, chosen, reply
from citygraph.web.time.release_differences import written_as
from citygraph.web.time.release_site import ReleaseSite

_TYPES = {offer.path: offer.content_type for offer in (*DUMPS, PACKAGE, CSVW)}
_BY_END = {"csv": "text/csv; charset=utf-8; header=present", "parquet": "application/vnd.apache.parquet"}
_XML = Variant("xml", "application/xml")
_ATOM = Variant("atom", "application/atom+xml; charset=utf-8")
_CROISSANT = Variant("json", "application/ld+json")
_TEXT = Variant("txt", "text/plain; charset=utf-8")
_FEED_ENTRIES = 50
# Addresses that are expensive to make, or that repeat the pages of the site.
_NOT_FOR_CRAWLERS = (
    "/sparql",
    "/update",
    "/graphs",
    "/timegate/",
    "/timemap/",
    "/cite/",
    "/releases/*/",
    "/explore?",
    "/network?",
    "/suggest",
    "/*?history",
    "/*?_cite=",
    "/*?page=",
)


def _as_query(path: str, built: Release) -> str | None:
    """Returns the address of a table in a format that is not a file of the release: that of its stored query.

    Citations have the address of a table without a format.
    """
    stem, _, extension = path.partition(".")
    is_table = path.startswith("tables/") and f"{stem}.csv" in built.manifest.outputs
    is_offered = not extension or extension == HTML.name or named(extension, of_kind(Kind.SOLUTIONS)) is not None
    return f"queries/{path}" if is_table and is_offered else None


class Downloads:
    """The views of descriptions and files."""

    def __init__(self, site: ReleaseSite, sender: FileSender) -> None:
        self._site = site
        self._sender = sender

    def void(self, request: Request) -> Reply:
        """Returns the dataset as VoID, DCAT and DQV; a browser is redirected to the page."""
        offer = chosen(request, (*GRAPHS, HTML))
        if offer is HTML:
            return redirection(self._site.reader(request).addresses.path("dataset"), 303)
        triples = self._site.opened(request.environ).about_dataset
        return reply(request, written_as((Quad(*triple) for triple in triples), offer), offer)

    def croissant(self, request: Request) -> Reply:
        """Returns the tables and dumps described in Croissant. Raises NotFound if there are none."""
        opened = self._site.opened(request.environ)
        root = public_root(request.environ, self._site.settings.trusted_proxies)
        described = croissant(self._built(opened.release), opened.store, root)
        if described is None:
            raise not_known(request.path[1:])
        return reply(request, json.dumps(described, ensure_ascii=False, indent=1) + "\n", _CROISSANT)

    def listed(self, request: Request) -> Reply:
        """Returns the files of a folder with sizes and checksums; a browser is redirected to the dataset's page."""
        offer = chosen(request, (JSON, HTML))
        addresses = self._site.reader(request).addresses
        if offer is HTML:
            return redirection(addresses.path("dataset"), 303)
        folder = request.path.strip("/") + "/"
        release = self._built(self._site.opened(request.environ).release)
        outputs = release.manifest.outputs
        files = [{"url": addresses.path(path), **facts} for path, facts in outputs.items() if path.startswith(folder)]
        return reply(request, json.dumps({"release": release.id, "files": files}, indent=1) + "\n", offer)

    def file(self, request: Request, name: str) -> Reply:
        """Returns a dump or a table, in parts by Range. Raises NotFound, RangeNotSatisfiable."""
        del name  # the path of the request has the folder too
        release = self._site.opened(request.environ).release
        path = request.path[1:]
        # Commits make no files, so the files of their releases are those of the last build before.
        built = self._built(release)
        if built is not release and path in built.manifest.outputs:
            return redirection(f"{self._site.root(request.environ)}/releases/{built.id}/{path}", 307)
        facts = release.manifest.outputs.get(path)
        if facts is None:
            if (query := _as_query(path, built)) is not None:
                root = public_root(request.environ, self._site.settings.trusted_proxies)
                return redirection(f"{root}/{query}" + (f"?{request.query}" if request.query else ""), 307)
            raise not_known(path)
        headers = [
            ("Content-Type", _type(path)),
            ("Content-Disposition", f"attachment; filename={_download_name(release, path)}"),
            ("Cache-Control", FRESH),
        ]
        response = self._sender.reply(request, release.path / path, headers, str(facts["sha256"]), modified(release))
        dataset = self._site.reader(request).addresses.path("dataset")
        response.append("Link", f'<{LICENSE.value}>; rel="license"')
        response.append("Link", f'<{dataset}>; rel="collection describedby"')
        return response

    def _built(self, release: Release) -> Release:
        """Returns the release itself, or its nearest ancestor that has files."""
        ancestor: Release | None = release
        while ancestor is not None and not ancestor.manifest.outputs:
            ancestor = self._site.timeline.get(ancestor.manifest.parent or "")
        return ancestor or release


def _type(path: str) -> str:
    return _TYPES.get(path) or _BY_END.get(path.rpartition(".")[2], "application/octet-stream")


def _download_name(release: Release, path: str) -> str:
    """Returns the name to save a file under: it contains the release, so that two never overwrite each other."""
    stem, dot, ending = path.rpartition("/")[2].partition(".")
    return f"{stem}-{release.id}{dot}{ending}"


class Feeds:
    """The views of sitemap, robots.txt, Atom feed and event stream."""

    def __init__(self, site: ReleaseSite) -> None:
        self._site = site
        self._pages: tuple[str, list[str]] = ("", [])

    def sitemap(self, request: Request, part: int | None = None) -> Reply:
        """Returns the sitemap, or the index of its parts. Raises NotFound if the part does not exist."""
        release = self._site.opened(request.environ).release
        body = feeds.sitemap(self._addresses(release), self._root(request), release.manifest.created, part)
        if body is None:
            raise not_known(request.path[1:])
        return reply(request, body, _XML)

    def robots(self, request: Request) -> Reply:
        """Returns the rules for crawlers, with the address of the sitemap."""
        root = self._site.root(request.environ)
        # Rules of robots.txt begin at the host, which the site may share with others.
        path = "".join(root.partition("://")[2].partition("/")[1:]).rstrip("/")
        rules = "\n".join(f"Disallow: {path}{pattern}" for pattern in _NOT_FOR_CRAWLERS)
        text = f"User-agent: *\n{rules}\n\nSitemap: {root}/sitemap.xml\n"
        return reply(request, text, _TEXT, cache="public, max-age=3600")

    def atom(self, request: Request) -> Reply:
        """Returns the newest releases with a summary of their changes, as Atom."""
        newest = self._newest()[:_FEED_ENTRIES]
        return reply(request, feeds.atom(newest, self._root(request), current_instance()), _ATOM)

    def stream(self, request: Request) -> Reply:
        """Returns the root of the event stream, which links to the first page of each release."""
        return self._ldes(request, feeds.ldes_root(self._newest(), self._root(request)))

    def changes(self, request: Request, name: str, page: int) -> Reply:
        """Returns a page of the changes of a release. Raises Gone if the release is no longer kept, or NotFound."""
        release = self._site.timeline.get(name)
        if release is None and self._site.timeline.is_pruned(name):
            raise Gone(f"the release {name} is no longer kept, and neither are its changes")
        changes = feeds.ldes_page(release, page, self._root(request)) if release else None
        if changes is None:
            raise NotFound(f"there is no page {page} of the changes of a release {name}")
        return self._ldes(request, changes)

    def _ldes(self, request: Request, page: feeds.LdesPage) -> Reply:
        offer = chosen(request, GRAPHS)
        body = written_as((Quad(*triple) for triple in page.triples), offer)
        return reply(request, body, offer, cache=FOR_EVER if page.is_immutable else FRESH)

    def _addresses(self, release: Release) -> list[str]:
        """Returns the addresses of all pages of a release."""
        # A crawler requests all parts of a sitemap in a row, and each part would read the whole store.
        release_id, pages = self._pages
        if release_id != release.id:
            pages = feeds.addresses(self._site.timeline.store(release))
            self._pages = (release.id, pages)
        return pages

    def _newest(self) -> list[Release]:
        return list(reversed(self._site.timeline.releases()))

    def _root(self, request: Request) -> str:
        return public_root(request.environ, self._site.settings.trusted_proxies) + "/"
