"""The request for a page: its language, its addresses and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from citygraph.settings import Settings
from citygraph.web.http.addresses import Addresses, addresses_of
from citygraph.web.http.messages import Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.view.translations import Translations


def page_request_of(request: Request, settings: Settings) -> PageRequest:
    """Returns the page request of an HTTP request."""
    addresses, _ = addresses_of(request, settings.base, settings.trusted_proxies)
    return PageRequest(
        Translations(reader_language(request)), addresses, request.query_string.decode("ascii", "replace")
    )


@dataclass(frozen=True)
class PageRequest:
    """The translations, the addresses of the site, and the query string of the request for a page.

    `at` is "" or the ISO date for which the graph is shown, `view` the sort order and search text of tables, `today`
    the ISO date of the request, "" where a release is requested at its own address.
    """

    translations: Translations
    addresses: Addresses
    query: str = ""
    at: str = ""
    view: Mapping[str, str] = field(default_factory=dict)
    today: str = ""
    site: str = ""  # scheme, host and the path in front; "" where no whole addresses are needed

    def in_language(self, language: str) -> str:
        """Returns the address of this page in a language, or without one, so that Accept-Language decides."""
        # Not parsed: parameters keep their order and spelling.
        others = [p for p in self.query.split("&") if p and not p.startswith("lang=")]
        return "?" + "&".join([*others, f"lang={language}"] if language else others)

    def turned(self, **parameters: object) -> str:
        """Returns the address with other parameters, such as `page`, `kind` or `at`; those that are "" are removed."""
        # An empty parameter is dropped, so that each page has one address.
        others = {name: value for name, value in parse_qsl(self.query) if name not in parameters}
        return "?" + urlencode({**others, **{name: value for name, value in parameters.items() if value}})
