"""Memento (RFC 7089): documents as they were, by Accept-Datetime, with a TimeGate and a TimeMap for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.http import http_date

from citygraph.errors import UsageError
from citygraph.release.releases import Release
from citygraph.text import nfc
from citygraph.web.documents.representation import split
from citygraph.web.http.messages import RELEASE, not_known
from citygraph.web.http.replies import FRESH, JSON, Offer, chosen, reply
from citygraph.web.time.release_site import Past, made, quoted

_LINK_FORMAT = Offer("link", "application/link-format")
_OFFERS = (_LINK_FORMAT, JSON)
_DOCUMENTS = ("doc/", "source/", "graph/", "ontology/")
# What every release has, whatever it says.
_ALWAYS = ("", "ontology", "shapes", "dataset", "context", ".well-known/void")
_SCHEME = re.compile(r"https?:/{1,2}")
_DATETIME = "%a, %d %b %Y %H:%M:%S GMT"


@dataclass(frozen=True)
class Original:
    """A document whose past can be asked for: its path as it was asked, and the releases that have it."""

    path: str
    releases: tuple[Release, ...]


def has_past(path: str) -> bool:
    """Whether this is the path of a document, whose past can be asked for."""
    return path.startswith(_DOCUMENTS) or _stem(path) in _ALWAYS


class Mementos:
    """The TimeGate and TimeMap addresses, which `blueprint` mounts, and what the headers of documents say of them."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def blueprint(self) -> Blueprint:
        """The addresses, and what stands before and after every document."""
        blueprint = Blueprint("memento", __name__)
        for name, view in (("timegate", self.time_gate), ("timemap", self.time_map)):
            blueprint.add_url_rule(f"/{name}/", f"{name}-home", view, methods=["GET"], strict_slashes=True)
            blueprint.add_url_rule(f"/{name}/<path:uri>", name, view, methods=["GET"])
        blueprint.before_app_request(self.redirect)
        return blueprint

    def time_gate(self, uri: str = "") -> Response:
        """302 to the document as it was at Accept-Datetime, or as it is. Raises UsageError for a malformed time."""
        original = self._original(self._path_of(uri))
        return self._to_memento(original, request.headers.get("Accept-Datetime"))

    def time_map(self, uri: str = "") -> Response:
        """All mementos of a document."""
        original = self._original(self._path_of(uri))
        offer, root = chosen(request, _OFFERS), self._past.root(request.environ)
        if offer is JSON:
            return reply(request, self._as_json(original, root), offer)
        return reply(request, ",\n".join(self._links(original, root, whole=True)) + "\n", offer)

    def redirect(self) -> Response | None:
        """A document asked for by time is its own TimeGate."""
        asked = request.headers.get("Accept-Datetime")
        path = request.path[1:]
        if asked is None or RELEASE in request.environ or not has_past(path):
            return None
        return self._to_memento(self._original(path), asked)

    def headers(self, environ: Mapping[str, Any], path: str) -> list[tuple[str, str]]:
        """What a document says of its past; of one below a release, when it was and what came before and after."""
        root = self._past.root(environ)
        if RELEASE in environ:
            release = self._past.shelf.get(str(environ[RELEASE])).release
            links = self._links(self._original(path), root, release)
            return [("Memento-Datetime", http_date(made(release))), ("Link", ", ".join(links))]
        at = quoted(path)
        gate, map_ = f'<{root}/timegate/{at}>; rel="timegate"', f'<{root}/timemap/{at}>; rel="timemap"'
        return [("Link", f'{gate}, {map_}; type="{_LINK_FORMAT.media_type}"'), ("Vary", "Accept-Datetime")]

    def _to_memento(self, original: Original, asked: str | None) -> Response:
        release = _chosen(original.releases, _time(asked)) if asked is not None else original.releases[-1]
        query = request.query_string.decode("ascii", "replace")
        root = self._past.root(request.environ)
        target = self._memento(original, release, root) + (f"?{query}" if query else "")
        response = redirect(target, 302)
        response.headers["Vary"] = "Accept-Datetime"
        response.headers["Cache-Control"] = FRESH
        response.headers.extend([("Link", link) for link in self._links(original, root)])
        return response  # type: ignore[return-value]

    def _original(self, path: str) -> Original:
        """The document at a path. Raises NotFound if no release has it."""
        stem = _stem(path)
        iri = self._past.thing(stem)
        every = self._past.timeline.releases()
        known = stem in _ALWAYS or stem in ("ontology/shapes",)
        releases = every if known else self._past.timeline.holding(iri) if iri else ()
        if not releases:
            raise not_known(path)
        return Original(path, releases)

    def _path_of(self, uri: str) -> str:
        """The path of a document that is named by its path, its IRI or its address on this host."""
        uri = nfc(uri)
        if _SCHEME.match(uri):
            # Servers and proxies make one of two slashes.
            uri = _SCHEME.sub(lambda match: match[0].rstrip("/") + "//", uri, count=1)
            for root in (self._past.settings.base, self._past.root(request.environ) + "/"):
                if uri.startswith(root):
                    uri = uri.removeprefix(root)
                    break
            else:
                raise not_known(uri)
        return "doc/" + uri.removeprefix("id/") if uri.startswith("id/") else uri

    def _links(self, original: Original, root: str, here: Release | None = None, whole: bool = False) -> list[str]:
        """The links of a TimeMap; or of a memento or TimeGate, which name the neighbours only."""
        path, releases = quoted(original.path), original.releases
        first, last = http_date(made(releases[0])), http_date(made(releases[-1]))
        links = [
            f'<{root}/{path}>; rel="original"',
            f'<{root}/timegate/{path}>; rel="timegate"',
            f'<{root}/timemap/{path}>; rel="{"self" if whole else "timemap"}"; type="{_LINK_FORMAT.media_type}"'
            f'; from="{first}"; until="{last}"',
        ]
        shown = range(len(releases)) if whole else _neighbours(releases, here)
        place_of_here = next((place for place, r in enumerate(releases) if here and r.id == here.id), None)
        for place in shown:
            relations = _relations(place, place_of_here, len(releases))
            uri, when = self._memento(original, releases[place], root), http_date(made(releases[place]))
            links.append(f'<{uri}>; rel="{relations}"; datetime="{when}"')
        return links

    def _as_json(self, original: Original, root: str) -> str:
        """The TimeMap as the Memento aggregators write it in JSON."""
        path = quoted(original.path)
        mementos = [
            {"datetime": f"{made(release):%Y-%m-%dT%H:%M:%SZ}", "uri": self._memento(original, release, root)}
            for release in original.releases
        ]
        told = {
            "original_uri": f"{root}/{path}",
            "self": f"{root}/timemap/{path}",
            "timegate_uri": f"{root}/timegate/{path}",
            "mementos": {"first": mementos[0], "last": mementos[-1], "list": mementos},
        }
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"

    def _memento(self, original: Original, release: Release, root: str) -> str:
        return f"{root}/releases/{release.id}/{quoted(original.path)}"


