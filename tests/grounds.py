"""The ground of a page over a release, as tests of layouts need it."""

from __future__ import annotations

from collections.abc import Mapping

from citygraph.rdf.terms import BASE
from citygraph.release.releases import Release
from citygraph.web.http.addresses import Addresses
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.translations import Translations


def context_of(
    release: Release, language: str = "en", view: Mapping[str, str] | None = None, today: str = "2026-11-22"
) -> PageContext:
    """A ground on which nothing was asked yet."""
    opened, words, addresses = OpenRelease(release, BASE), Translations(language), Addresses(BASE)
    return PageContext(opened, words, addresses, StatementTable(opened, words, addresses), "", view or {}, today)
