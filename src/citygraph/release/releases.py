"""Releases: immutable folders with a store and a manifest, staged in private and published by one rename."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar, Token
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from citygraph.errors import Conflict, NewerRelease, NotFound
from citygraph.release.folder_locks import file_lock, is_abandoned, sync_tree
from citygraph.release.format_version import require_readable
from citygraph.saving import naming_full_disk, sync

CURRENT = "current"
_PINS = ".pins"
_STAGING = ".staging-"
_NEXT = ".next-"
_MANIFEST = "manifest.json"
# RocksDB's own log of files grows with each commit while the store is open, by 5 kB, and each release has a copy.
_MOST_COMMITS = 20


@dataclass(frozen=True)
class Manifest:
    """The metadata of a release. Counts are of quads in the store; `graphs` maps the IRI of a graph to its count."""

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
    commits: list[dict[str, Any]] = field(default_factory=list)  # author, message, time and counts of each
    versions: dict[str, str] = field(default_factory=dict)  # of the graphs changed by commits since the last build
    built: str = ""  # the release of that build; empty if it is this one
    number: int = 0  # one more than that of the parent
    warnings: int = 0
    ontology_version: str = ""
    software_version: str = ""
    format: int = 1
    message: str = ""
    # Contents of source files that a rollback undid: SHA-256 by file, "" for a file that did not exist.
    undone: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # bytes and sha256 of each dump and table, by path


@dataclass(frozen=True)
class Release:
    """A published release. Its folder never changes."""

    path: Path
    manifest: Manifest

    @cached_property
    def id(self) -> str:
        """The name: the time of publication and the first twelve digits of the digest."""
        return self.manifest.id

    @property
    def store_path(self) -> Path:
        """The folder of the pyoxigraph store."""
        return self.path / "store"

    def version_of(self, graph: str) -> str:
        """Returns the version of a graph, which changes with each commit to the graph and with each build."""
        return self.manifest.versions.get(graph) or self.manifest.built or self.id

    def open_store(self) -> Store:
        """Opens the store read-only; several processes may have it open."""
        return Store.read_only(str(self.store_path))


class Staged:
    """A release that is not published yet: a private folder with a writable store.

    The store is in the folder `store`. That of a working copy is elsewhere and stays open: a copy of it is published.
    A build may have its store in memory; it closes it when the folder has all.
    """

    def __init__(
        self, releases: Releases, path: Path, parent: Release | None, store: Store, is_working: bool = False
    ) -> None:
        self._releases = releases
        self._is_working = is_working
        self.path = path
        self.parent = parent
        self.store: Store | None = store

    @property
    def store_path(self) -> Path:
        """The folder of the store."""
        return self.path / "store"

    def open(self) -> Store:
        """Returns the store. Raises Conflict after publication."""
        if self.store is None:
            raise Conflict("this staged release is already published")
        return self.store

    def copy_store(self) -> Path:
        """Copies the store of a working copy for publication, once: it must not change any more."""
        if not self.store_path.exists():
            self.open().backup(str(self.store_path))
        return self.store_path

    def close(self) -> None:
        """Closes the store. RocksDB's lock is released if nobody else holds the store."""
        self.store = None

    def publish(self, manifest: Manifest) -> Release:
        """Makes this the current release, and sets its name and time.

        Raises Conflict if another release was published since this one was staged.
        """
        if self._is_working:
            self.copy_store()
        elif self.store is not None:
            self.store.flush()
        self.close()  # before readers open it
        return self._releases._publish(self, manifest)


class WorkingCopy:
    """A copy of the current release's store that a process keeps open between commits.

    It must equal the published release: after an error the owner drops it.
    """

    # To open and close a store takes longer than a small change and a copy by hard links.

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._release_id = ""
        self._store: Store | None = None
        self._commits = 0
        self._folder = ExitStack()

    def store_of(self, release: Release) -> Store:
        """Returns the store, with the content of this release."""
        if self._store is None or self._release_id != release.id:
            self.drop()
            path, _ = self._folder.enter_context(self._releases.private())
            release.open_store().backup(str(path / "store"))
            self._store, self._release_id, self._commits = Store(str(path / "store")), release.id, 0
        return self._store

    def mark_published(self, release: Release) -> None:
        """Records that the content of the store has been published as this release."""
        self._release_id = release.id
        self._commits += 1
        if self._commits >= _MOST_COMMITS:
            self.drop()

    def drop(self) -> None:
        """Closes the store and removes it. (If the process dies, `sweep` removes it.)"""
        self._store = None
        self._folder.close()


