"""Who reads a page: in which language, at which addresses, and what was asked."""

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
    """Who sent a request."""
    addresses, _ = addresses_of(request, settings.base, settings.trusted_proxies)
    return PageRequest(
        Translations(reader_language(request)), addresses, request.query_string.decode("ascii", "replace")
    )


@dataclass(frozen=True)
class PageRequest:
    """Who reads: the words of the language, the addresses of the site, what stands after the question mark.

    `at` is "" or the ISO date on which the graph is looked at, `view` how tables are sorted and what is looked for in
    them, `today` the ISO date of the reading, "" where a release is read at its own address.
    """

    translations: Translations
    addresses: Addresses
    query: str = ""
    at: str = ""
    view: Mapping[str, str] = field(default_factory=dict)
    today: str = ""
    site: str = ""  # scheme, host and the path in front; "" where no whole addresses are needed

    def in_language(self, language: str) -> str:
        """The same address in another language, or in the one that a visitor's own program asks for."""
        kept = [p for p in self.query.split("&") if p and not p.startswith("lang=")]
        return "?" + "&".join([*kept, f"lang={language}"] if language else kept)

    def turned(self, **asked: object) -> str:
        """The same address with another `page`, `kind` or day; what is "" falls away."""
        kept = {name: value for name, value in parse_qsl(self.query) if name not in asked}
        return "?" + urlencode({**kept, **{name: value for name, value in asked.items() if value}})
