"""The route table, and what is made from it."""

from __future__ import annotations

from pathlib import Path

from citygraph.web.http.routes import ROUTES, as_markdown
from citygraph.web.sparql.openapi import openapi

_PAGE = Path(__file__).parents[1] / "docs" / "addresses.md"


def test_the_documentation_lists_the_route_table() -> None:
    """The head of the page names the command that makes it."""
    assert _PAGE.read_text(encoding="utf-8") == as_markdown() + "\n"


def test_each_address_is_described_once_for_a_method() -> None:
    """Two routes of an address differ in their methods."""
    pairs = [(route.pattern, method) for route in ROUTES for method in route.methods]
    assert len(pairs) == len(set(pairs))


def test_the_description_of_the_api_has_every_address() -> None:
    """An operation for each method, with an id of its own."""
    paths = openapi((), "https://host.example", "1", "city/izmir")["paths"]
    assert {route.address for route in ROUTES} <= set(paths)
    ids = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert set(paths["/graphs/{path}"]) == {"get", "put", "post", "delete", "patch"}
