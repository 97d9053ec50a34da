"""Which address on this host answers for which IRI, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import flask

from citygraph.errors import UsageError
from citygraph.rdf.terms import BASE
from citygraph.text import nfc
from citygraph.web.http.messages import Request

_PLAIN = re.compile(r"[A-Za-z0-9/._#-]*")
# What a link of a page may lead to beyond this host; javascript: and data: would run in it.
_ABROAD = re.compile(r"(?i)(?:https?|ftp|mailto|tel|geo):")
_SAFE = "/:@!$&'()*+,;=-._~"
# What has a document and is no entity: in the address of the document it stands as in its own.
_NO_ENTITIES = ("source/", "graph/", "ontology/", "dataset", ".well-known/genid/")
# What is named by citygraph, and not by who publishes with it.
_CITYGRAPH = ("graph/", "ontology/", "dataset", "problems/", ".well-known/genid/")


class Addresses:
    """The addresses of one site: `base` is the IRI that entities and sources begin with, `root` the path in front.

    Ontology, graphs and dataset keep citygraph's own names whatever the base is, and are answered for too.
    """

    def __init__(self, base: str, root: str = "") -> None:
        self.base = base
        self.root = root.rstrip("/")
        self._bases = tuple(dict.fromkeys((base, BASE)))

    def local(self, iri: str) -> str:
        """Where this host answers for an IRI; another stays as it is, or is empty if no link may lead to it."""
        rest = self._rest(iri)
        if rest is None:
            return iri if _ABROAD.match(iri) else ""
        if _PLAIN.fullmatch(rest):
            return f"{self.root}/{rest}"
        path, hash_, fragment = rest.partition("#")
        return f"{self.root}/{quote(path, safe=_SAFE)}{hash_}{quote(fragment, safe=_SAFE + '?')}"

    def is_ours(self, iri: str) -> bool:
        """Whether we answer for this IRI."""
        return iri.startswith(self._bases)

    def path(self, path: str) -> str:
        """An address of this host by its path, without a slash in front."""
        return f"{self.root}/{path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE)}"

    def iri(self, path: str) -> str:
        """The lasting name of what stands at a path, as a URI."""
        return self.base + (path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE))

    def thing(self, path: str) -> str:
        """The IRI that stands behind a decoded path such as "id/city/bremen" or "doc/city/bremen"."""
        path = nfc(path)
        if path.startswith("doc/"):
            rest = path.removeprefix("doc/")
            path = rest if rest.startswith(_NO_ENTITIES) else f"id/{rest}"
        return (BASE if path.startswith(_CITYGRAPH) else self.base) + path

    def document(self, iri: str) -> str:
        """The IRI of the document that describes a thing."""
        return f"{self.base}doc/{(self._rest(iri) or '').removeprefix('id/')}"

    def _rest(self, iri: str) -> str | None:
        """An IRI of ours without the base."""
        return next((iri.removeprefix(base) for base in self._bases if iri.startswith(base)), None)


# The key of environ for what has moved from PATH_INFO to SCRIPT_NAME on our side of the proxies.
MOUNT = "citygraph.mount"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """The address of the client: each trusted proxy has appended the one it was asked from."""
    remote = str(environ.get("REMOTE_ADDR", ""))
    if not proxies:
        return remote
    chain = [*_values(environ, "HTTP_X_FORWARDED_FOR"), remote]
    return chain[max(len(chain) - 1 - proxies, 0)]


def public_root(environ: Mapping[str, Any], proxies: int) -> str:
    """The address of the site as the client sees it: scheme, host and the path in front, without a slash at the end.

    Raises UsageError if the Host header is not one.
    """
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    host = str(environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}")
    prefix = str(environ.get("SCRIPT_NAME", ""))
    if proxies:
        scheme = _said(environ, "HTTP_X_FORWARDED_PROTO", proxies) or scheme
        host = _said(environ, "HTTP_X_FORWARDED_HOST", proxies) or host
        said = _said(environ, "HTTP_X_FORWARDED_PREFIX", proxies)
        prefix = said.rstrip("/") + str(environ.get(MOUNT, "")) if said else prefix
    if not _HOST.fullmatch(host):
        raise UsageError("the Host header is not the name of a host")
    scheme = "https" if scheme == "https" else "http"
    return f"{scheme}://{host}{prefix.rstrip('/') if _PREFIX.fullmatch(prefix.rstrip('/')) else ''}"


def _said(environ: Mapping[str, Any], name: str, proxies: int) -> str | None:
    """What the outermost trusted proxy said."""
    values = _values(environ, name)
    return values[max(len(values) - proxies, 0)] if values else None


def _values(environ: Mapping[str, Any], name: str) -> list[str]:
    return [value.strip() for value in str(environ.get(name, "")).split(",") if value.strip()]


def addresses_of(request: Request | flask.Request, base: str, proxies: int) -> tuple[Addresses, str]:
    """How the client addresses this site: the paths, and scheme, host and prefix in front of them."""
    root = public_root(request.environ, proxies)
    return _addresses(base, root), root


@lru_cache(1024)
def _addresses(base: str, root: str) -> Addresses:
    return Addresses(base, urlsplit(root).path)
