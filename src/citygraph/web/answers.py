"""One representation and its HTTP: validators, negotiation headers, links, and the 304 that costs no evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Request, Response

from citygraph import __version__
from citygraph.errors import NotAcceptable, NotFound, UsageError
from citygraph.formats import BY_NAME, Format, Kind, of_kind
from citygraph.release import Release
from citygraph.web.addresses import Addresses
from citygraph.web.cache import Entry, ResultCache
from citygraph.web.compression import SMALLEST, compress
from citygraph.web.documents import LICENSE
from citygraph.web.forwarded import public_root
from citygraph.web.negotiation import encoding, language, wanted

GRAPH_FORMATS = of_kind(Kind.GRAPH)
_HTML = "html"
_HTML_TYPE = "text/html"
_BY_EXTENSION = {_HTML: _HTML, **{f.extension: f.name for f in GRAPH_FORMATS}}
_OFFERED = (_HTML_TYPE, *(f.media_type for f in GRAPH_FORMATS))
_VARY = "Accept, Accept-Language, Accept-Encoding"
_FRESH = "public, max-age=60"


@dataclass(frozen=True)
class Form:
    """The form in which something is answered: a page in a language, or a format of RDF."""

    name: str
    content_type: str
    language: str

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people."""
        return self.name == _HTML

    @property
    def format(self) -> Format:
        """The RDF format."""
        return BY_NAME[self.name]

    @property
    def extension(self) -> str:
        """How its address ends."""
        return _HTML if self.is_page else self.format.extension


@dataclass(frozen=True)
class Asked:
    """What was asked for: the path without its extension, the form, the page, and how this site is addressed."""

    path: str
    form: Form
    page: int
    addresses: Addresses
    root: str  # scheme, host and the path in front

    @property
    def query(self) -> str:
        """What follows the address of a page after the first."""
        return f"?page={self.page}" if self.page > 1 else ""


@dataclass(frozen=True)
class Made:
    """The bytes of a representation, and how many pages the document has."""

    body: bytes
    pages: int = 1


def addresses_of(request: Request, base: str, proxies: int) -> tuple[Addresses, str]:
    """How the client addresses this site: the paths, and scheme, host and prefix in front of them."""
    root = public_root(request.environ, proxies)
    return Addresses(base, urlsplit(root).path), root


def read_request(request: Request, path: str, base: str, proxies: int) -> Asked:
    """What a request for a document asks for, by extension, ?format= or Accept, in this order.

    Raises NotAcceptable, UsageError for a bad ?page=.
    """
    addresses, root = addresses_of(request, base, proxies)
    stem, dot, extension = path.rpartition(".")
    by_extension = _BY_EXTENSION.get(extension) if dot else None
    form = _form(request, by_extension)
    return Asked(stem if by_extension else path, form, _page(request), addresses, root)


def reader_language(request: Request) -> str:
    """The language of the pages: ?lang=, else Accept-Language."""
    return language(request.headers.get("Accept-Language", ""), request.args.get("lang"))


def answer(
    request: Request,
    release: Release,
    asked: Asked,
    make: Callable[[], Made],
    cache: ResultCache,
    location: str = "",
    thing: str = "",
) -> Response:
    """The response with its validators; `make` is called only if neither client nor cache has the bytes.

    `location` is the path of the document without extension, where it is not the path asked for; `thing` is the IRI
    that it describes. Whatever `make` raises (NotFound above all) comes through.
    """
    coding = encoding(request.headers.get("Accept-Encoding", ""))
    key = _key(release, asked)
    response = Response(content_type=asked.form.content_type)
    _set_headers(response, release, asked, location or asked.path, thing)
    if is_unchanged(request, response, key, release):
        response.set_etag(_tag(key, coding))
        response.headers.remove("Content-Type")
        response.status_code = 304
        return response
    entry = cache.get(key.encode())
    if entry is None:
        made = make()
        # A document's rows are its pages.
        entry = Entry(asked.form.name, made.body, made.pages)
        cache.put(key.encode(), entry)
    _link_pages(response, asked, location or asked.path, entry.rows or 1)
    if coding and len(entry.body) >= SMALLEST:
        response.set_data(_encoded(entry, coding, key, cache))
        response.headers["Content-Encoding"] = coding
        response.set_etag(_tag(key, coding))
    else:
        response.set_data(entry.body)
        response.set_etag(_tag(key, None))
    return response


