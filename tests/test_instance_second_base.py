"""The same data under two bases: every answer of the site is the same but for the base, and nothing has two names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.wikidata import differences
from tests.running import serving
from tests.second_base import FIRST, Ask, Site, asks, uncovered
from tests.wikidata.ours import TRIG
from tests.wikidata.test_diff import compared, tie

REPOSITORY = Path(__file__).parents[1]
SECOND = "https://veri.example.net/kent/"


def moved(text: str, base: str) -> str:
    """A text of the first instance under another base."""
    return re.sub(re.escape(FIRST) + "(?!ontology|shapes)", base, text)


def instance(folder: Path, base: str) -> Path:
    """İzmir's data under a base, built by the command."""
    shutil.copytree(REPOSITORY / "data", folder / "data")
    for path in (folder / "data").rglob("*.t*"):
        text = path.read_text(encoding="utf-8")
        path.write_text(moved(text, base), encoding="utf-8")
    (folder / "citygraph.toml").write_text(f'base = "{base}"\ntimezone = "Europe/Istanbul"\n', encoding="utf-8")
    changes = differences.to_json_text(compared(TRIG, tie("Q9000001", "Q9000002")), "2026-11-20T00:00:00Z")
    (folder / "comparison.json").write_text(moved(changes, base), encoding="utf-8")
    command = [sys.executable, "-m", "citygraph.cli", "--ontology", str(REPOSITORY / "ontology"), "build"]
    environment = {**os.environ, "CITYGRAPH_BASE": base, "CITYGRAPH_QUERIES": str(REPOSITORY / "queries")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def answers(stack: ExitStack, folder: Path, base: str) -> list[str]:
    """The answers of a site to every request."""
    token = Tokens(folder / "tokens.json").make(TokenHolder("tester"))
    own = {name: folder / name for name in ("data", "tokens.json", "audit.jsonl")}
    settings = {
        "base": base,
        "data": own["data"],
        "tokens": own["tokens.json"],
        "audit": own["audit.jsonl"],
        "wikidata_comparison": folder / "comparison.json",
        "ontology": REPOSITORY / "ontology",
        "queries": REPOSITORY / "queries",
        "workers": 1,
        "engines": 1,
    }
    releases = folder / "var" / "releases"
    running = stack.enter_context(serving(releases, folder / "server.log", **settings))
    site = Site(running, base, releases, token)
    return [site.answer(ask) for ask in asks()]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Ask, str, str]]]:
    """Each request with the answers under the first base and under the second, at the same time."""
    folders = [tmp_path_factory.mktemp("base") for _ in range(2)]
    bases = (FIRST, SECOND)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        built = list(pool.map(instance, folders, bases))
        first, second = pool.map(answers, (stack, stack), built, bases)
        yield list(zip(asks(), first, second, strict=True))


def test_every_route_is_asked() -> None:
    """With each of its methods (14 §1)."""
    assert not uncovered()


@pytest.mark.slow
def test_answers_differ_only_in_the_base(both: list[tuple[Ask, str, str]]) -> None:
    """Pages, tables, feeds, query results, problems, and what the API writes (14 §1)."""
    differing = [f"{ask}\n{_first_difference(one, two)}" for ask, one, two in both if one != two]
    assert not differing, f"{len(differing)} differ:\n" + "\n\n".join(differing[:20])


@pytest.mark.slow
def test_most_requests_succeed(both: list[tuple[Ask, str, str]]) -> None:
    """Two answers that are errors would be the same too easily."""
    refused = [str(ask) for ask, one, _ in both if not one.startswith(("2", "3"))]
    assert len(refused) < len(both) / 5, "\n".join(refused)


def _first_difference(one: str, two: str) -> str:
    pairs = zip(one.splitlines(), [*two.splitlines(), ""], strict=False)
    first = next(((a, b) for a, b in pairs if a != b), (one[-200:], two[-200:]))
    return "\n".join(f"  {line[:600]}" for line in first)
