"""The examples of docs/sparql.md: each runs against a real server and has the output that the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from urllib.parse import quote

import pytest

from citygraph.rdf.formats import FORMATS
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.sparql.functions import FUNCTIONS
from tests.running import Running, serving

Built = tuple[Releases, Release, Report]
PAGE = (Path(__file__).parents[1] / "docs" / "sparql.md").read_text(encoding="utf-8")
# An example, and the block after it, which is its output.
EXAMPLES = re.findall(r"```(sparql|sh|python)\n(.*?)```\n\n```(?:csv|text)\n(.*?)```", PAGE, re.DOTALL)
HERE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Running]:
    with serving(built[0].root) as running:
        yield running


@pytest.mark.parametrize(("kind", "text", "shown"), EXAMPLES, ids=[text[:40] for _, text, _ in EXAMPLES])
def test_an_example_does_what_the_page_says(server: Running, kind: str, text: str, shown: str) -> None:
    """Queries as they stand, commands in a shell, programs in Python."""
    text = text.replace(HERE, server.url)
    if kind == "sparql":
        reply = server.get(f"/sparql?format=csv&query={quote(text)}")
        assert reply.status == 200, reply.body
        said = reply.body.decode()
    else:
        command = ["bash", "-c", text] if kind == "sh" else [sys.executable, "-W", "ignore", "-c", text]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.replace("\r\n", "\n") == shown


def test_every_example_has_its_output() -> None:
    """Those in R alone are not run: there is no R among what we need."""
    blocks = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert len(EXAMPLES) == sum(block in {"sparql", "sh", "python"} for block in blocks)
    assert set(blocks) == {"sparql", "sh", "python", "csv", "text", "r"}


def test_the_page_lists_what_there_is() -> None:
    """Formats, functions, and the limits of the service description with their defaults."""
    for format_ in FORMATS:
        assert f"| `{format_.name}` | `{format_.media_type}` |" in PAGE
    for function in FUNCTIONS:
        assert f"`{function.signature}`" in PAGE
    defaults = {field.name: field.default for field in fields(Settings)}
    assert (defaults["time_limit"], defaults["query_depth"], defaults["query_breadth"]) == (30.0, 200, 2000)
    assert (defaults["client_concurrency"], defaults["queue_wait"]) == (16, 5.0)
