"""What the addresses of time share: releases, their open stores, the pages, and who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Request

from citygraph.graph.history import Timeline
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.web.http.addresses import MOUNT, Addresses, public_root
from citygraph.web.http.messages import RELEASE, modified
from citygraph.web.view.page_request import Reader, reader_of
from citygraph.web.view.release_cache import OpenRelease, Shelf
from citygraph.web.view.templates import Templates

_DOCUMENTS = ("doc/", "source/", "graph/", "ontology/")
_ONE = ("dataset", "ontology")
_SHAPES = "ontology/shapes"


@dataclass(frozen=True)
class Past:
    """The releases of a site and what is made of them."""

    settings: Settings
    timeline: Timeline
    shelf: Shelf
    pages: Templates

    def reader(self, request: Request) -> Reader:
        """Who reads."""
        return reader_of(request, self.settings)

    def root(self, environ: Mapping[str, Any]) -> str:
        """Scheme, host and path of the site itself, also where a release is asked."""
        return public_root(environ, self.settings.trusted_proxies).removesuffix(str(environ.get(MOUNT, "")))

    def opened(self, environ: Mapping[str, Any]) -> OpenRelease:
        """The release that the address names, or else the current one. Raises NotFound if there is none."""
        named = environ.get(RELEASE)
        return self.shelf.get(str(named)) if named else self.shelf.current()

    def iri(self, release: Release) -> str:
        """The name of a release."""
        return f"{self.settings.base}releases/{release.id}"

    def thing(self, path: str) -> str:
        """The IRI whose document stands at a path without extension, or nothing if it describes no single thing."""
        about_one = path.startswith(_DOCUMENTS) and not path.startswith(_SHAPES)
        return Addresses(self.settings.base).thing(path) if about_one or path in _ONE else ""


def made(release: Release) -> datetime:
    """When a release was published, to the second."""
    return modified(release).astimezone(UTC)


def quoted(path: str) -> str:
    """A decoded path as it stands in an address."""
    return Addresses("").path(path)[1:]