def is_unchanged(request: Request, response: Response, key: str, release: Release) -> bool:
    """Whether the client has these bytes, in whatever coding (RFC 9110, 13.1)."""
    if request.if_none_match:
        return any(request.if_none_match.contains_weak(tag) for tag in _tags(key))
    since = request.if_modified_since
    return since is not None and response.last_modified is not None and modified(release) <= since


def modified(release: Release) -> datetime:
    """When the release was made."""
    try:
        return datetime.strptime(release.manifest.created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(release.path.stat().st_mtime, UTC).replace(microsecond=0)


def not_known(path: str) -> NotFound:
    """Nothing is said of what would stand at this address."""
    return NotFound(f"there is nothing at /{path} in this release")


def _form(request: Request, by_extension: str | None) -> Form:
    asked = by_extension or request.args.get("format")
    accept = request.headers.get("Accept", "")
    try:
        want = wanted(accept, asked)
        if not want.html:
            format_ = want.of_kind(Kind.GRAPH)
            return Form(format_.name, want.content_type(format_), "")
    except NotAcceptable as error:
        # What is accepted best may be a table, which a document never is: then a page that is accepted will do.
        if asked or not request.accept_mimetypes[_HTML_TYPE]:
            there_are = ", ".join(_OFFERED)
            raise NotAcceptable(f"a document is none of the accepted types; there are {there_are}", _OFFERED) from error
    return Form(_HTML, f"{_HTML_TYPE}; charset=utf-8", reader_language(request))


def _page(request: Request) -> int:
    text = request.args.get("page", "1")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 10**8:
        raise UsageError("page must be a whole number, 1 or more")
    return int(text)


def _key(release: Release, asked: Asked) -> str:
    parts = (release.id, __version__, asked.path, asked.query, asked.form.name, asked.form.content_type,
             asked.form.language, asked.root)  # fmt: skip
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=15).hexdigest()


def _tag(key: str, coding: str | None) -> str:
    return f"{key}-{coding}" if coding else key


def _tags(key: str) -> Iterable[str]:
    return (_tag(key, coding) for coding in (None, "zstd", "br", "gzip"))


def _encoded(entry: Entry, coding: str, key: str, cache: ResultCache) -> bytes:
    encoded = entry.encoded.get(coding)
    if encoded is None:
        encoded = compress(entry.body, coding)
        cache.put(key.encode(), Entry(entry.format, entry.body, entry.rows, {**entry.encoded, coding: encoded}))
    return encoded


def _set_headers(response: Response, release: Release, asked: Asked, path: str, thing: str) -> None:
    address = asked.addresses.path(path)
    query = asked.query
    headers = response.headers
    headers["Vary"] = _VARY
    headers["Cache-Control"] = _FRESH
    headers["Content-Location"] = f"{address}.{asked.form.extension}{query}"
    if asked.form.is_page:
        headers["Content-Language"] = asked.form.language
    response.last_modified = modified(release)
    alternates = [(_HTML, _HTML_TYPE), *((f.extension, f.media_type) for f in GRAPH_FORMATS)]
    for extension, media_type in alternates:
        headers.add("Link", f'<{address}.{extension}{query}>; rel="alternate"; type="{media_type}"')
    headers.add("Link", f'<{address}.ttl{query}>; rel="describedby"; type="text/turtle"')
    headers.add("Link", f'<{asked.addresses.base}{path}{query}>; rel="canonical"')
    headers.add("Link", f'<{LICENSE.value}>; rel="license"')
    if thing:
        headers.add("Link", f'<{thing}>; rel="describes"')


def _link_pages(response: Response, asked: Asked, path: str, pages: int) -> None:
    """Where the links before and after this page stand."""
    address = asked.addresses.path(path)
    if asked.page < pages:
        response.headers.add("Link", f'<{address}?page={asked.page + 1}>; rel="next"')
    if asked.page > 1:
        response.headers.add("Link", f'<{address}?page={asked.page - 1}>; rel="prev"')
