"""What a release holds whole: its description at /.well-known/void, its dumps and its tables."""

from __future__ import annotations

import json
from collections.abc import Iterable

from flask import Blueprint, Response, redirect, request, send_file
from pyoxigraph import Quad, Triple

from citygraph.build import feeds
from citygraph.errors import Gone, NotFound
from citygraph.release.outputs import CSVW, DUMPS, PACKAGE
from citygraph.release.releases import Release
from citygraph.web.http.addresses import public_root
from citygraph.web.http.messages import modified, not_known
from citygraph.web.http.replies import FOR_EVER, FRESH, GRAPHS, HTML, JSON, Offer, chosen, reply
from citygraph.web.time.release_differences import written_as
from citygraph.web.time.release_site import Past

_TYPES = {offer.path: offer.content_type for offer in (*DUMPS, PACKAGE, CSVW)}
_BY_END = {"csv": "text/csv; charset=utf-8; header=present", "parquet": "application/vnd.apache.parquet"}
_FOLDERS = ("dumps", "tables")


class Holdings:
    """The addresses; `blueprint` mounts them."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("holdings", __name__)
        blueprint.add_url_rule("/.well-known/void", "void", self.void, methods=["GET"])
        for folder in _FOLDERS:
            blueprint.add_url_rule(f"/{folder}", f"{folder}-list", self.listed, methods=["GET"])
            blueprint.add_url_rule(f"/{folder}/<path:name>", folder, self.file, methods=["GET"])
        return blueprint

    def void(self) -> Response:
        """The dataset as VoID, DCAT and DQV; a browser is led to the page."""
        offer = chosen(request, (*GRAPHS, HTML))
        if offer is HTML:
            return redirect(self._past.reader(request).addresses.path("dataset"), 303)  # type: ignore[return-value]
        triples = self._past.opened(request.environ).about_dataset
        return reply(request, written_as([Quad(*triple) for triple in triples], offer), offer)

    def listed(self) -> Response:
        """The files of a folder, with sizes and checksums; the page of the dataset tells people of them."""
        offer = chosen(request, (JSON, HTML))
        addresses = self._past.reader(request).addresses
        if offer is HTML:
            return redirect(addresses.path("dataset"), 303)  # type: ignore[return-value]
        folder = request.path.strip("/") + "/"
        release = self._built(self._past.opened(request.environ).release)
        outputs = release.manifest.outputs
        files = [{"url": addresses.path(path), **facts} for path, facts in outputs.items() if path.startswith(folder)]
        return reply(request, json.dumps({"release": release.id, "files": files}, indent=1) + "\n", offer)

    def file(self, name: str) -> Response:
        """A dump or a table; parts of it by Range. Raises NotFound if the release has no such file.

        Commits make none: what is asked of their releases is found at the release of the last build before.
        """
        del name  # with the folder in front it is the path of the request
        release = self._past.opened(request.environ).release
        path = request.path[1:]
        built = self._built(release)
        if built is not release and path in built.manifest.outputs:
            response = redirect(f"{self._past.root(request.environ)}/releases/{built.id}/{path}", 307)
            response.headers["Cache-Control"] = "public, max-age=60"
            return response  # type: ignore[return-value]
        facts = release.manifest.outputs.get(path)
        if facts is None:
            raise not_known(path)
        response = send_file(
            (release.path / path).absolute(), _type(path), conditional=True, etag=str(facts["sha256"]),
            last_modified=modified(release), max_age=60, as_attachment=True, download_name=_download(release, path),
        )  # fmt: skip
        response.headers["Cache-Control"] = "public, max-age=60"
        response.headers.add("Link", '<https://creativecommons.org/publicdomain/zero/1.0/>; rel="license"')
        dataset = self._past.reader(request).addresses.path("dataset")
        response.headers.add("Link", f'<{dataset}>; rel="collection describedby"')
        return response

    def _built(self, release: Release) -> Release:
        """The release itself, or the nearest one before it that has files."""
        found: Release | None = release
        while found is not None and not found.manifest.outputs:
            found = self._past.timeline.get(found.manifest.parent or "")
        return found or release


def _type(path: str) -> str:
    return _TYPES.get(path) or _BY_END.get(path.rpartition(".")[2], "application/octet-stream")


def _download(release: Release, path: str) -> str:
    """The name to save a file under: it tells the release, so that two never overwrite each other."""
    stem, dot, ending = path.rpartition("/")[2].partition(".")
    return f"{stem}-{release.id[:10]}{dot}{ending}"


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
