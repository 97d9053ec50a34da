"""The folder in which a build works, and the journal by which the next build continues an interrupted one."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from citygraph.errors import BadData, Conflict, EnginesDisagree, Violations
from citygraph.release.folder_locks import file_lock, is_abandoned
from citygraph.release.outputs import sha256
from citygraph.release.releases import CURRENT, Release, Releases, Staged
from citygraph.saving import replace_text

FOLDER = ".building"
# The statements of the release: without them no other step can be continued.
STORE = "store"
_JOURNAL = "journal.json"
# These steps may be complete; all others are repeated.
_STEPS = (STORE, "index", "dump", "tables")
# RocksDB keeps its own records in these, and makes them anew.
_NOT_KEPT = ("LOCK", "LOG")
# The same inputs would fail again.
_FINAL = (BadData, Violations, Conflict, EnginesDisagree)


class Journal:
    """The complete steps of a build, each with its facts and the SHA-256 of its files.

    The journal is a file in the folder of the build, beside the folder `release`. It begins with its own SHA-256.
    """

    def __init__(self, folder: Path, inputs: str, begun: str, release: str) -> None:
        self.folder = folder
        self.inputs = inputs
        self.begun = begun
        self.release = folder / release
        self.steps: dict[str, dict[str, Any]] = {}
        self._awaited: tuple[Callable[[], bool], str, dict[str, Any], Iterable[Path]] | None = None

    @property
    def clock(self) -> str:
        """The time of day at which the build began, on the clock of the machine."""
        return f"{datetime.fromisoformat(self.begun).astimezone():%H:%M}"

    @property
    def next_step(self) -> str:
        """The first step that is not complete."""
        return next((name for name in _STEPS if name not in self.steps), "quality")

    def perform(self, name: str, make: Callable[[], dict[str, Any]], paths: Iterable[Path]) -> dict[str, Any]:
        """Returns the facts of a step. Unless it is complete, `make` makes its files in `paths`, and returns them."""
        if name not in self.steps:
            self.complete(name, make(), paths)
        facts: dict[str, Any] = self.steps[name]["facts"]
        return facts

    def complete(self, name: str, facts: dict[str, Any], paths: Iterable[Path]) -> None:
        """Records a step as complete: its facts, and the files of it or of its folders."""
        self.settle()
        self.steps[name] = {"facts": facts, "files": self._digests(paths)}
        values = {"inputs": self.inputs, "begun": self.begun, "release": self.release.name, "steps": self.steps}
        text = json.dumps(values)
        replace_text(self.folder / _JOURNAL, f"{_digest(text)}\n{text}\n")

    def complete_when(
        self, is_done: Callable[[], bool], name: str, facts: dict[str, Any], paths: Iterable[Path]
    ) -> None:
        """Records a step of another process, if it `is_done` now, or else when it is at the end of a later step."""
        self._awaited = (is_done, name, facts, paths)
        self.settle()

    def settle(self) -> None:
        """Records the step of the other process, if it is done."""
        if self._awaited and self._awaited[0]():
            _, name, facts, paths = self._awaited
            self._awaited = None
            self.complete(name, facts, paths)

    def digests(self) -> dict[str, str]:
        """Returns the SHA-256 of the release's files that the complete steps have made, by path in the release."""
        inside = f"{self.release.name}/"
        return {name.removeprefix(inside): known for name, known in self._files() if name.startswith(inside)}

    def is_whole(self) -> bool:
        """Returns whether every file of the complete steps is as it was recorded."""
        try:
            return all(sha256(self.folder / name) == known for name, known in self._files())
        except OSError:
            return False

    def remove_other_files(self) -> None:
        """Removes the files of steps that are not complete, and the folders that are empty without them."""
        known = {self.folder / name for name, _ in self._files()} | {self.folder / _JOURNAL, self.folder / "lock"}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir():
                with suppress(OSError):  # it is not empty
                    path.rmdir()
            elif path not in known:
                path.unlink()

    def _files(self) -> Iterator[tuple[str, str]]:
        for step in self.steps.values():
            yield from step["files"].items()

    def _digests(self, paths: Iterable[Path]) -> dict[str, str]:
        files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
        return {
            str(file.relative_to(self.folder)): sha256(file) for file in files if not file.name.startswith(_NOT_KEPT)
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(folder: Path) -> Journal | None:
    """Returns the journal of a folder; None if it has none, or a damaged one."""
    with suppress(OSError, ValueError):
        digest, text, _ = (folder / _JOURNAL).read_text(encoding="utf-8").split("\n")
        if digest == _digest(text):
            values = json.loads(text)
            journal = Journal(folder, values["inputs"], values["begun"], values["release"])
            journal.steps = values["steps"]
            return journal
    return None


def _journal(folder: Path, inputs: str, fresh: bool, notice: Callable[[str], None]) -> Journal:
    """Returns the journal of the build that is to be continued, or that of a new build in an empty folder."""
    former = _read(folder)
    if former:
        if not (reason := _reason_to_remove(former, inputs, fresh)):
            former.remove_other_files()
            notice(f"continues the build of {former.clock} from step {former.next_step}")
            return former
        notice(f"removes what is left of the interrupted build of {former.clock}: {reason}")
    _empty(folder)
    # A name of its own: a process of the former build may be writing at this moment.
    release = tempfile.mkdtemp(prefix="release-", dir=folder)
    return Journal(folder, inputs, datetime.now(UTC).isoformat(), Path(release).name)


def _reason_to_remove(former: Journal, inputs: str, fresh: bool) -> str:
    if fresh:
        return "a fresh build was requested"
    if former.inputs != inputs:
        return "the files, the settings, the day, the program or the current release are others now"
    if STORE not in former.steps:
        return "its store was not complete"
    return "" if former.is_whole() else "its files are incomplete"


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "lock":
            path.unlink()


@contextmanager
def stage_build(
    releases: Releases,
    inputs: Callable[[Release | None], str],
    fresh: bool,
    notice: Callable[[str], None],
) -> Iterator[tuple[Staged, Journal]]:
    """Yields a staged release for a build, and its journal, which may be that of an interrupted build.

    `inputs` returns the digest of everything that the build depends on, for the release that it follows. After an
    interruption or an error of the machine, what is complete is left for the next build. The store of a new
    build is in memory.
    """
    with _workplace(releases) as (folder, parent):
        journal = _journal(folder, inputs(parent), fresh, notice)
        path = str(journal.release / "store")
        store = Store.read_only(path) if journal.steps else Store()
        staged = Staged(releases, journal.release, parent, store)
        del store
        keeps = False
        try:
            yield staged, journal
        except BaseException as error:
            journal.settle()
            keeps = STORE in journal.steps and not isinstance(error, _FINAL)
            if keeps:
                notice(f"the next build continues from step {journal.next_step} (--fresh: from the beginning)")
            raise
        finally:
            staged.close()
            if not keeps:
                _empty(folder)


@contextmanager
def _workplace(releases: Releases) -> Iterator[tuple[Path, Release | None]]:
    """Yields the folder for a build and the current release. The folder is removed unless a build can continue in it.

    While another build works in the folder, it is one that no build will continue.
    """
    releases.sweep()
    with ExitStack() as stack:
        with releases.locked():
            parent, folder = _parent(releases), _free_folder(releases, stack)
        if not folder:
            yield stack.enter_context(releases.private())
            return
        try:
            yield folder, parent
        finally:
            _remove(releases, folder)


def _parent(releases: Releases) -> Release | None:
    """Returns the current release, None before the first one.

    Raises Conflict if there are releases but none is current: a build without its parent would drop what the API wrote.
    """
    parent = releases.current_or_none()
    if parent is None and (history := releases.history()):
        raise Conflict(
            f"none of the {len(history)} release(s) in {releases.root} is current: a build would leave out all graphs "
            f"that were written through the API. Restore the link {CURRENT}, or publish the newest release again with "
            f"`citygraph rollback {history[0].id}`, then build"
        )
    return parent


def _free_folder(releases: Releases, stack: ExitStack) -> Path | None:
    """Returns the folder of interrupted builds, locked for `stack`; None if a build works in it."""
    folder = releases.root / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    if not is_abandoned(folder):
        return None
    stack.enter_context(file_lock(folder / "lock"))
    return folder


def _remove(releases: Releases, folder: Path) -> None:
    """Removes the folder of interrupted builds, whose lock is held, if it is empty."""
    # An error here must not replace that of the build. A process of a killed build may still write into the folder, so
    # that it is not empty.
    with suppress(OSError):
        if any(path.name != "lock" for path in folder.iterdir()):
            return
        # Under the lock of all releases, under which other builds take that of the folder.
        with releases.locked():
            (folder / "lock").unlink()
            folder.rmdir()


def interrupted_size(releases: Releases) -> int:
    """Returns the bytes that an interrupted build has left, or that a running one has written."""
    return sum(path.stat().st_size for path in (releases.root / FOLDER).rglob("*") if path.is_file())


def remove_interrupted(releases: Releases) -> None:
    """Removes what an interrupted build has left; what a running build has made stays."""
    with ExitStack() as stack:
        with releases.locked():
            folder = _free_folder(releases, stack)
        # Without the lock of all releases, which commits wait for.
        if folder:
            _empty(folder)
            _remove(releases, folder)
