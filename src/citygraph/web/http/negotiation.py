"""Negotiation of formats, languages and content codings, by the headers of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from babel import Locale

from citygraph.bounded_cache import kept_by_short_texts
from citygraph.catalogues import LANGUAGES, interface_language
from citygraph.errors import NotAcceptable
from citygraph.rdf.formats import ALIASES, BY_NAME, FORMATS, Format, Kind, content_type_of, named
from citygraph.web.http.messages import Request


@cache
def locale_of(language: str) -> Locale:
    """Returns the locale for dates and numbers in a language."""
    return Locale.parse("en_GB" if language == "en" else language)


@cache
def own_name(language: str) -> str:
    """Returns the name of a language in that language: "Türkçe"."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]


ENCODINGS = ("zstd", "br", "gzip")
HTML = ("text/html", "application/xhtml+xml")

# Names that mean a table to one who asks for a table, and a graph to one who asks for a graph.
_ALSO = {"json": "jsonld", "xml": "rdf"}
_ALSO_TYPES = {"application/json": "jsonld", "application/xml": "rdf", "text/xml": "rdf"}
_MOST_RANGES = 100
_EXACT, _SUBTYPES, _ANYTHING = 2, 1, 0
# Nearly all our quads are in named graphs, which a client that matches the default graph does not see. Comunica does,
# and accepts N-Quads with 1 and JSON-LD with 0.9; Jena reads datasets as such, with 1 for TriG and 0.5 for JSON-LD.
_QUADS = frozenset(type_ for name in ("nq", "trig") for type_ in BY_NAME[name].media_types)
_QUADS_QUALITY = 0.85
_TRIPLES = frozenset(f.media_type for f in FORMATS if Kind.GRAPH in f.kinds) - _QUADS
# For ties. A client that lists its parsers without qualities often uses one of them whatever arrives: those of Turtle,
# TriG and N-Quads read N-Triples too.
_READ_BY_MOST = "application/n-triples"
_Rating = tuple[float, int, int, int]


@dataclass(frozen=True)
class AcceptedFormats:
    """The representations that a client accepts.

    `formats` are in order of preference: a result has the first format that supports its kind. `types` are the media
    types of responses that differ from the format's first one. `html` is true if a page is preferred to all of them.
    """

    formats: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    html: bool = False

    def of_kind(self, kind: Kind) -> Format:
        """Returns the preferred format for results of a kind. Raises NotAcceptable."""
        for name in self.formats:
            if kind in BY_NAME[name].kinds:
                return BY_NAME[name]
        raise _not_acceptable(f for f in FORMATS if kind in f.kinds)

    def content_type(self, format_: Format) -> str:
        """Returns the value of Content-Type for a format."""
        accepted = self.types.get(format_.name)
        return format_.content_type if accepted is None else content_type_of(accepted)


@dataclass(frozen=True)
class _Range:
    """One media range of an Accept header; `place` is its position in the header."""

    name: str
    quality: float
    place: int


def accepted_formats(accept: str, format_name: str | None = None) -> AcceptedFormats:
    """Returns the formats that a client accepts, by ?format= or else by its Accept header.

    Raises NotAcceptable if no available format is acceptable.
    """
    if format_name:
        return _by_name(format_name)
    ranges = list(_ranges(accept)) or [_Range("*/*", 1.0, 0)]
    rated = [(rating, format_.name, type_) for format_ in FORMATS for rating, type_ in _ratings(format_, ranges)]
    html = _html(ranges, [rating for rating, _, _ in rated])
    named_types = _named_types(ranges)
    rated = [(_weighted(rating, type_, named_types), name, type_) for rating, name, type_ in rated]
    # By quality; then named types before those covered by a wildcard; then in the order of the header.
    rated.sort(key=lambda item: item[0], reverse=True)
    if not rated and not html:
        raise _not_acceptable(FORMATS)
    types = {name: type_ for _, name, type_ in reversed(rated) if type_ != BY_NAME[name].media_type}
    for _, name, type_ in reversed(rated):
        if type_ == BY_NAME[name].media_type:
            types.pop(name, None)
    return AcceptedFormats(_first_of_each_kind(name for _, name, _ in rated), types, html)


def language(accept_language: str, requested: str | None = None) -> str:
    """Returns the supported language that a reader prefers, else English. "TR" and "tr-TR" are Turkish."""
    return _language(accept_language, requested)


@kept_by_short_texts(512)
def _language(accept_language: str, requested: str | None) -> str:
    named = interface_language(requested or "")
    if named:
        return named
    best, quality = LANGUAGES[0], 0.0
    for range_ in _ranges(accept_language):
        offered = interface_language(range_.name)
        if range_.quality > quality and offered:
            best, quality = offered, range_.quality
    return best


def reader_language(request: Request) -> str:
    """Returns the language of pages for a request: ?lang=, else Accept-Language."""
    return language(request.header("Accept-Language"), request.args.get("lang"))


def best_of(accept: str, offers: Sequence[Sequence[str]]) -> tuple[int, str] | None:
    """Returns the position of the accepted offer and the media type by which it is accepted, or None if none is.

    An offer is the media types of one representation, its own first. Among equally accepted offers the first is
    returned.
    """
    if not accept:
        return 0, offers[0][0]
    ranges = list(_ranges(accept))
    named_types = _named_types(ranges)
    # The JSON of a client that names JSON-LD is JSON-LD.
    general = {"application/json"} if "application/ld+json" in named_types else set()
    rated = [
        # The order of the offers is the server's preference, so the place in the header does not count.
        (*_weighted(rating, type_, named_types)[:3], type_ == own and own not in general, -position, type_)
        for position, (own, *others) in enumerate(offers)
        for rating, type_ in _rated_types(own, others, ranges)
    ]
    if not rated:
        return None
    *_, position, type_ = max(rated)
    return -position, type_


