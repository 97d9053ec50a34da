"""What is made once for many tests: folders and results for all processes of a run, and processes that validate."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import pickle
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self

import pytest

from citygraph.build.dependencies import query_patterns
from citygraph.build.key_reads import key_reads
from citygraph.build.locations import locate
from citygraph.build.rule_reads import rule_reads
from citygraph.build.validation import Validation
from citygraph.report import Report
from citygraph.source.files import Sources

# The folder of a test run, in the environment of its processes.
SHARED_FOLDER = "TESTS_SHARED_FOLDER"


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """Returns a folder that the first process that asks for it makes: do not write to it."""
    if not (shared := os.environ.get(SHARED_FOLDER)):
        shared = mkdtemp(prefix="citygraph-")
        atexit.register(rmtree, shared)
    folder = Path(shared) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "is-made").exists():
            make(folder)
            (folder / "is-made").touch()
    return folder


class ReadOnce:
    """A function of a text that is called once for each text, whichever process of a run calls it.

    rdflib takes up to half a second to parse a query. An error is not kept: its text is read again.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self._known: dict[str, bytes] = {}

    def __call__(self, text: str) -> Any:
        """Returns a result of its own for each call, which the caller may change."""
        if text not in self._known:
            name = sha256(text.encode()).hexdigest()
            folder = made_once(f"{self._read.__name__}-{name}", lambda folder: self._write(text, folder))
            self._known[text] = (folder / "result").read_bytes()
        return pickle.loads(self._known[text])  # noqa: S301 - written below

    def _write(self, text: str, folder: Path) -> None:
        (folder / "result").write_bytes(pickle.dumps(self._read(text)))


def parse_queries_once(patch: pytest.MonkeyPatch) -> None:
    """Lets the builds and commits of this process parse only such rules, tables and shapes as no other has parsed."""
    patch.setattr("citygraph.build.tables.key_reads", ReadOnce(key_reads))
    patch.setattr("citygraph.build.excerpts.rule_reads", ReadOnce(rule_reads))
    for module in ("build.excerpts", "build.validation", "incremental.pattern_cache"):
        patch.setattr(f"citygraph.{module}.query_patterns", ReadOnce(query_patterns))


class KeptValidation(Validation):
    """Validation by the idle process of an earlier build, if one has loaded the same shapes.

    To start a process and load the shapes takes longer than to build a small graph.
    """

    def __init__(self, sources: Sources, idle: dict[str, list[KeptValidation]]) -> None:
        same = idle.setdefault(_loaded_from(sources), [])
        if same:
            vars(self).update(vars(same.pop()))
            self._today = sources.today
        else:
            super().__init__(sources)
            # Until its first response it may read the files, which the test may change.
            self._is_idle = False
        self._sources, self._same, self._with_places = sources, same, False

    def prepare(self, data: Path) -> None:
        """Begins to read, as `Validation.prepare` does. Without a validation after it, the process is not kept."""
        self._is_idle = False
        super().prepare(data)

    def start(self, data: Path, both: bool = False, with_places: bool = False) -> None:
        """Begins to validate, as `Validation.start` does."""
        self._is_idle, self._with_places = False, with_places
        super().start(data, both)

    def report(self) -> Report:
        """Returns the report, with places from the data files of this build, which the process does not know."""
        report = super().report()
        self._is_idle = True
        return locate(report, self._sources.data_files()) if self._with_places else report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process ends with the thread that started it.
        if self._is_idle and threading.current_thread() is threading.main_thread():
            self._same.append(self)
        else:
            self.end()

    def end(self) -> None:
        """Ends the process."""
        super().__exit__(None, None, None)


def _loaded_from(sources: Sources) -> str:
    """Returns what a process has loaded: all but the data, which each request names."""
    groups = (sources.ontology_files(), sources.shape_files())
    digests = [[sha256(file.path.read_bytes()).hexdigest() for file in files] for files in groups]
    own = sorted(item for item in os.environ.items() if item[0].startswith("CITYGRAPH_"))
    return json.dumps([digests, own, str(Path.cwd())])
