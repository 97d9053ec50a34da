"""A site of the repository's own data, and the clients of other people that read it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.release.releases import Release
from tests.running import Running, serving

_FOLDER = Path(__file__).parent
_OLDEST_NODE = 20
# Runs a client in JavaScript: its name in run.mjs, and its arguments.
Node = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings of other people's code are theirs."""
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def installed(name: str) -> Any:
    """Returns a package of a client, or skips the test."""
    return pytest.importorskip(name, reason=f"the client {name} is not installed: `make test-clients` installs it")


def triples(site: Running, path: str) -> int:
    """Returns the number of triples at an address, as the parser of the store counts them."""
    reply = site.get(path, Accept="application/n-triples")
    assert reply.status == 200, reply
    return len({quad.triple for quad in parse(reply.body, RdfFormat.N_TRIPLES)})


@pytest.fixture(scope="session")
def site(izmir: Release) -> Iterator[Running]:
    """The site, as `citygraph serve` starts it."""
    with serving(izmir.path.parent) as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Node:
    """The clients in JavaScript. Skips the test without Node or its packages."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed, so that no client in JavaScript runs")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"Node is {version}, and the clients in JavaScript need {_OLDEST_NODE} or newer")
    if not (_FOLDER / "node_modules" / "installed").is_file():
        pytest.skip("the clients in JavaScript are not installed: `make test-clients` installs them by npm")

    def run(name: str, *arguments: str) -> Any:
        done = subprocess.run(
            [program, "run.mjs", name, *arguments],
            cwd=_FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run
