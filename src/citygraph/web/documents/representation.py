"""One representation and its HTTP: validators, negotiation headers, links, and the 304 that costs no evaluation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlencode

from citygraph import __version__
from citygraph.errors import NotAcceptable, UsageError
from citygraph.rdf.formats import BY_NAME, Format, Kind, of_kind
from citygraph.release.releases import Release
from citygraph.web.documents.profiles import OWN, Profile, chosen
from citygraph.web.documents.signposts import LINKSET, LINKSET_JSON, Signposts
from citygraph.web.http.addresses import Addresses, addresses_of
from citygraph.web.http.bodies import SMALLEST, compress
from citygraph.web.http.messages import (
    FOR_EVER,
    FRESH,
    Reply,
    Request,
    coded_tag,
    has_tag,
    http_date,
    is_unmodified,
    modified,
)
from citygraph.web.http.negotiation import Wanted, encoding, reader_language, wanted
from citygraph.web.http.result_cache import CachedResult, ResultCache

GRAPH_FORMATS = of_kind(Kind.GRAPH)
_HTML = "html"
_HTML_TYPE = "text/html"
_BY_EXTENSION = {_HTML: _HTML, **{f.extension: f.name for f in GRAPH_FORMATS}, "linkset": "linkset"}
_LINKSETS = {"linkset": LINKSET, "linkset.json": LINKSET_JSON}
_OFFERED = (_HTML_TYPE, *(f.media_type for f in GRAPH_FORMATS), LINKSET, LINKSET_JSON)
_VARY = "Accept, Accept-Encoding, Accept-Language, Accept-Profile"
_VIEW = ("sort", "q", "kind")
_LONGEST_VIEW = 100
_CODINGS = (None, "zstd", "br", "gzip")
_PAGE_WANTED = re.compile(r"text/html|application/xhtml\+xml|text/\*|\*/\*")


@dataclass(frozen=True)
class Form:
    """The form in which something is answered: a page in a language, a format of RDF, or the links alone."""

    name: str
    content_type: str
    language: str

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people."""
        return self.name == _HTML

    @property
    def is_linkset(self) -> bool:
        """Whether only the links are wanted."""
        return self.name in _LINKSETS

    @property
    def format(self) -> Format:
        """The RDF format."""
        return BY_NAME[self.name]

    @property
    def extension(self) -> str:
        """How its address ends."""
        return self.name if self.is_page or self.is_linkset else self.format.extension


@dataclass(frozen=True)
class DocumentRequest:
    """What was asked for: the path without its extension, the form, the page, and how this site is addressed."""

    path: str
    form: Form
    page: int
    addresses: Addresses
    root: str  # scheme, host and the path in front
    profile: Profile = OWN
    at: str = ""  # the ISO date on which a page looks at the graph
    view: tuple[tuple[str, str], ...] = ()  # how the tables of a page are sorted, and what is looked for in them
    today: str = ""  # the ISO date on which a page is read; of a release at its own address, "": it does not change

    @property
    def query(self) -> str:
        """What follows the address of a page after the first, of one that looks at a day, and of a sorted one."""
        page = [("page", str(self.page))] if self.page > 1 else []
        at = [("at", self.at)] if self.at else []
        said = urlencode([*page, *at, *self.view])
        return f"?{said}" if said else ""


@dataclass(frozen=True)
class Made:
    """The bytes of a representation, how many pages the document has, and what its links say of the thing."""

    body: bytes
    pages: int = 1
    signposts: Signposts | None = None
    gone: bool = False


def read_request(request: Request, path: str, base: str, proxies: int, today: date) -> DocumentRequest:
    """What a request for a document asks for on a day, by extension, ?format= or Accept, in this order.

    Raises NotAcceptable, UsageError for a bad ?page= or ?at=.
    """
    addresses, root = addresses_of(request, base, proxies)
    path, by_extension = split(path)
    form = _form(request, by_extension)
    profile = chosen(request.header("Accept-Profile"), request.args.get("_profile"))
    # A page shows one view to all; its links name the others.
    if form.is_page:
        day = "" if request.release else today.isoformat()
        return DocumentRequest(path, form, _page(request), addresses, root, OWN, _day(request), _view(request), day)
    return DocumentRequest(path, form, _page(request), addresses, root, profile)


def split(path: str) -> tuple[str, str | None]:
    """A path without its extension, and the form that the extension names, if it names one."""
    if path.endswith(".linkset.json"):
        return path.removesuffix(".linkset.json"), "linkset.json"
    stem, dot, extension = path.rpartition(".")
    by_extension = _BY_EXTENSION.get(extension) if dot else None
    return (stem, by_extension) if by_extension else (path, None)


def answer(
    request: Request,
    release: Release,
    asked: DocumentRequest,
    make: Callable[[], Made],
    cache: ResultCache,
    location: str = "",
) -> Reply:
    """The reply with its validators; `make` is called only if neither client nor cache has the bytes.

    `location` is the path of the document without extension, where it is not the path asked for. Whatever `make`
    raises (NotFound above all) comes through.
    """
    coding = _encoding(request.header("Accept-Encoding"))
    key = _key(release, asked)
    headers = _headers(request, release, asked, location or asked.path)
    # A matching tag proves that the document exists: nothing needs to be evaluated.
    if has_tag(request.header("If-None-Match"), key):
        return Reply(304, [*headers, ("ETag", coded_tag(key, coding))])
    entry = cache.get(key.encode()) or _made(make(), key, asked, location or asked.path, cache)
    if not entry.gone and is_unmodified(request, key, _changed(release, asked)):
        return Reply(304, [*headers, ("ETag", coded_tag(key, coding))])
    body = entry.body
    if coding and len(body) >= SMALLEST:
        body = _encoded(entry, coding, key, cache)
        headers.append(("Content-Encoding", coding))
    else:
        coding = None
    headers += [("ETag", coded_tag(key, coding)), ("Content-Type", asked.form.content_type)]
    if entry.links:
        headers.append(("Link", entry.links))
    return Reply(410 if entry.gone else 200, headers, body)


