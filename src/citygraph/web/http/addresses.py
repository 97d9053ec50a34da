"""Addresses of the site: IRIs to local addresses and back, and the site's address as clients behind proxies see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from citygraph.bounded_cache import kept_by_short_texts
from citygraph.errors import Busy, Forbidden, LimitReached, Unauthorized, UsageError
from citygraph.instance import VOCABULARY
from citygraph.text import nfc
from citygraph.web.http.messages import Reply, Request, redirection

_PLAIN = re.compile(r"[A-Za-z0-9/._#-]*")
# Schemes that a link to elsewhere may have; javascript: and data: would run inside the page.
_EXTERNAL = re.compile(r"(?i)(?:https?|ftp|mailto|tel|geo):")
_SAFE = "/:@!$&'()*+,;=-._~"
# Things that are not entities: their document has their own path after doc/, without id/.
_NO_ENTITIES = ("source/", "graph/", "ontology/", "dataset", ".well-known/genid/")
# Before URIs, which are compared as they are.
_BEFORE_URIS = ("timegate/", "timemap/")
# Things whose IRIs are common to all instances. Each site has local addresses for them too.
_VOCABULARY = ("ontology", "shapes")


_IN_VALUE = {code: quote_plus(chr(code)) for code in range(128)}


def value_in_query(text: str) -> str:
    """Returns a text as a value in a query string, as quote_plus does, but in one step for texts of ASCII."""
    return text.translate(_IN_VALUE) if text.isascii() else quote_plus(text)


class Addresses:
    """The addresses of one site: `base` is the IRI that entities and sources begin with, `root` the path in front.

    The ontology and the shapes have the same IRIs under any base. They have local addresses too.
    """

    def __init__(self, base: str, root: str = "") -> None:
        self.base = base
        self.root = root.rstrip("/")
        self._bases = (base, *(VOCABULARY + name for name in _VOCABULARY))

    def local(self, iri: str) -> str:
        """Returns the local address of an IRI; a foreign IRI unchanged, or empty if its scheme may not be linked."""
        rest = self._rest(iri)
        if rest is None:
            return iri if _EXTERNAL.match(iri) else ""
        # Nearly all IRIs need no quoting, and a page has hundreds of links.
        if _PLAIN.fullmatch(rest):
            return f"{self.root}/{rest}"
        path, hash_, fragment = rest.partition("#")
        return f"{self.root}/{quote(path, safe=_SAFE)}{hash_}{quote(fragment, safe=_SAFE + '?')}"

    def is_ours(self, iri: str) -> bool:
        """Returns whether this site dereferences the IRI."""
        return iri.startswith(self._bases)

    def path(self, path: str) -> str:
        """Returns the local address for a path, which has no slash in front."""
        return f"{self.root}/{path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE)}"

    def iri(self, path: str) -> str:
        """Returns the IRI for a path, percent-encoded as a URI."""
        return self.base + (path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE))

    def thing(self, path: str) -> str:
        """Returns the IRI of the thing at a decoded path such as "id/city/bremen" or "doc/city/bremen"."""
        path = nfc(path)
        if path.startswith("doc/"):
            rest = path.removeprefix("doc/")
            path = rest if rest.startswith(_NO_ENTITIES) else f"id/{rest}"
        return (VOCABULARY if path.startswith(_VOCABULARY) else self.base) + path

    def document(self, iri: str) -> str:
        """Returns the IRI of the document that describes a thing."""
        return f"{self.base}doc/{(self._rest(iri) or '').removeprefix('id/')}"

    def _rest(self, iri: str) -> str | None:
        """Returns a local IRI without its base, or None for a foreign one."""
        if iri.startswith(self.base):
            return iri.removeprefix(self.base)
        return iri.removeprefix(VOCABULARY) if iri.startswith(self._bases) else None


# The key of environ for the path that moved from PATH_INFO to SCRIPT_NAME in this process. A prefix that a proxy names
# does not contain it.
MOUNT = "citygraph.mount"
# The key of environ for the base of the release that the address names, if it differs from the site's.
RELEASE_BASE = "citygraph.base"
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+)*")

# Only letters beyond ASCII are quoted: a prefix with other signs is ignored.
_UNQUOTED = "".join(map(chr, range(128))).replace("%", "")


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """Returns the address of the client, with this many trusted proxies in front of the server."""
    remote = str(environ.get("REMOTE_ADDR", ""))
    if not proxies:
        return remote
    # Each proxy appends the address of its own client. Entries further left may be forged.
    chain = [*_values(environ, "HTTP_X_FORWARDED_FOR"), remote]
    return chain[max(len(chain) - 1 - proxies, 0)]


def check_host(environ: Mapping[str, Any]) -> None:
    """Raises UsageError if the Host header is malformed or repeated, or missing in HTTP/1.1 (RFC 9112, 3.2)."""
    host = str(environ.get("HTTP_HOST") or "")
    if not host and environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
        raise UsageError("a request by HTTP/1.1 must have a Host header")
    # The server joins several headers by commas, which no host name has.
    if host and not _HOST.fullmatch(host):
        raise UsageError("the Host header is not a valid host name")


def public_root(environ: Mapping[str, Any], proxies: int) -> str:
    """Returns the address of the site as the client sees it: scheme, host and prefix, without a slash at the end.

    Raises UsageError if the Host header is malformed.
    """
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    host = str(environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}")
    # Decoded, like PATH_INFO (PEP 3333): its characters are bytes.
    prefix = quote(str(environ.get("SCRIPT_NAME", "")), safe=_UNQUOTED, encoding="latin-1")
    if proxies:
        scheme = _forwarded(environ, "HTTP_X_FORWARDED_PROTO", proxies) or scheme
        host = _forwarded(environ, "HTTP_X_FORWARDED_HOST", proxies) or host
        forwarded_prefix = _forwarded(environ, "HTTP_X_FORWARDED_PREFIX", proxies)
        if forwarded_prefix:
            front = quote(forwarded_prefix.rstrip("/"), safe=_UNQUOTED + "%", encoding="latin-1")
            prefix = front + str(environ.get(MOUNT, ""))
    return _root(scheme, host, prefix)


# Most requests are for one host.
@kept_by_short_texts(256)
def _root(scheme: str, host: str, prefix: str) -> str:
    # The host goes into links and redirects: a forged one must not inject anything.
    if not _HOST.fullmatch(host):
        raise UsageError("the Host header is not a valid host name")
    scheme = "https" if scheme == "https" else "http"
    prefix = prefix.rstrip("/")
    return f"{scheme}://{host}{prefix if _PREFIX.fullmatch(prefix) else ''}"


def _forwarded(environ: Mapping[str, Any], name: str, proxies: int) -> str | None:
    """Returns the value that the outermost trusted proxy set, or None."""
    values = _values(environ, name)
    return values[max(len(values) - proxies, 0)] if values else None


def _values(environ: Mapping[str, Any], name: str) -> list[str]:
    return [value.strip() for value in str(environ.get(name, "")).split(",") if value.strip()]


def canonical_address(request: Request, base: str, proxies: int, exists: Callable[[str, str], bool]) -> str:
    """Returns the address for a path that ends with a slash or is not in NFC, with its query; "" for any other path.

    `exists` returns whether the site has a path for a method: a redirect must not lead to an error.
    """
    path = request.path[1:]
    canonical = canonical_path(path)
    if canonical == path or request.method not in ("GET", "HEAD") or path.startswith(_BEFORE_URIS):
        return ""
    if not exists(f"/{canonical}", request.method):
        return ""
    addresses, _ = addresses_of(request, base, proxies)
    return addresses.path(canonical) + (f"?{request.query}" if request.query else "")


def redirected(request: Request, address: str, view: Callable[[Request], Reply]) -> Reply:
    """Returns the redirect to a canonical address, or the view's error if nothing is there. Raises NotFound."""
    path = canonical_path(request.path)
    # There is always an endpoint: no query is evaluated for its redirect.
    if path == "/sparql":
        return redirection(address, 301)
    # Other errors are of the parameters or of the moment, and the client gets them from the address itself.
    with suppress(UsageError, Unauthorized, Forbidden, Busy, LimitReached):
        reply = view(Request({**request.environ, "PATH_INFO": path.encode().decode("latin-1")}))
        if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return reply
        reply.close()
    return redirection(address, 301)


