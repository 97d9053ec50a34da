"""Small answers that are made whole: which of the offered forms is wanted, and the response with its validators."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request, Response

from citygraph.errors import NotAcceptable
from citygraph.rdf.formats import Kind, of_kind
from citygraph.web.http.bodies import SMALLEST, compress
from citygraph.web.http.negotiation import encoding

FRESH = "public, max-age=60"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Offer:
    """A form that an address has: the value of ?format=, which is also the extension, and its Content-Type."""

    name: str
    content_type: str

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters."""
        return self.content_type.partition(";")[0]


HTML = Offer("html", "text/html; charset=utf-8")
JSON = Offer("json", "application/json")
GRAPHS = tuple(Offer(format_.extension, format_.content_type) for format_ in of_kind(Kind.GRAPH))


def chosen(request: Request, offers: Sequence[Offer], extension: str = "") -> Offer:
    """The wanted form by extension, ?format= or Accept; the first for one who takes anything.

    Raises NotAcceptable.
    """
    asked = extension or request.args.get("format", "").strip().casefold().replace(" ", "+")
    if asked:
        found = next((offer for offer in offers if asked in (offer.name, offer.media_type)), None)
    else:
        accepted = request.accept_mimetypes
        best = accepted.best_match([offer.media_type for offer in offers]) if accepted else offers[0].media_type
        found = next((offer for offer in offers if offer.media_type == best), None)
    if found is None:
        there_are = tuple(offer.media_type for offer in offers)
        raise NotAcceptable(f"none of the accepted types is made here; there are {', '.join(there_are)}", there_are)
    return found


def split(path: str, offers: Sequence[Offer]) -> tuple[str, str]:
    """A path without its extension, and the extension, if it is that of an offered form."""
    stem, dot, extension = path.rpartition(".")
    return (stem, extension) if dot and any(offer.name == extension for offer in offers) else (path, "")


def reply(request: Request, body: str | bytes, offer: Offer, language: str = "", cache: str = FRESH) -> Response:
    """The response: a strong ETag of the bytes, compressed as the client likes, 304 if it has them."""
    data = body.encode() if isinstance(body, str) else body
    tag = hashlib.blake2b(data + offer.content_type.encode(), digest_size=15).hexdigest()
    response = Response(content_type=offer.content_type)
    response.headers["Vary"] = "Accept, Accept-Language, Accept-Encoding"
    response.headers["Cache-Control"] = cache
    if language:
        response.headers["Content-Language"] = language
    coding = encoding(request.headers.get("Accept-Encoding", ""))
    if coding and len(data) >= SMALLEST:
        data, tag = compress(data, coding), f"{tag}-{coding}"
        response.headers["Content-Encoding"] = coding
    response.set_data(data)
    response.set_etag(tag)
    return response.make_conditional(request)  # type: ignore[return-value]