def _time(text: str) -> datetime:
    """The time of an Accept-Datetime header, which has one form only (RFC 7089, 2.1.1). Raises UsageError."""
    try:
        return datetime.strptime(text.strip(), _DATETIME).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"Accept-Datetime is {text[:80]!r}: it must be like Thu, 31 May 2007 20:35:00 GMT") from None


def _chosen(releases: Sequence[Release], asked: datetime) -> Release:
    """What was current at that time; before the first there is only the first (RFC 7089, 4.5.3)."""
    return next((release for release in reversed(releases) if made(release) <= asked), releases[0])


def _stem(path: str) -> str:
    return split(path)[0]


def _neighbours(releases: Sequence[Release], here: Release | None) -> list[int]:
    last = len(releases) - 1
    place = next((place for place, release in enumerate(releases) if here and release.id == here.id), None)
    near = () if place is None else (place - 1, place, place + 1)
    return sorted({0, last, *(n for n in near if 0 <= n <= last)})


def _relations(place: int, here: int | None, length: int) -> str:
    """What one of `length` mementos is to the one that is looked at."""
    names = ["first"] if place == 0 else []
    names += ["last"] if place == length - 1 else []
    if here is not None:
        names += ["prev"] if place == here - 1 else []
        names += ["next"] if place == here + 1 else []
    return " ".join([*names, "memento"])
