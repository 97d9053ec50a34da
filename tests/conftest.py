"""What most tests stand on: no network but loopback, and the İzmir graph built once."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemBytecodeCache

from citygraph.build.build import build
from citygraph.commit.commit import Followup
from citygraph.commit.followup import followup_for
from citygraph.progress import Progress
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.source.files import Sources
from tests.running import Running, serving, wait_for
from tests.small import small_site
from tests.writing import Writable

REPOSITORY = Path(__file__).parents[1]


# What takes longest, from the longest on: on several cores it begins first, so that none is left alone at the end.
# (xdist keeps to it only with --no-loadscope-reorder, as in the Makefile: by itself it begins with the most tests.)
_LONG = (
    *("test_site", "test_curate_page", "test_workbench", "test_serve", "test_commit", "test_hostile", "test_links"),
    *("test_frozen_site", "test_bremen", "test_shapes", "test_curate", "test_export_into_files", "test_engines"),
    *("test_kills", "test_stored_queries", "test_full_disk", "test_main", "test_starter", "test_pull", "test_update"),
    *("test_build", "test_canary", "test_openrefine", "test_docs_blocks", "test_w3c", "test_admin"),
    *("test_index_update", "test_merging", "test_addresses_behind_proxies", "test_dump", "test_stored_results"),
    *("test_update_on_site", "test_xss", "test_frozen", "test_explore", "test_places", "test_people", "test_sources"),
    *("test_downloads", "test_sparql_docs", "test_ontology", "test_stored_queries_on_site", "test_stored_markup"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first; the tests of a file keep their order."""
    rank = {name: place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No test reaches the internet: connecting to anything but loopback or a Unix socket fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise PermissionError(f"a test tried to reach {address}")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _templates_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What one application in this process compiled, the next takes: most modules make one, and all the same pages."""
    kept = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    patch = pytest.MonkeyPatch()
    patch.setattr("citygraph.web.view.templates.Environment", partial(Environment, bytecode_cache=kept))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def sources() -> Sources:
    """The repository's own data and ontology."""
    return Sources(REPOSITORY / "data", REPOSITORY / "ontology", REPOSITORY / "queries")


@pytest.fixture(scope="session")
def built(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[Releases, Release, Report]:
    """The İzmir graph, built once for all tests of all workers, with its report. Do not write to it."""
    root, base = tmp_path_factory.mktemp("izmir") / "releases", tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "izmir-shared"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "report").exists():
            _, report = build(sources, Releases(shared / "releases"), Progress())
            (shared / "report").write_bytes(pickle.dumps(report))
    shutil.copytree(shared / "releases", root, symlinks=True)
    report = pickle.loads((shared / "report").read_bytes())  # noqa: S301 - written above
    return Releases(root), Releases(root).current(), report


@pytest.fixture(scope="session")
def izmir(built: tuple[Releases, Release, Report]) -> Release:
    """The release of the İzmir graph."""
    return built[1]


@pytest.fixture(scope="session")
def izmir_site(izmir: Release) -> Iterator[Running]:
    """`citygraph serve` over the İzmir graph, for tests that only read."""
    with serving(izmir.path.parent, workers=1, engines=2) as running:
        # /health says that the server lives; its engines still read the release.
        wait_for(lambda: running.get("/sparql?query=ASK%7B%7D").status == 200, 60)
        yield running


@pytest.fixture(scope="session")
def consequences(sources: Sources) -> Followup:
    """What commits entail by the repository's shapes and rules, which take two seconds to read: for `committed`."""
    return followup_for(Settings(data=sources.data, ontology=sources.ontology))


@pytest.fixture(scope="session")
def site_to_write(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    """A whole site over a small graph, with a token: for tests that write over HTTP, each to graphs of its own."""
    with small_site(tmp_path_factory.mktemp("site")) as running:
        yield running
