"""The pages about clients: their programs run in order against a server, and print what the page shows."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import Running

DOCS = Path(__file__).parents[1] / "docs"
HERE = "http://127.0.0.1:8000"
# A program, and the block after it, which is its output; those after a comment "not run" are not run.
_BLOCK = re.compile(r"(<!-- not run[^\n]*\n)?```(\w+)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def programs(page: str, language: str, here: str) -> list[tuple[str, str]]:
    """Returns the programs of a page with their output."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [
        (code.replace(HERE, here), shown)
        for skip, name, code, shown in _BLOCK.findall(text)
        if name == language and not skip
    ]
    assert len(found) >= 3, page
    return found


def run(command: list[str], program: str) -> str:
    done = subprocess.run(command, input=program, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_about_python(izmir_site: Running) -> None:
    """Each block in the names of those before it (17)."""
    for library in ("pandas", "pyarrow", "geopandas"):
        pytest.importorskip(library, reason=f"{library} is not installed: docs/python.md is not run")
    names: dict[str, object] = {}
    for code, shown in programs("python.md", "python", izmir_site.url):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)  # noqa: S102 - our own program
        assert out.getvalue() == shown, code


@pytest.mark.parametrize(
    ("page", "language", "command"),
    [
        ("r.md", "r", ["Rscript", "--encoding=UTF-8", "-"]),
        ("javascript.md", "js", ["node", "--input-type=module", "-"]),
    ],
)
def test_the_pages_about_other_languages(izmir_site: Running, page: str, language: str, command: list[str]) -> None:
    """The blocks are one program (17)."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: docs/{page} is not run")
    blocks = programs(page, language, izmir_site.url)
    assert run(command, "\n".join(code for code, _ in blocks)) == "".join(shown for _, shown in blocks)
