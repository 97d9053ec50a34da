"""Small replies that are made whole: the variant that a request accepts, and the reply with its validators."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from citygraph.errors import NotAcceptable, UsageError
from citygraph.rdf.formats import ALIASES, Kind, content_type_of, of_kind
from citygraph.text import in_ascii
from citygraph.web.http.bodies import SMALLEST, compress
from citygraph.web.http.messages import FOR_EVER as FOR_EVER
from citygraph.web.http.messages import FRESH as FRESH
from citygraph.web.http.messages import Reply, Request, coded_tag, is_unmodified
from citygraph.web.http.negotiation import best_of, encoding, other_types

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
# Parameters of all these addresses; the last ones are read in front of the views.
_COMMON = frozenset({"format", "lang", "_cite", "accessed", "history"})
# Of Google Analytics, Matomo, advertisements, social networks and newsletters. Scripts (jQuery, `cache: false`) and
# some feed readers append a number named _ to avoid caches.
_TRACKING = re.compile(
    r"(?:utm|mtm)_[a-z_]+|pk_(?:campaign|kwd|source|medium|content)|_g[al]|srsltid|(?:d|fb|g|ms|tt|tw|y)clid|[gw]braid|li_fat_id|igsh(?:id)?|mc_[ce]id|"
    r"mkt_tok|_hs(?:enc|mi)|_",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Variant:
    """A variant of a resource: the value of ?format=, which is also the file extension, and its Content-Type.

    `other_types` are further media types by which it is accepted. `extension` is that of a saved file, if it is
    another one.
    """

    name: str
    content_type: str
    other_types: tuple[str, ...] = ()
    extension: str = ""

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters."""
        return self.content_type.partition(";")[0]


HTML = Variant("html", "text/html; charset=utf-8")
JSON = Variant("json", "application/json")
GRAPHS = tuple(
    Variant(format_.extension, format_.content_type, other_types(format_)) for format_ in of_kind(Kind.GRAPH)
)


def check_parameters(request: Request, *own: str) -> None:
    """Raises UsageError for a parameter that the address does not have: without a misspelt filter, data are wrong."""
    if not request.query:
        return
    unknown = next((name for name in request.args if name not in (*own, *_COMMON) and not is_tracking(name)), None)
    if unknown is not None:
        names = ", ".join((*own, "format", "lang"))
        raise UsageError(f"this address has no parameter {unknown[:80]!r}; it has: {names}")


def is_tracking(name: str) -> bool:
    """Returns whether a parameter is one that clients append to addresses of others."""
    return _TRACKING.fullmatch(name) is not None


def chosen(request: Request, variants: Sequence[Variant], extension: str = "") -> Variant:
    """Returns the wanted variant by extension, ?format= or Accept; the first one if anything is accepted.

    Raises NotAcceptable.
    """
    # A plus sign in an address is read as a space.
    name = extension or request.args.get("format", "").strip().casefold().replace(" ", "+")
    variant = _named(name, variants) if name else _accepted(request.header("Accept"), variants)
    if variant is None and name:
        names = ", ".join(one.name for one in variants)
        offered = tuple(one.media_type for one in variants)
        raise NotAcceptable(f"{name[:80]!r} is not available here; there are {names}", offered)
    if variant is None:
        offered = tuple(one.media_type for one in variants)
        raise NotAcceptable(f"none of the accepted types is available; available are {', '.join(offered)}", offered)
    return variant


def _named(name: str, variants: Sequence[Variant]) -> Variant | None:
    # A variant's own name comes before the other names of another: "json" is JSON before it is JSON-LD.
    own = (one for one in variants if name in (one.name, one.media_type))
    other = (one for one in variants if name in one.other_types or ALIASES.get(name) == one.name)
    return next(own, None) or next(other, None)


def _accepted(accept: str, variants: Sequence[Variant]) -> Variant | None:
    own = {one.media_type for one in variants}
    best = best_of(accept, [(one.media_type, *(t for t in one.other_types if t not in own)) for one in variants])
    if best is None:
        return None
    position, media_type = best
    variant = variants[position]
    return variant if media_type == variant.media_type else replace(variant, content_type=content_type_of(media_type))


def file_name(request: Request, extension: str, kind: str = "inline") -> str:
    """Returns the Content-Disposition with the name to save a reply under: that of its address, with an extension."""
    name = request.path.rstrip("/").rpartition("/")[2].removesuffix(f".{extension}") or "index"
    plain = _UNSAFE.sub("-", in_ascii(name))
    # The name in other letters is for browsers, all of which know it (RFC 6266, 4.3).
    other = "" if name.isascii() else f"; filename*=UTF-8''{quote(name, safe='')}.{extension}"
    return f'{kind}; filename="{plain}.{extension}"{other}'


def is_named(request: Request) -> bool:
    """Returns whether the reply needs a name of a file: an address with ?format= has no extension.

    Programs, which send Accept, give names themselves.
    """
    return bool(request.query) and bool(request.args.get("format"))


def split(path: str, variants: Sequence[Variant]) -> tuple[str, str]:
    """Returns a path without its extension, and the extension if a variant has it."""
    stem, dot, extension = path.rpartition(".")
    return (stem, extension) if dot and any(one.name == extension for one in variants) else (path, "")


def reply(request: Request, body: str | bytes, variant: Variant, language: str = "", cache: str = FRESH) -> Reply:
    """Returns the reply with a strong ETag of release and bytes, compressed as the client accepts, or 304."""
    data = body.encode() if isinstance(body, str) else body
    # With the release: caches keep the headers of their first response after a 304, and links depend on the release.
    hashed = data + f"\0{variant.content_type}\0{request.answering_release}".encode()
    tag = hashlib.blake2b(hashed, digest_size=15).hexdigest()
    coding = encoding(request.header("Accept-Encoding")) if len(data) >= SMALLEST else None
    headers = [
        ("Vary", "Accept, Accept-Language, Accept-Encoding"),
        ("Cache-Control", cache),
        ("ETag", coded_tag(tag, coding)),
    ]
    if language:
        headers.append(("Content-Language", language))
    if request.method in ("GET", "HEAD") and is_unmodified(request, tag):
        return Reply(304, headers)
    headers.append(("Content-Type", variant.content_type))
    if variant.name != HTML.name and is_named(request):
        headers.append(("Content-Disposition", file_name(request, variant.extension or variant.name)))
    if coding:
        headers.append(("Content-Encoding", coding))
        data = compress(data, coding)
    return Reply(200, headers, data)
