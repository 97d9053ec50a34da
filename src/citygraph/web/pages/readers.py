"""Who reads a page: in which language, at which addresses, and what was asked."""

from __future__ import annotations

from flask import Request

from citygraph.settings import Settings
from citygraph.web.answering.answers import addresses_of, reader_language
from citygraph.web.pages.render import Reader
from citygraph.web.pages.words import Words


def reader_of(request: Request, settings: Settings) -> Reader:
    """Who sent a request."""
    addresses, _ = addresses_of(request, settings.base, settings.trusted_proxies)
    return Reader(Words(reader_language(request)), addresses, request.query_string.decode("ascii", "replace"))
