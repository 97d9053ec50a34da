"""Memento (RFC 7089): documents of earlier releases by Accept-Datetime, with a TimeGate and a TimeMap for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from werkzeug.http import http_date

from citygraph.errors import Gone, NotFound, UsageError
from citygraph.release.releases import Release
from citygraph.text import nfc
from citygraph.web.documents.representation import split
from citygraph.web.http.addresses import canonical_path
from citygraph.web.http.messages import QUICK, RELEASE, NeedsThread, Reply, Request, not_known, redirection
from citygraph.web.http.replies import JSON, Variant, chosen, reply
from citygraph.web.time.release_site import ReleaseSite, published_at, quoted_path

_LINK_FORMAT = Variant("link", "application/link-format")
_OFFERS = (_LINK_FORMAT, JSON)
_DOCUMENTS = ("doc/", "source/", "graph/", "ontology/")
# Paths of documents that every release has.
_ALWAYS = ("", "ontology", "shapes", "dataset", "context", ".well-known/void")
_BEGINNINGS = (".", *(path for path in _ALWAYS if path))
_SCHEME = re.compile(r"https?:/{1,2}")
_DATETIME = "%a, %d %b %Y %H:%M:%S GMT"


@dataclass(frozen=True)
class Original:
    """An original resource (RFC 7089, 1.1): the requested path of a document, and the releases that have it."""

    path: str
    releases: tuple[Release, ...]


def has_past(path: str) -> bool:
    """Returns whether this is the path of a document, which has mementos."""
    # The beginning is compared first, because most addresses, such as /sparql, have no extension to be cut.
    return path.startswith(_DOCUMENTS) or not path or (path.startswith(_BEGINNINGS) and _stem(path) in _ALWAYS)


class Mementos:
    """The views of TimeGates and TimeMaps, and the Memento headers of documents."""

    def __init__(self, site: ReleaseSite) -> None:
        self._site = site
        self.base = site.settings.base

    def time_gate(self, request: Request, uri: str = "") -> Reply:
        """Returns a redirection to the memento at Accept-Datetime, or to the last one. Raises UsageError."""
        original = self._original(self._path_of(request, uri))
        return self._to_memento(request, original, request.headers.get("Accept-Datetime"))

    def time_map(self, request: Request, uri: str = "") -> Reply:
        """Returns the TimeMap: all mementos of a document."""
        original = self._original(self._path_of(request, uri))
        offer, root = chosen(request, _OFFERS), self._site.root(request.environ)
        if offer is JSON:
            return reply(request, self._as_json(original, root), offer)
        return reply(request, ",\n".join(self._links(original, root, whole=True)) + "\n", offer)

    def redirect(self, request: Request) -> Reply | None:
        """Returns the redirection to the memento at Accept-Datetime, since each document is its own TimeGate."""
        accepted = request.headers.get("Accept-Datetime")
        path = request.path[1:]
        if accepted is None or RELEASE in request.environ or not has_past(path):
            return None
        return self._to_memento(request, self._original(path), accepted)

    def headers(self, environ: Mapping[str, Any], path: str) -> list[tuple[str, str]]:
        """Returns the headers that link a document to its TimeGate and TimeMap; of a memento, to its neighbours too."""
        root = self._site.root(environ)
        if RELEASE in environ:
            release = self._site.cache.get(str(environ[RELEASE])).release
            links = self._links(self._original(path), root, release)
            return [("Memento-Datetime", http_date(published_at(release))), ("Link", ", ".join(links))]
        at = quoted_path(path)
        gate, map_ = f'<{root}/timegate/{at}>; rel="timegate"', f'<{root}/timemap/{at}>; rel="timemap"'
        return [("Link", f'{gate}, {map_}; type="{_LINK_FORMAT.media_type}"'), ("Vary", "Accept-Datetime")]

    def with_last_version(self, request: Request, error: NotFound) -> NotFound:
        """Returns the error of a missing document; it names the last version if an earlier release had the document.

        An address that no release ever had costs a lookup in a set. Raises NeedsThread if files must be read.
        """
        path = _document_path(canonical_path(request.path[1:]))
        iri = self._site.thing(_stem(path)) if has_past(path) else ""
        if not iri or RELEASE in request.environ:
            return error
        timeline, is_withdrawn = self._site.timeline, isinstance(error, Gone)
        if request.environ.get(QUICK) and (is_withdrawn or timeline.may_have_deleted(iri)):
            raise NeedsThread
        is_deleted = timeline.has_deleted(iri)
        releases = timeline.holding(iri, self.base) if is_withdrawn or is_deleted else ()
        if is_deleted and not is_withdrawn and not releases:
            return NotFound(f"/{request.path[1:]} was deleted, and no release that has it is kept")
        # An entity may have been deleted and added again: then only something else is missing, such as a page.
        if not releases or releases[-1].id == timeline.releases()[-1].id:
            return error
        original, root = Original(path, releases), self._site.root(request.environ)
        if not is_withdrawn:
            day = published_at(releases[-1]).date()
            error = NotFound(f"/{request.path[1:]} is no longer in the current release; the last version is of {day}")
        error.memento = self._memento(original, releases[-1], root)
        error.timemap = f"{root}/timemap/{quoted_path(path)}"
        error.links = ", ".join(self._links(original, root))
        return error

    def _to_memento(self, request: Request, original: Original, accepted: str | None) -> Reply:
        release = _current_at(original.releases, _time(accepted)) if accepted is not None else original.releases[-1]
        query = request.query_string.decode("ascii", "replace")
        root = self._site.root(request.environ)
        target = self._memento(original, release, root) + (f"?{query}" if query else "")
        reply = redirection(target, 302)
        # Caches must keep one redirection for each datetime (RFC 7089, 2.1.2).
        reply.append("Vary", "Accept-Datetime")
        reply.append("Link", ", ".join(self._links(original, root)))
        return reply

    def _original(self, path: str) -> Original:
        """Returns the document at a path. Raises NotFound if no release has it."""
        stem = _stem(path)
        iri = self._site.thing(stem)
        if stem in _ALWAYS or stem == "ontology/shapes":
            releases = self._site.timeline.releases()
        else:
            releases = self._site.timeline.holding(iri, self.base) if iri else ()
        if not releases:
            raise not_known(path)
        return Original(path, releases)

    def _path_of(self, request: Request, uri: str) -> str:
        """Returns the path of a document from its path, its IRI or its address on this host."""
        uri = nfc(uri)
        if _SCHEME.match(uri):
            # Servers and proxies merge two slashes into one.
            uri = _SCHEME.sub(lambda match: match[0].rstrip("/") + "//", uri, count=1)
            for root in (self._site.settings.base, self._site.root(request.environ) + "/"):
                if uri.startswith(root):
                    uri = uri.removeprefix(root)
                    break
            else:
                raise not_known(uri)
        return _document_path(uri)

    def _links(self, original: Original, root: str, here: Release | None = None, whole: bool = False) -> list[str]:
        """Returns all links of a TimeMap; or the links of a memento or TimeGate, to the neighbouring mementos only."""
        path, releases = quoted_path(original.path), original.releases
        first, last = http_date(published_at(releases[0])), http_date(published_at(releases[-1]))
        links = [
            f'<{root}/{path}>; rel="original"',
            f'<{root}/timegate/{path}>; rel="timegate"',
            f'<{root}/timemap/{path}>; rel="{"self" if whole else "timemap"}"; type="{_LINK_FORMAT.media_type}"'
            f'; from="{first}"; until="{last}"',
        ]
        places = range(len(releases)) if whole else _neighbours(releases, here)
        position = _position(releases, here)
        for place in places:
            relations = _relations(place, position, len(releases))
            uri, when = self._memento(original, releases[place], root), http_date(published_at(releases[place]))
            links.append(f'<{uri}>; rel="{relations}"; datetime="{when}"')
        return links

    def _as_json(self, original: Original, root: str) -> str:
        """Returns the TimeMap in the JSON of the Memento aggregators."""
        path = quoted_path(original.path)
        mementos = [
            {"datetime": f"{published_at(release):%Y-%m-%dT%H:%M:%SZ}", "uri": self._memento(original, release, root)}
            for release in original.releases
        ]
        time_map = {
            "original_uri": f"{root}/{path}",
            "self": f"{root}/timemap/{path}",
            "timegate_uri": f"{root}/timegate/{path}",
            "mementos": {"first": mementos[0], "last": mementos[-1], "list": mementos},
        }
        return json.dumps(time_map, ensure_ascii=False, indent=1) + "\n"

    def _memento(self, original: Original, release: Release, root: str) -> str:
        return f"{root}/releases/{release.id}/{quoted_path(original.path)}"


def _document_path(path: str) -> str:
    """Returns the path of the document about the thing at a path, or the path itself if it is that of a document."""
    return "doc/" + path.removeprefix("id/") if path.startswith("id/") else path


def _time(text: str) -> datetime:
    """Returns the time in an Accept-Datetime header, which has one form only (RFC 7089, 2.1.1). Raises UsageError."""
    try:
        return datetime.strptime(text.strip(), _DATETIME).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"Accept-Datetime is {text[:80]!r}: it must be like Thu, 31 May 2007 20:35:00 GMT") from None


def _current_at(releases: Sequence[Release], moment: datetime) -> Release:
    """Returns the release that was current at a time."""
    # A time before the first memento leads to the first one (RFC 7089, 4.5.3).
    return next((release for release in reversed(releases) if published_at(release) <= moment), releases[0])


def _stem(path: str) -> str:
    return split(path)[0]


def _neighbours(releases: Sequence[Release], here: Release | None) -> list[int]:
    last = len(releases) - 1
    place = _position(releases, here)
    near = () if place is None else (place - 1, place, place + 1)
    return sorted({0, last, *(n for n in near if 0 <= n <= last)})


def _position(releases: Sequence[Release], here: Release | None) -> int | None:
    return next((place for place, release in enumerate(releases) if here and release.id == here.id), None)


def _relations(place: int, here: int | None, length: int) -> str:
    """Returns the link relations of one of `length` mementos, as seen from the memento at `here`."""
    names = ["first"] if place == 0 else []
    names += ["last"] if place == length - 1 else []
    if here is not None:
        names += ["prev"] if place == here - 1 else []
        names += ["next"] if place == here + 1 else []
    return " ".join([*names, "memento"])
