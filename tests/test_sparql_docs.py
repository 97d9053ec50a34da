"""The tables of docs/sparql.md: they list what there is. Its examples are run by test_docs_blocks.py."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from citygraph.rdf.formats import FORMATS
from citygraph.settings import Settings
from citygraph.sparql.functions import FUNCTIONS

PAGE = (Path(__file__).parents[1] / "docs" / "sparql.md").read_text(encoding="utf-8")


def test_the_page_lists_what_there_is() -> None:
    """Formats, functions, and the limits of the service description with their defaults."""
    for format_ in FORMATS:
        assert f"| `{format_.name}` | `{format_.media_type}` |" in PAGE
    for function in FUNCTIONS:
        assert f"`{function.signature}`" in PAGE
    defaults = {field.name: field.default for field in fields(Settings)}
    assert (defaults["time_limit"], defaults["query_depth"], defaults["query_breadth"]) == (30.0, 200, 2000)
    assert (defaults["client_concurrency"], defaults["queue_wait"]) == (16, 5.0)