def encoding(accept_encoding: str, codings: Sequence[str] = ENCODINGS) -> str | None:
    """Returns the content coding that a client prefers, or None. Among equals, the first of `codings` is chosen."""
    if not accept_encoding:
        return None
    qualities = {range_.name: range_.quality for range_ in _ranges(accept_encoding)}
    anything = qualities.get("*", 0.0)
    best = max(codings, key=lambda name: qualities.get(name, anything))
    quality = qualities.get(best, anything)
    return best if quality > 0 and quality >= qualities.get("identity", 0.0) else None


# Clients send the same few headers again and again.
@kept_by_short_texts(512)
def formats_of(accept: str, format_name: str | None) -> AcceptedFormats:
    """Returns what `accepted_formats` returns, which is kept."""
    return accepted_formats(accept, format_name)


@kept_by_short_texts(512)
def coding_of(accept_encoding: str) -> str | None:
    """Returns the preferred one of all content codings, which is kept."""
    return encoding(accept_encoding)


def _by_name(format_name: str) -> AcceptedFormats:
    # A plus sign in an address is read as a space.
    name = format_name.strip().casefold().replace(" ", "+")
    if name in {"html", *HTML}:
        return AcceptedFormats((), html=True)
    format_ = named(name, FORMATS)
    if format_ is None:
        raise _not_acceptable(FORMATS, f"{format_name[:80]!r} is not a supported format", by_name=True)
    also = _ALSO.get(ALIASES.get(name, name)) or _ALSO_TYPES.get(name)
    return AcceptedFormats((format_.name, also) if also else (format_.name,))


def other_types(format_: Format) -> tuple[str, ...]:
    """Returns the media types other than its own by which a format may be accepted."""
    also = (type_ for type_, name in _ALSO_TYPES.items() if name == format_.name)
    return (*format_.media_types[1:], *also)


def _ratings(format_: Format, ranges: list[_Range]) -> Iterator[tuple[_Rating, str]]:
    return _rated_types(format_.media_type, other_types(format_), ranges)


def _rated_types(own: str, others: Sequence[str], ranges: list[_Range]) -> Iterator[tuple[_Rating, str]]:
    """Yields the ratings of a format: by its own media type, and by each other type that the client accepts."""
    rating = _rate(own, ranges)
    if rating is not None:
        yield rating, own
    for range_ in ranges:
        if range_.name in others and range_.quality > 0:
            yield (range_.quality, _EXACT, 0, -range_.place), range_.name


def _rate(media_type: str, ranges: list[_Range]) -> _Rating | None:
    """Returns the rating by the most specific range that covers a media type, or None if it is not accepted."""
    subtypes = media_type.partition("/")[0] + "/*"
    for specificity, name in ((_EXACT, media_type), (_SUBTYPES, subtypes), (_ANYTHING, "*/*")):
        for range_ in ranges:
            if range_.name == name:
                return (range_.quality, specificity, 0, -range_.place) if range_.quality > 0 else None
    return None


def _named_types(ranges: Iterable[_Range]) -> frozenset[str]:
    """Returns the media types that are accepted by their names."""
    return frozenset(range_.name for range_ in ranges if range_.quality > 0)


def _weighted(rating: _Rating, media_type: str, named_types: frozenset[str]) -> _Rating:
    """Returns a rating with the server's own preferences (RFC 9110, 12.4.2)."""
    quality, specificity, _, place = rating
    if media_type in _QUADS and not named_types.isdisjoint(_TRIPLES):
        quality *= _QUADS_QUALITY
    is_preferred = specificity == _EXACT and media_type == _READ_BY_MOST
    return quality, specificity, int(is_preferred), place


def _html(ranges: list[_Range], ratings: list[_Rating]) -> bool:
    """Returns whether HTML is accepted by name and preferred to all else, as by browsers and not by programs."""
    quality = max((range_.quality for range_ in ranges if range_.name in HTML), default=0.0)
    by_name = max((rating for rating, specificity, _, _ in ratings if specificity == _EXACT), default=0.0)
    by_wildcard = max((rating for rating, specificity, _, _ in ratings if specificity != _EXACT), default=0.0)
    return quality > by_name and quality >= by_wildcard


def _first_of_each_kind(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the first name for each kind of result, in a fixed order: equivalent headers have equal results."""
    first: dict[Kind, str] = {}
    for name in names:
        for kind in BY_NAME[name].kinds:
            first.setdefault(kind, name)
    chosen = [first[kind] for kind in (Kind.SOLUTIONS, Kind.BOOLEAN, Kind.GRAPH) if kind in first]
    return tuple(dict.fromkeys(chosen))


def _ranges(header: str) -> Iterator[_Range]:
    """Yields the ranges of a header with their q-values. A malformed q-value is 0 (RFC 9110, 12.4.2)."""
    for place, part in enumerate(header.split(",", _MOST_RANGES)[:_MOST_RANGES]):
        name, *parameters = part.split(";")
        name = name.strip().casefold()
        if name:
            yield _Range(name, _quality(parameters), place)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().casefold() == "q":
            try:
                return min(max(float(value.strip()), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _not_acceptable(
    formats: Iterable[Format], reason: str = "none of the accepted types is one we make", *, by_name: bool = False
) -> NotAcceptable:
    formats = tuple(formats)
    offered = tuple(format_.media_type for format_ in formats)
    # Named as the client named its own.
    listed = [format_.name for format_ in formats] if by_name else offered
    return NotAcceptable(f"{reason}; there are {', '.join(listed)}", offered)
