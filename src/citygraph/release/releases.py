"""Releases: immutable folders with a store and a manifest, staged in private and published by one rename."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pyoxigraph import Store

from citygraph.errors import Conflict, NotFound

CURRENT = "current"
_PINS = ".pins"
_STAGING = ".staging-"
_NEXT = ".next-"
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a release says of itself. Counts are of quads in the store; `graphs` maps a graph's IRI to its count."""

    id: str = ""
    created: str = ""
    parent: str | None = None
    digest: str = ""
    digest_total: str = ""
    inputs: str = ""
    quads: int = 0
    triples: int = 0
    graphs: dict[str, int] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    added: int = 0
    removed: int = 0
    commits: list[dict[str, Any]] = field(default_factory=list)  # what was written: author, message, time, counts
    versions: dict[str, str] = field(default_factory=dict)  # of graphs that were written to since the last build
    built: str = ""  # the release of that build; empty if it is this one
    number: int = 0  # one more than its parent's
    warnings: int = 0
    ontology_version: str = ""
    software_version: str = ""
    message: str = ""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # bytes and sha256 of each dump and table, by path


@dataclass(frozen=True)
class Release:
    """One published release. Its folder never changes."""

    path: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The name: time of publication and the first twelve digits of the digest."""
        return self.manifest.id

    @property
    def store_path(self) -> Path:
        """The folder of the pyoxigraph store."""
        return self.path / "store"

    def version_of(self, graph: str) -> str:
        """A name for what a graph holds: another when it was written to, or when a build may have changed it."""
        return self.manifest.versions.get(graph) or self.manifest.built or self.id

    def open_store(self) -> Store:
        """The store, read-only; several processes may hold it open."""
        return Store.read_only(str(self.store_path))


class Staged:
    """A release in the making: a private folder with a store that can be written, until it is published.

    `working` is the store if it goes on living afterwards: then what is published is a copy of it.
    """

    def __init__(self, releases: Releases, path: Path, parent: Release | None, working: Store | None = None) -> None:
        self._releases = releases
        self._is_working = working is not None
        self.path = path
        self.parent = parent
        self.store: Store | None = Store(str(path / "store")) if working is None else working

    def open(self) -> Store:
        """The store that is being filled."""
        if self.store is None:
            raise Conflict("this staged release is already published")
        return self.store

    def publish(self, manifest: Manifest) -> Release:
        """Make this the current release; its name and time are set here.

        Raises Conflict if another release was published since this one was staged.
        """
        if self._is_working:
            self.open().backup(str(self.path / "store"))
        else:
            self.open().flush()
        self.store = None  # closes it: RocksDB's lock must be gone before readers come
        return self._releases._publish(self, manifest)


class Working:
    """A copy of the current release's store that one process keeps open from one commit to the next.

    Opening a store and closing it again takes longer than a small change and a copy by hard links. It must hold what
    is published and nothing else: whoever cannot say that of it drops it.
    """

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._release_id = ""
        self._store: Store | None = None
        self._folder = ExitStack()

    def of(self, release: Release) -> Store:
        """The store, holding what this release holds."""
        if self._store is None or self._release_id != release.id:
            self.drop()
            path, _ = self._folder.enter_context(self._releases._private())
            release.open_store().backup(str(path / "store"))
            self._store, self._release_id = Store(str(path / "store")), release.id
        return self._store

    def is_now(self, release: Release) -> None:
        """What the store holds was published as this release."""
        self._release_id = release.id

    def drop(self) -> None:
        """Close the store and remove it. (A process that dies leaves it to `sweep`.)"""
        self._store = None
        self._folder.close()


class Releases:
    """The folder of all releases, with the link `current`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Release:
        """The release that is served. Raises NotFound if there is none."""
        return self.get(self.current_id())

    def current_id(self) -> str:
        """The name of the release that is served; costs one system call. Raises NotFound if there is none."""
        try:
            return str((self.root / CURRENT).readlink())
        except FileNotFoundError:
            raise NotFound(f"no release in {self.root}: make one with `citygraph build`") from None

    def get(self, release_id: str) -> Release:
        """The release of that name. Raises NotFound."""
        path = self.root / release_id
        if "/" in release_id or release_id.startswith(".") or not (path / _MANIFEST).is_file():
            raise NotFound(f"no release {release_id!r} in {self.root}")
        return Release(path, _read_manifest(path / _MANIFEST))

    def history(self) -> list[Release]:
        """All releases, the newest first."""
        if not self.root.is_dir():
            return []
        names = (p.name for p in self.root.iterdir() if not p.is_symlink() and (p / _MANIFEST).is_file())
        # Several releases may be of one second.
        return sorted(
            (self.get(name) for name in names),
            key=lambda release: (release.id[:18], release.manifest.number),
            reverse=True,
        )

    @contextmanager
    def stage(self, copy_of: Release | None = None, working: Working | None = None) -> Iterator[Staged]:
        """A staged release, empty or a copy (by hard links) of another; it is removed unless it gets published.

        With `working` the copy is made when it is published, and what is written is written there.
        """
        self.sweep()
        with self._private() as (path, parent):
            staged: Staged | None = None
            try:
                if copy_of is not None and working is not None:
                    staged = Staged(self, path, parent, working.of(copy_of))
                else:
                    if copy_of is not None:
                        copy_of.open_store().backup(str(path / "store"))
                    staged = Staged(self, path, parent)
                yield staged
            finally:
                if staged is not None:
                    staged.store = None

    @contextmanager
    def _private(self) -> Iterator[tuple[Path, Release | None]]:
        """A folder of our own, removed in the end unless it was renamed; and what is the current release now."""
        with ExitStack() as stack:
            with self._locked():
                # Whoever holds the folder finds each staged release with its lock, or abandoned.
                parent = self._current_or_none()
                path = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
                stack.callback(shutil.rmtree, path, ignore_errors=True)
                stack.enter_context(_held(path / "lock"))
            yield path, parent

    def sweep(self) -> int:
        """Remove what killed processes left behind; answers how many. What a live one stages is left alone."""
        if not any(True for pattern in (_STAGING, _NEXT) for _ in self.root.glob(pattern + "*")):
            return 0  # without the lock: a folder of releases may be one that can only be read
        with self._locked():
            left = [path for path in self.root.glob(_STAGING + "*") if _is_abandoned(path)]
            for link in self.root.glob(_NEXT + "*"):
                # Its process died while it published: the release may be there, and never became the current one.
                left += [self._hidden(path) for path in [self.root / link.readlink()] if path.is_dir()]
                link.unlink()
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _hidden(self, release: Path) -> Path:
        """The folder of a release, renamed: nobody must find half a release, not even after a crash."""
        return release.rename(self.root / f"{_STAGING}{release.name}")

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest `keep` releases and those that are pinned; answers the removed names.

        The current one always stays.
        """
        with self._locked():
            current = self._current_or_none()
            kept = {*self.pins(), current.id if current else ""}
            old = [release for release in self.history()[keep:] if release.id not in kept]
            for release in old:
                shutil.rmtree(self._hidden(release.path))
        return [release.id for release in old]

    def pin(self, release_id: str, reason: str) -> None:
        """Keep a release whatever is pruned: it is cited, for instance. Raises NotFound."""
        self.get(release_id)
        folder = self.root / _PINS
        folder.mkdir(exist_ok=True)
        (folder / release_id).write_text(reason + "\n", encoding="utf-8")

    def unpin(self, release_id: str) -> None:
        """Let a release go with the next pruning. Raises NotFound if it is not pinned."""
        try:
            (self.root / _PINS / release_id).unlink()
        except FileNotFoundError:
            raise NotFound(f"release {release_id!r} is not pinned") from None

    def pins(self) -> dict[str, str]:
        """The releases that are kept whatever is pruned, and why."""
        folder = self.root / _PINS
        if not folder.is_dir():
            return {}
        return {path.name: path.read_text(encoding="utf-8").strip() for path in sorted(folder.iterdir())}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to commit: one commit at a time is made from the current release."""
        self.root.mkdir(parents=True, exist_ok=True)
        with _held(self.root / ".writing"):
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder itself while releases come and go in it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with _held(self.root / ".lock"):
            yield

    def _publish(self, staged: Staged, manifest: Manifest) -> Release:
        with self._locked():
            current = self._current_or_none()
            if (current.id if current else None) != (staged.parent.id if staged.parent else None):
                raise Conflict("another release was published meanwhile: nothing was changed, try again")
            now = datetime.now(UTC)
            name = f"{now:%Y-%m-%dT%H%M%SZ}-{manifest.digest[:12]}"
            parent = staged.parent.id if staged.parent else None
            number = staged.parent.manifest.number + 1 if staged.parent else 1
            if (self.root / name).exists():
                # The same data in the same second: written, and taken back.
                name = f"{name}-{number}"
            manifest = replace(manifest, id=name, created=f"{now:%Y-%m-%dT%H:%M:%SZ}", parent=parent, number=number)
            _write_manifest(staged.path / _MANIFEST, manifest)
            (staged.path / "lock").unlink()
            _sync_tree(staged.path)
            staged.path.chmod(0o755)
            target = self.root / name
            self._make_current(staged.path, target)
        return Release(target, manifest)

    def _make_current(self, staged: Path, target: Path) -> None:
        """Rename the folder, then the link; while the link has its first name, `sweep` can undo this."""
        link = self.root / f"{_NEXT}{os.getpid()}"
        link.symlink_to(target.name)
        try:
            staged.rename(target)
            link.rename(self.root / CURRENT)
        except OSError:
            if target.exists():
                target.rename(staged)
            link.unlink()
            raise
        _sync(self.root)

    def _current_or_none(self) -> Release | None:
        try:
            return self.current()
        except NotFound:
            return None


def _read_manifest(path: Path) -> Manifest:
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Manifest(**values)


def _write_manifest(path: Path, manifest: Manifest) -> None:
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _held(path: Path) -> Iterator[IO[str]]:
    """Hold a lock file for the time of a block; the kernel lets go of it when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _is_abandoned(path: Path) -> bool:
    """Whether the process that staged this is gone: there is no lock, or nobody holds it any more."""
    with suppress(FileNotFoundError), (path / "lock").open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _sync_tree(path: Path) -> None:
    """Bring a folder to the disk, so that a power cut after the rename finds it whole."""
    for folder, _, files in os.walk(path):
        of_store = Path(folder).name == "store"
        for name in files:
            file = Path(folder, name)
            # RocksDB brings a table to the disk before it counts on it; one with two names is another release's too.
            if not (of_store and file.suffix == ".sst" and file.stat().st_nlink > 1):
                _sync(file)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
