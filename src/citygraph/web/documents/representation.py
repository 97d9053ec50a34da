"""The selected representation of a document, and its HTTP: validators, negotiation headers, links, 304."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import NamedTuple
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
    QUICK,
    NeedsThread,
    Reply,
    Request,
    coded_tag,
    has_tag,
    http_date,
    is_unmodified,
    modified,
)
from citygraph.web.http.negotiation import coding_of, formats_of, reader_language
from citygraph.web.http.replies import file_name, is_named
from citygraph.web.http.result_cache import CachedResult, ResultCache

GRAPH_FORMATS = of_kind(Kind.GRAPH)
_HTML = "html"
_HTML_TYPE = "text/html"
_BY_EXTENSION = {_HTML: _HTML, **{f.extension: f.name for f in GRAPH_FORMATS}, "linkset": "linkset"}
_LINKSETS = {"linkset": LINKSET, "linkset.json": LINKSET_JSON}
_LINKSET_NAMES = {name: linkset for linkset, media_type in _LINKSETS.items() for name in (linkset, media_type)}
_OFFERED = (_HTML_TYPE, *(f.media_type for f in GRAPH_FORMATS), LINKSET, LINKSET_JSON)
_VARY = "Accept, Accept-Encoding, Accept-Language, Accept-Profile"
_VIEW = ("sort", "q", "kind")
_LONGEST_VIEW = 100
# Bytes that are compressed in a few milliseconds.
_QUICKLY_COMPRESSED = 64 * 1024
# The key of the WSGI environment with the key and the result that only have to be compressed, in a thread.
_UNCODED = "citygraph.uncoded"
_ACCEPTS_PAGE = re.compile(r"text/html|application/xhtml\+xml|text/\*|\*/\*")


class Form(NamedTuple):
    """The form of a representation: a page in a language, a format of RDF, or a linkset."""

    name: str
    content_type: str
    language: str

    @property
    def is_page(self) -> bool:
        """Whether this is a page for people."""
        return self.name == _HTML

    @property
    def is_linkset(self) -> bool:
        """Whether this is a linkset."""
        return self.name in _LINKSETS

    @property
    def format(self) -> Format:
        """The RDF format."""
        return BY_NAME[self.name]

    @property
    def extension(self) -> str:
        """The extension of its address."""
        return self.name if self.is_page or self.is_linkset else self.format.extension


class DocumentSelection(NamedTuple):
    """The representation that a request selects (RFC 9110, 3.2), and the address of the site as the client sees it."""

    path: str  # without extension
    form: Form
    page: int
    addresses: Addresses
    root: str  # scheme, host and the path in front
    profile: Profile = OWN
    at: str = ""  # the ISO date at which a page shows the graph
    view: tuple[tuple[str, str], ...] = ()  # the order and the filter of the tables of a page
    day: datetime | None = None  # when the day began; None in a release at its own address, whose pages never change

    @property
    def today(self) -> str:
        """The ISO date of the request, or "" in a release at its own address."""
        return self.day.date().isoformat() if self.day else ""

    @property
    def query(self) -> str:
        """The query string that selects this representation, with its question mark."""
        if self.page == 1 and not self.at and not self.view:
            return ""
        page = [("page", str(self.page))] if self.page > 1 else []
        at = [("at", self.at)] if self.at else []
        query = urlencode([*page, *at, *self.view])
        return f"?{query}" if query else ""


class Rendered(NamedTuple):
    """The bytes of a representation, the number of pages of the document, and its links."""

    body: bytes
    pages: int = 1
    signposts: Signposts | None = None
    gone: bool = False


def select(request: Request, path: str, base: str, proxies: int, today: Callable[[], datetime]) -> DocumentSelection:
    """Returns the representation that a request selects: by extension, ?format= or Accept, in this order.

    `today` returns the moment at which the day began.

    Raises NotAcceptable, UsageError for a bad ?page= or ?at=.
    """
    addresses, root = addresses_of(request, base, proxies)
    path, by_extension = split(path)
    form = _form(request, by_extension)
    profile = chosen(request.header("Accept-Profile"), request.args.get("_profile"))
    # A page shows the same view to everyone; its links lead to the other profiles.
    if form.is_page:
        day = None if request.release else today()
        return DocumentSelection(path, form, _page(request), addresses, root, OWN, _day(request), _view(request), day)
    return DocumentSelection(path, form, _page(request), addresses, root, profile)


def split(path: str) -> tuple[str, str | None]:
    """Returns a path without its extension, and the form that the extension names, or None."""
    if path.endswith(".linkset.json"):
        return path.removesuffix(".linkset.json"), "linkset.json"
    stem, dot, extension = path.rpartition(".")
    by_extension = _BY_EXTENSION.get(extension) if dot else None
    return (stem, by_extension) if by_extension else (path, None)


class Representation:
    """The selected representation in a release: its validators, its headers and its reply.

    `location` is the path of the document without extension, if it differs from the requested path.
    """

    def __init__(
        self, request: Request, release: Release, selection: DocumentSelection, cache: ResultCache, location: str = ""
    ) -> None:
        self._request = request
        self._selection = selection
        self._cache = cache
        self._location = location or selection.path
        self._coding = coding_of(request.header("Accept-Encoding"))
        self._key = _key(release, selection)
        published, begun = modified(release), selection.day
        # A page also lists coming anniversaries, which change every day.
        self._changed = max(published, begun) if begun else published

    def reuse(self) -> Reply | None:
        """Returns the reply if the client or the cache has the bytes; None if they must be rendered."""
        # A matching tag proves that the document exists: nothing needs to be evaluated.
        if has_tag(self._request.header("If-None-Match"), self._key):
            return self._not_modified()
        if self._request.environ.get(QUICK) is False:
            # It was looked up before, but another release may have been published since.
            key, entry = self._request.environ.get(_UNCODED, ("", None))
            return self._reply(entry) if key == self._key else None
        entry = self._cache.get(self._key.encode())
        return self._reply(entry) if entry else None

    def finish(self, rendered: Rendered) -> Reply:
        """Caches the rendered bytes, and returns the reply."""
        links = ", ".join(self._links(rendered, rendered.signposts)) if rendered.signposts else ""
        form = self._selection.form.name
        entry = CachedResult(form, rendered.body, rendered.pages, links=links, gone=rendered.gone)
        self._cache.put(self._key.encode(), entry)
        return self._reply(entry)

    def _reply(self, entry: CachedResult) -> Reply:
        if not entry.gone and is_unmodified(self._request, self._key, self._changed):
            return self._not_modified()
        headers, body, coding = self._headers(), entry.body, None
        if self._coding and len(body) >= SMALLEST:
            coding = self._coding
            body = self._encoded(entry, coding)
            headers.append(("Content-Encoding", coding))
        headers += [("ETag", coded_tag(self._key, coding)), ("Content-Type", self._selection.form.content_type)]
        if not self._selection.form.is_page and is_named(self._request):
            headers.append(("Content-Disposition", file_name(self._request, self._selection.form.extension)))
        if entry.links:
            headers.append(("Link", entry.links))
        return Reply(410 if entry.gone else 200, headers, body)

    def _not_modified(self) -> Reply:
        return Reply(304, [*self._headers(), ("ETag", coded_tag(self._key, self._coding))])

    def _headers(self) -> list[tuple[str, str]]:
        """Returns the headers of both 200 and 304 (RFC 9110, 15.4.5)."""
        selection, form = self._selection, self._selection.form
        location = f"{selection.addresses.path(self._location)}.{form.extension}{_query_with_profile(selection)}"
        headers = [
            ("Vary", _VARY),
            ("Cache-Control", FOR_EVER if self._request.release else FRESH),
            ("Content-Location", location),
            ("Last-Modified", http_date(self._changed)),
        ]
        if form.is_page:
            headers.append(("Content-Language", form.language))
        elif not form.is_linkset:
            headers.append(("Content-Profile", f"<{selection.profile.iri}>"))
        return headers

    def _links(self, rendered: Rendered, posts: Signposts) -> Iterator[str]:
        """Yields the values of Link: the signposts, and the pages before and after this one."""
        selection = self._selection
        address = selection.addresses.path(self._location)
        # The statements of a graph fill many pages, but its description in RDF only one.
        has_page = selection.page <= rendered.pages
        data_query = selection.query if has_page else selection._replace(page=1).query
        yield posts.header(selection.profile, selection.query, data_query)
        if selection.page < rendered.pages:
            yield f'<{address}?page={selection.page + 1}>; rel="next"'
        if selection.page > 1:
            yield f'<{address}?page={selection.page - 1}>; rel="prev"'

    def _encoded(self, entry: CachedResult, coding: str) -> bytes:
        encoded = entry.encoded.get(coding)
        if encoded is None:
            if self._request.environ.get(QUICK) and len(entry.body) > _QUICKLY_COMPRESSED:
                self._request.environ[_UNCODED] = self._key, entry
                raise NeedsThread
            encoded = compress(entry.body, coding)
            self._cache.put(self._key.encode(), entry.with_encoded(coding, encoded))
        return encoded


def _key(release: Release, selection: DocumentSelection) -> str:
    """Returns the name of a representation in caches and entity tags."""
    form = selection.form
    document = (release.id, __version__, selection.path, selection.query, selection.today)
    parts = (*document, form.name, form.content_type, form.language, selection.root, selection.profile.token)
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=15).hexdigest()


def _form(request: Request, by_extension: str | None) -> Form:
    by_name = by_extension or request.args.get("format") or request.args.get("_mediatype")
    accept = request.header("Accept")
    if linkset := _LINKSET_NAMES.get(by_name or accept.partition(",")[0].partition(";")[0].strip()):
        return Form(linkset, _LINKSETS[linkset], "")
    try:
        accepted = formats_of(accept, by_name)
        if not accepted.html:
            format_ = accepted.of_kind(Kind.GRAPH)
            return Form(format_.name, accepted.content_type(format_), "")
    except NotAcceptable as error:
        # The preferred type may be a table, which a document never is: then an accepted page will do.
        if by_name or not _accepts_page(accept):
            offered = ", ".join(_OFFERED)
            raise NotAcceptable(f"a document is none of the accepted types; there are {offered}", _OFFERED) from error
    return Form(_HTML, f"{_HTML_TYPE}; charset=utf-8", reader_language(request))


def _accepts_page(accept: str) -> bool:
    ranges = (part.partition(";") for part in accept.split(","))
    return any(
        _ACCEPTS_PAGE.fullmatch(name.strip().lower()) and "q=0" not in parameters.replace(" ", "").replace("q=0.", "")
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
    parameters = ((name, request.args.get(name, "")[:_LONGEST_VIEW]) for name in _VIEW)
    return tuple((name, value) for name, value in parameters if value)


def _query_with_profile(selection: DocumentSelection) -> str:
    if selection.profile is OWN:
        return selection.query
    profile = f"_profile={selection.profile.token}"
    return f"{selection.query}&{profile}" if selection.query else f"?{profile}"