# The current release for the response that a thread is making.
_AT: ContextVar[tuple[Releases, str] | None] = ContextVar("_AT", default=None)
CurrentToken = Token["tuple[Releases, str] | None"]


class Releases:
    """The folder of all releases, with the symbolic link `current`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._link = f"{root}/{CURRENT}"

    def current(self) -> Release:
        """Returns the current release. Raises NotFound if there is none."""
        return self.get(self.current_id())

    def fix_current(self, name: str = "") -> tuple[str, CurrentToken]:
        """Fixes the current release for this thread until `unfix_current`. Returns its name ("" for none) and a token.

        So a response is made from one release, even if another is published. Pass `name` if it has just been read.
        """
        if not name:
            with suppress(NotFound):
                name = self.current_id()
        return name, _AT.set((self, name) if name else None)

    def unfix_current(self, token: CurrentToken) -> None:
        """Lets the current release change again."""
        _AT.reset(token)

    def current_id(self) -> str:
        """Returns the name of the current release, by one system call. Raises NotFound if there is none."""
        at = _AT.get()
        if at is not None and at[0] is self:
            return at[1]
        try:
            # Not by pathlib, which takes four times as long: every request reads the link.
            return os.readlink(self._link)  # noqa: PTH115
        except FileNotFoundError:
            raise NotFound(f"no release in {self.root}: make one with `citygraph build`") from None

    def get(self, release_id: str) -> Release:
        """Returns the release of that name. Raises NotFound."""
        path = self.root / release_id
        # Names come from addresses: they must not lead out of the folder or into a staged release.
        if "/" in release_id or release_id.startswith(".") or not (path / _MANIFEST).is_file():
            raise NotFound(f"no release {release_id!r} in {self.root}")
        return read_release(path)

    def history(self) -> list[Release]:
        """Returns all releases, the newest first."""
        history = []
        for path in self.root.iterdir() if self.root.is_dir() else ():
            # A release may be pruned at this moment; a hidden folder is staged, or being removed.
            if not path.name.startswith(".") and not path.is_symlink():
                # After a return to an earlier version of citygraph, it may be unreadable.
                with suppress(NotFound, FileNotFoundError, NewerRelease):
                    history.append(self.get(path.name))
        # Several releases may have been published in one second, so the number decides.
        return sorted(history, key=lambda release: (release.id[:18], release.manifest.number), reverse=True)

    @contextmanager
    def stage(self, copy_of: Release | None = None, working: WorkingCopy | None = None) -> Iterator[Staged]:
        """Yields a staged release, empty or a copy (by hard links) of another; removes it unless it gets published.

        With `working` changes are written to the working copy, and copied at publication.
        """
        self.sweep()
        with self.private() as (path, parent):
            staged: Staged | None = None
            try:
                if copy_of is not None and working is not None:
                    staged = Staged(self, path, parent, working.store_of(copy_of), is_working=True)
                else:
                    if copy_of is not None:
                        copy_of.open_store().backup(str(path / "store"))
                    staged = Staged(self, path, parent, Store(str(path / "store")))
                yield staged
            finally:
                # Closes the store before its folder is removed.
                if staged is not None:
                    staged.close()

    @contextmanager
    def private(self) -> Iterator[tuple[Path, Release | None]]:
        """Yields a new private folder and the current release; removes the folder unless it was renamed."""
        with naming_full_disk(self.root), ExitStack() as stack:
            with self.locked():
                # Under the folder's lock, so that `sweep` never sees a new staged release without its own lock.
                parent = self.current_or_none()
                path = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
                stack.callback(shutil.rmtree, path, ignore_errors=True)
                stack.enter_context(file_lock(path / "lock"))
            yield path, parent

    def sweep(self) -> int:
        """Removes the staged releases of processes that have died, and returns their number."""
        if not any(True for pattern in (_STAGING, _NEXT) for _ in self.root.glob(pattern + "*")):
            return 0  # without the lock, because the folder may be read-only
        with self.locked():
            abandoned = [path for path in self.root.glob(_STAGING + "*") if is_abandoned(path)]
            for link in self.root.glob(_NEXT + "*"):
                # The process died during publication: the release may exist, but did not become the current one.
                abandoned += [self._hidden(path) for path in [self.root / link.readlink()] if path.is_dir()]
                link.unlink()
        for path in abandoned:
            shutil.rmtree(path, ignore_errors=True)
        return len(abandoned)

    def _hidden(self, release: Path) -> Path:
        """Renames the folder of a release before its removal, so that no reader finds half a release after a crash."""
        return release.rename(self.root / f"{_STAGING}{release.name}")

    def prune(self, keep: int | Callable[[list[Release]], set[str]], dry_run: bool = False) -> list[str]:
        """Removes all but the newest `keep` releases, or those `keep` names, the protected and the current one.

        Returns the names of the removed releases, or of those to be removed with `dry_run`.
        """
        from citygraph.release.changes import keep_deletions  # both import this module
        from citygraph.release.result_store import protected

        with self.locked():
            history = self.history()
            kept = {release.id for release in history[:keep]} if isinstance(keep, int) else keep(history)
            kept |= {*protected(self), *(one.id for one in [self.current_or_none()] if one)}
            old = [release for release in history if release.id not in kept]
            keep_deletions(self.root, () if dry_run else reversed(old))
            hidden = [self._hidden(release.path) for release in old if not dry_run]
        for path in hidden:  # without the lock, which commits wait for; after a kill, `sweep` removes the rest
            shutil.rmtree(path, ignore_errors=True)
        return [release.id for release in old]

    def pin(self, release_id: str, reason: str) -> None:
        """Protects a release from `prune`, for example because it is cited elsewhere. Raises NotFound."""
        self.get(release_id)
        (folder := self.root / _PINS).mkdir(exist_ok=True)
        (folder / release_id).write_text(reason + "\n", encoding="utf-8")

    def unpin(self, release_id: str) -> None:
        """Removes the pin of a release. Raises NotFound if it is not pinned."""
        if release_id not in self.pins():  # such as ../x/manifest.json, which is another file
            raise NotFound(f"release {release_id!r} is not pinned")
        (self.root / _PINS / release_id).unlink(missing_ok=True)

    def pins(self) -> dict[str, str]:
        """Returns the pinned releases, each with the reason."""
        folder = self.root / _PINS
        if not folder.is_dir():
            return {}
        return {path.name: path.read_text(encoding="utf-8").strip() for path in sorted(folder.iterdir())}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock for commits: one commit at a time is made from the current release."""
        self.root.mkdir(parents=True, exist_ok=True)
        with file_lock(self.root / ".writing"):
            yield

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock of the folder, for a short time, while releases are added or removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        with file_lock(self.root / ".lock"):
            yield

    def _publish(self, staged: Staged, manifest: Manifest) -> Release:
        with self.locked():
            current = self.current_or_none()
            if (current.id if current else None) != (staged.parent.id if staged.parent else None):
                raise Conflict("another release was published in the meantime: nothing was changed, try again")
            now = datetime.now(UTC)
            name = f"{now:%Y-%m-%dT%H%M%SZ}-{manifest.digest[:12]}"
            parent = staged.parent.id if staged.parent else None
            number = staged.parent.manifest.number + 1 if staged.parent else 1
            if (self.root / name).exists():
                # A change and its reversal within a second give the same time and digest.
                name = f"{name}-{number}"
            manifest = replace(manifest, id=name, created=f"{now:%Y-%m-%dT%H:%M:%SZ}", parent=parent, number=number)
            _write_manifest(staged.path / _MANIFEST, manifest)
            (staged.path / "lock").unlink(missing_ok=True)
            sync_tree(staged.path)
            staged.path.chmod(0o755)
            self._make_current(staged.path, self.root / name)
        return Release(self.root / name, manifest)

    def _make_current(self, staged: Path, target: Path) -> None:
        """Renames the folder, then the link; while the link has its first name, `sweep` can undo this."""
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
        sync(self.root)

    def current_or_none(self) -> Release | None:
        """Returns the current release, or None before the first one."""
        try:
            return self.current()
        except NotFound:
            return None


def link_file(source: Path, target: Path) -> None:
    """Gives a release a file of another release by a hard link, if it exists: releases never change."""
    with suppress(FileNotFoundError):
        target.hardlink_to(source)


def read_release(path: Path) -> Release:
    """Returns the release in a folder. Raises FileNotFoundError, NewerRelease."""
    values: dict[str, Any] = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
    require_readable(values, path.name)
    return Release(path, Manifest(**values))


def _write_manifest(path: Path, manifest: Manifest) -> None:
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