def canonical_path(path: str) -> str:
    """Returns a path in NFC and without slashes at its end."""
    return nfc(path).rstrip("/")


def moved_address(root: str, path: str, base: str, former_bases: Iterable[str]) -> str:
    """Returns the IRI under the present base for a path at a former base; "" for any other address."""
    now, host = urlsplit(base), urlsplit(root).netloc
    for former in former_bases:
        was = urlsplit(former)
        # On one host, the old addresses differ from the new ones only if the old base has a path.
        if host != was.netloc or (host == now.netloc and was.path == "/"):
            continue
        if path.startswith(was.path):
            return base + quote(path.removeprefix(was.path), safe=_SAFE)
        # A proxy may take the path of the base away.
        if host != now.netloc:
            return base + quote(path.lstrip("/"), safe=_SAFE)
    return ""


def addresses_of(request: Request, base: str, proxies: int) -> tuple[Addresses, str]:
    """Returns the addresses of the site for this client, and the site's public root.

    A release of before `citygraph rebase` keeps the base of that time.
    """
    root = public_root(request.environ, proxies)
    return _addresses(request.environ.get(RELEASE_BASE, base), root), root


@kept_by_short_texts(1024)
def _addresses(base: str, root: str) -> Addresses:
    return Addresses(base, urlsplit(root).path)
