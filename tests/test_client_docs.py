"""The pages about clients: their programs run in order against a server, and print what the page shows."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs_blocks import blocks_of
from tests.running import Running

DOCS = Path(__file__).parents[1] / "docs"
HERE = "http://127.0.0.1:8000"


def programs(page: str, here: str) -> list[tuple[str, str]]:
    """Returns the programs of a page, which name this test, with their output."""
    blocks = [block for block in blocks_of(DOCS / page) if block.reason.startswith("run by: tests/test_client_docs.py")]
    assert len(blocks) >= 3, page
    return [(block.text.replace(HERE, here), block.output or "") for block in blocks]


def run(command: list[str], program: str) -> str:
    done = subprocess.run(command, input=program, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_about_python(izmir_site: Running) -> None:
    """Each block in the names of those before it (17)."""
    for library in ("pandas", "pyarrow", "geopandas"):
        pytest.importorskip(library, reason=f"{library} is not installed: docs/python.md is not run")
    names: dict[str, object] = {}
    for code, shown in programs("python.md", izmir_site.url):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)  # noqa: S102 - our own program
        assert out.getvalue() == shown, code


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("r.md", ["Rscript", "--encoding=UTF-8", "-"]),
        ("javascript.md", ["node", "--input-type=module", "-"]),
    ],
)
def test_the_pages_about_other_languages(izmir_site: Running, page: str, command: list[str]) -> None:
    """The blocks are one program (17)."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: docs/{page} is not run")
    blocks = programs(page, izmir_site.url)
    assert run(command, "\n".join(code for code, _ in blocks)) == "".join(shown for _, shown in blocks)