def _form(request: Request, by_extension: str | None) -> Form:
    asked = by_extension or request.args.get("format") or request.args.get("_mediatype")
    accept = request.header("Accept")
    if linkset := _linkset(asked or accept.partition(",")[0].partition(";")[0].strip()):
        return Form(linkset, _LINKSETS[linkset], "")
    try:
        want = _wanted(accept, asked)
        if not want.html:
            format_ = want.of_kind(Kind.GRAPH)
            return Form(format_.name, want.content_type(format_), "")
    except NotAcceptable as error:
        # What is accepted best may be a table, which a document never is: then a page that is accepted will do.
        if asked or not _accepts_page(accept):
            there_are = ", ".join(_OFFERED)
            raise NotAcceptable(f"a document is none of the accepted types; there are {there_are}", _OFFERED) from error
    return Form(_HTML, f"{_HTML_TYPE}; charset=utf-8", reader_language(request))


def _linkset(asked: str) -> str:
    return next((name for name, media_type in _LINKSETS.items() if asked in (name, media_type)), "")


def _accepts_page(accept: str) -> bool:
    ranges = (part.partition(";") for part in accept.split(","))
    return any(
        _PAGE_WANTED.fullmatch(name.strip().lower()) and "q=0" not in parameters.replace(" ", "").replace("q=0.", "")
        for name, _, parameters in ranges
    )


def _page(request: Request) -> int:
    text = request.args.get("page", "1")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 10**8:
        raise UsageError("page must be a whole number, 1 or more")
    return int(text)


def _day(request: Request) -> str:
    text = request.args.get("at", "")
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise UsageError("at must be a day, such as 2015-04-23") from None


def _view(request: Request) -> tuple[tuple[str, str], ...]:
    asked = ((name, request.args.get(name, "")[:_LONGEST_VIEW]) for name in _VIEW)
    return tuple((name, value) for name, value in asked if value)


def _key(release: Release, asked: DocumentRequest) -> str:
    parts = (release.id, __version__, asked.path, asked.query, asked.today, asked.form.name, asked.form.content_type,
             asked.form.language, asked.root, asked.profile.token)  # fmt: skip
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=15).hexdigest()


def _changed(release: Release, asked: DocumentRequest) -> datetime:
    """When what is answered changed last: a page tells what is coming, which every day may change."""
    made = modified(release)
    return max(made, datetime.fromisoformat(f"{asked.today}T00:00:00+00:00")) if asked.today else made


def _made(made: Made, key: str, asked: DocumentRequest, path: str, cache: ResultCache) -> CachedResult:
    links = list(_links(asked, path, made)) if made.signposts else []
    entry = CachedResult(asked.form.name, made.body, made.pages, links=", ".join(links), gone=made.gone)
    cache.put(key.encode(), entry)
    return entry


def _encoded(entry: CachedResult, coding: str, key: str, cache: ResultCache) -> bytes:
    encoded = entry.encoded.get(coding)
    if encoded is None:
        encoded = compress(entry.body, coding)
        cache.put(key.encode(), entry.with_encoded(coding, encoded))
    return encoded


def _headers(request: Request, release: Release, asked: DocumentRequest, path: str) -> list[tuple[str, str]]:
    """What a 304 says too."""
    headers = [
        ("Vary", _VARY),
        ("Cache-Control", FOR_EVER if request.release else FRESH),
        ("Content-Location", f"{asked.addresses.path(path)}.{asked.form.extension}{_kept_query(asked)}"),
        ("Last-Modified", http_date(_changed(release, asked))),
    ]
    if asked.form.is_page:
        headers.append(("Content-Language", asked.form.language))
    elif not asked.form.is_linkset:
        headers.append(("Content-Profile", f"<{asked.profile.iri}>"))
    return headers


def _kept_query(asked: DocumentRequest) -> str:
    if asked.profile is OWN:
        return asked.query
    return f"{asked.query}&_profile={asked.profile.token}" if asked.query else f"?_profile={asked.profile.token}"


def _links(asked: DocumentRequest, path: str, made: Made) -> Iterator[str]:
    """The signposts, and where the links before and after this page stand."""
    if made.signposts is None:
        return
    address = asked.addresses.path(path)
    yield made.signposts.header(asked.profile, asked.query)
    if asked.page < made.pages:
        yield f'<{address}?page={asked.page + 1}>; rel="next"'
    if asked.page > 1:
        yield f'<{address}?page={asked.page - 1}>; rel="prev"'


@lru_cache(512)
def _wanted(accept: str, asked: str | None) -> Wanted:
    # The same few headers come again and again.
    return wanted(accept, asked)


@lru_cache(512)
def _encoding(accept_encoding: str) -> str | None:
    return encoding(accept_encoding)
