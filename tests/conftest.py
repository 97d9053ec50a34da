"""What most tests stand on: no network but loopback, and the İzmir graph built once."""

from __future__ import annotations

import fcntl
import gc
import itertools
import os
import pickle
import shutil
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
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
from tests.made_once import SHARED_FOLDER, KeptValidation, made_once, parse_queries_once
from tests.running import Running, serving, wait_for
from tests.small import build_small, keep_patterns, small_site
from tests.writing import Writable

REPOSITORY = Path(__file__).parents[1]

# On a busy machine an example takes long, to invent and to try.
hypothesis.settings.register_profile(
    "tests", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

# What takes longest, from the longest on: on several cores it begins first, so that none is left alone at the end.
# (xdist keeps to it only with --no-loadscope-reorder, as in the Makefile: by itself it begins with the most tests.)
_LONG = (
    *("site", "shapes", "curate", "curate_page", "docs_blocks", "serve", "workbench", "frozen_site"),
    *("hostile", "sheets_check", "commit", "build", "rebase", "engines", "store_writing", "partial_validation"),
    *("bremen", "storage", "relevant_triples", "stored_queries", "links", "commit_second_process", "rollback"),
    *("interrupted_build", "sheets_commands", "graph_client", "excerpts", "starter", "dump", "compare", "key_parts"),
    *("frozen", "write_commands", "wikidata_commands", "release_cache_replica", "supervisor_follows"),
    *("architecture", "validation", "validation_of_values", "xss", "ontology", "products", "index_update"),
    *("update", "graph_tools", "admin", "saving_commands", "notebooks", "merging", "export_into_files"),
    *("instance_vocabulary", "pull", "following", "kills", "update_on_site", "dependencies"),
    *("stored_queries_on_site", "canary", "main", "full_disk", "place_facts", "bounded_queries"),
    *("downloads", "disconnected_clients", "explore", "places", "sources", "backup"),
)


# Nothing that is imported or collected becomes garbage, and to look through it again and again takes long.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """One process of a run imports the tests first: the others find them compiled, which takes ten seconds."""
    with Path(__file__).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def pytest_collection_finish() -> None:
    """What is there now is looked through no more."""
    gc.enable()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first; the tests of a file keep their order."""
    rank = {f"test_{name}": place for place, name in enumerate(_LONG)}
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
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of what is made once for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    patch = pytest.MonkeyPatch()
    patch.setenv(SHARED_FOLDER, str(shared))
    yield shared
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _templates_compiled_once(_shared_folder: Path) -> Iterator[None]:
    """What one application compiled, the next takes: most modules make one, and all the same pages."""
    compiled = _shared_folder / "templates"
    compiled.mkdir(exist_ok=True)
    patch = pytest.MonkeyPatch()
    kept = FileSystemBytecodeCache(str(compiled))
    patch.setattr("citygraph.web.view.templates.Environment", partial(Environment, bytecode_cache=kept))
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _queries_parsed_once(_shared_folder: Path) -> Iterator[None]:
    """Builds in the processes of a run read the same queries: to parse those of all tables takes three seconds."""
    patch = pytest.MonkeyPatch()
    parse_queries_once(patch)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _validation_kept() -> Iterator[None]:
    """Builds in this process share a process that validates; commands and servers of their own start one each."""
    idle: dict[str, list[KeptValidation]] = {}
    patch = pytest.MonkeyPatch()
    for module in ("build", "validation"):
        patch.setattr(f"citygraph.build.{module}.Validation", partial(KeptValidation, idle=idle))
    yield
    patch.undo()
    for validation in itertools.chain(*idle.values()):
        validation.end()


@pytest.fixture(scope="session")
def sources() -> Sources:
    """The repository's own data and ontology."""
    return Sources(REPOSITORY / "data", REPOSITORY / "ontology", REPOSITORY / "queries")


@pytest.fixture(scope="session")
def built(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[Releases, Release, Report]:
    """The İzmir graph, built once for all tests of all workers, with its report. Do not write to it."""

    def make(shared: Path) -> None:
        releases = Releases(shared / "releases")
        _, report = build(sources, releases, Progress())
        keep_patterns(releases.root)
        (shared / "report").write_bytes(pickle.dumps(report))

    shared = made_once("izmir", make)
    root = tmp_path_factory.mktemp("izmir") / "releases"
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
        wait_for(lambda: running.get("/sparql?query=ASK%7B%7D").status == 200)
        yield running


@pytest.fixture(scope="session")
def consequences(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Followup:
    """What commits entail by the repository's shapes and rules, which take long to read: for `committed`."""
    release = build_small(tmp_path_factory.mktemp("consequences"))
    return followup_for(Settings(data=sources.data, ontology=sources.ontology, releases=release.path.parent))


@pytest.fixture(scope="session")
def site_to_write(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    """A whole site over a small graph, with a token: for tests that write over HTTP, each to graphs of its own."""
    with small_site(tmp_path_factory.mktemp("site")) as running:
        yield running
