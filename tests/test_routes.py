"""The route table, and what is made from it."""

from __future__ import annotations

from pathlib import Path

from citygraph.web.http.routes import ROUTES, as_markdown

_PAGE = Path(__file__).parents[1] / "docs" / "addresses.md"


def test_the_documentation_lists_the_route_table() -> None:
    """The head of the page names the command that makes it."""
    assert _PAGE.read_text(encoding="utf-8") == as_markdown() + "\n"


def test_each_address_is_described_once_for_a_method() -> None:
    """Two routes of an address differ in their methods."""
    pairs = [(route.pattern, method) for route in ROUTES for method in route.methods]
    assert len(pairs) == len(set(pairs))
