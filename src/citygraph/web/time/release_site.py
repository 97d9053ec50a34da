"""The releases of a site with their open stores, as the views of this package share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from citygraph.graph.history import Timeline
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web.http.addresses import MOUNT, Addresses, public_root
from citygraph.web.http.messages import RELEASE, Request, modified
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.templates import Templates

_DOCUMENTS = ("doc/", "source/", "graph/", "ontology/")
_ONE = ("dataset", "ontology")
_SHAPES = "ontology/shapes"
_AT_ROOT = Addresses("")


@dataclass(frozen=True)
class ReleaseSite:
    """The site with all its releases: settings, timeline, open stores and templates."""

    settings: Settings
    releases: Releases
    timeline: Timeline
    cache: ReleaseCache
    pages: Templates

    def reader(self, request: Request) -> PageRequest:
        """Returns the page request: locale and links."""
        return page_request_of(request, self.settings)

    def root(self, environ: Mapping[str, Any]) -> str:
        """Returns the root of the site itself, without the prefix of a release."""
        # The public root contains the prefix of the release that the address names.
        return public_root(environ, self.settings.trusted_proxies).removesuffix(str(environ.get(MOUNT, "")))

    def opened(self, environ: Mapping[str, Any]) -> OpenRelease:
        """Returns the release that the address names, or else the current one. Raises NotFound if it does not exist."""
        release_id = environ.get(RELEASE)
        return self.cache.get(str(release_id)) if release_id else self.cache.current()

    def iri(self, release: Release) -> str:
        """Returns the IRI of a release."""
        return f"{self.settings.base}releases/{release.id}"

    def thing(self, path: str, base: str = "") -> str:
        """Returns the IRI of the thing that the document at a path describes, or an empty string.

        `base` is that of a release, by default the one of the site.
        """
        about_one = path.startswith(_DOCUMENTS) and not path.startswith(_SHAPES)
        return Addresses(base or self.settings.base).thing(path) if about_one or path in _ONE else ""


def published_at(release: Release) -> datetime:
    """Returns when a release was published, in UTC and to the second."""
    return modified(release).astimezone(UTC)


def quoted_path(path: str) -> str:
    """Returns a decoded path percent-encoded, as in an address."""
    return _AT_ROOT.path(path)[1:]
