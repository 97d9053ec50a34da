"""The changes of a release: statements added and removed, entities created, updated and deleted."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from citygraph.errors import NewerRelease
from citygraph.rdf.nquads import graph_of, lines_of, open_gzip_text, subject_of, unpacked
from citygraph.rdf.terms import ID, RDF, SOURCE
from citygraph.release.outputs import NQUADS, PLAIN_NQUADS
from citygraph.release.releases import Release, read_release
from citygraph.saving import replace_text

ADDED = "changes/added.nq.gz"
REMOVED = "changes/removed.nq.gz"
THINGS = "changes/things.tsv.gz"
CREATED, UPDATED, DELETED = "created", "updated", "deleted"
MOST_DELETIONS = 100_000  # deleted entities that are remembered, those of the newest releases: some 15 MB
# In the folder of releases: the entities that removed releases deleted, the latest last.
DELETIONS = ".deleted"
_TYPE = RDF("type")
_MOST_LINES = 500_000  # of the releases that a rollback undoes, in memory: some 200 MB


@dataclass(frozen=True)
class EntityChange:
    """A changed entity or source; `kind` is "created", "updated" or "deleted"."""

    kind: str
    iri: str


@dataclass(frozen=True)
class ChangeCounts:
    """The numbers of statements added and removed."""

    added: int
    removed: int


class Quads(Protocol):
    """A source of quads with the lookup method of a store."""

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any, /) -> Iterator[Quad]:
        """Yields the matching quads."""
        ...


def write_all_changes(parent: Release | None, store: Store, folder: Path) -> ChangeCounts:
    """Writes the changes of a whole build against its parent; `folder` has its N-Quads dumps."""
    (folder / "changes").mkdir(exist_ok=True)
    if parent is None:
        # Everything is new, so the dump is the list of added statements: a hard link costs no space.
        (folder / ADDED).hardlink_to(folder / NQUADS.path)
        with (folder / PLAIN_NQUADS.path).open("rb") as lines:
            added = sum(1 for _ in lines)
        return ChangeCounts(added, _write_rest(folder, added=_plain(folder), removed=(), before=None, after=store))
    before = parent.open_store()
    return _write_compared(folder, _lines(parent, before, folder), _plain(folder), before, store)


def write_changes_back(release: Release, old: Release, store: Store, folder: Path) -> ChangeCounts:
    """Writes the changes from a release back to an earlier one, whose data the store in `folder` has."""
    before, undone = release.open_store(), _lines_since(old, release)
    if undone is None:
        return _write_compared(folder, _lines(release, before, folder), _lines(old, store, folder), before, store)
    lines = sorted(undone, key=_order)
    added, removed = ([line for line in lines if undone[line] == is_removed] for is_removed in (False, True))
    return write_changes(folder, added, removed, before, store)


def write_changes(
    folder: Path, added: Iterable[str], removed: Iterable[str], before: Quads | None, after: Quads
) -> ChangeCounts:
    """Writes the lines of N-Quads (`lines.as_line`) that a release adds to its parent and removes from it.

    `before` and `after` are the two stores. They distinguish an updated entity from a created or deleted one.
    """
    (folder / "changes").mkdir(exist_ok=True)
    # `added` may be a generator: written first, and read again from the file.
    plus = _write(folder / ADDED, added)
    with unpacked(folder / ADDED) as more:
        return ChangeCounts(plus, _write_rest(folder, more, removed, before, after))


def compare(older: Iterable[str], newer: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """Yields the lines that are in only one of two lists of N-Quads, and whether each is new.

    Both lists are sorted by graph and line.
    """
    old, new = iter(older), iter(newer)
    left, right = next(old, None), next(new, None)
    while left is not None or right is not None:
        if left == right:
            left, right = next(old, None), next(new, None)
        elif right is None or (left is not None and _order(left) < _order(right)):
            assert left is not None  # noqa: S101 - for the type checker only
            yield False, left
            left = next(old, None)
        else:
            yield True, right
            right = next(new, None)


def _write_compared(
    folder: Path, older: Iterable[str], newer: Iterable[str], before: Quads, after: Quads
) -> ChangeCounts:
    """Writes the difference of two lists of sorted N-Quads, which may be larger than memory."""
    plus, minus = folder / "added.nq", folder / "removed.nq"
    try:
        with (
            plus.open("w", encoding="utf-8", newline="\n") as more,
            minus.open("w", encoding="utf-8", newline="\n") as less,
        ):
            for is_new, line in compare(older, newer):
                (more if is_new else less).write(line)
        with plus.open(encoding="utf-8", newline="\n") as more, minus.open(encoding="utf-8", newline="\n") as less:
            return write_changes(folder, more, less, before, after)
    finally:
        plus.unlink(missing_ok=True)
        minus.unlink(missing_ok=True)


def _lines_since(old: Release, release: Release) -> dict[str, bool] | None:
    """Returns the lines in which a release differs from an earlier one, and whether it has them.

    They are those in the lists of the releases in between. Returns None if the lists of one cannot be read, such as of
    a pruned one, or if they have too many lines.
    """
    lines: dict[str, bool] = {}
    left = _MOST_LINES
    with suppress(OSError, EOFError, NewerRelease):
        while release.id != old.id:
            left -= release.manifest.added + release.manifest.removed
            if left < 0:
                return None
            for path, is_added in ((ADDED, True), (REMOVED, False)):
                with unpacked(release.path / path) as text:
                    for line in text:
                        # A line that was added and removed again is in both releases, or in neither.
                        if lines.pop(line, None) is None:
                            lines[line] = is_added
            release = read_release(release.path.parent / (release.manifest.parent or ""))
        return lines
    return None


def things_changed(release: Release) -> Iterator[EntityChange]:
    """Yields the entities and sources that a release created, updated or deleted, sorted by IRI."""
    path = release.path / THINGS
    if not path.is_file():
        return
    with unpacked(path) as lines:
        for line in lines:
            kind, _, iri = line.rstrip("\n").partition("\t")
            yield EntityChange(kind, iri)


def keep_deletions(root: Path, releases: Iterable[Release]) -> None:
    """Keeps the IRIs of the entities that releases deleted, before these are removed; the oldest comes first.

    A list that cannot be read is left out. On a disk without room nothing is kept, because the removal makes room.
    """
    before = kept_deletions(root)
    kept = OrderedDict.fromkeys(before[-MOST_DELETIONS:])
    for release in releases:
        with suppress(OSError, EOFError, zlib.error, UnicodeDecodeError):
            # A release without a parent has only created entities.
            for change in things_changed(release) if release.manifest.parent else ():
                if change.kind == DELETED:
                    kept[change.iri] = None
                    kept.move_to_end(change.iri)
                    # A release may delete more than are kept, such as after a rebuild from other files.
                    if len(kept) > MOST_DELETIONS:
                        kept.popitem(last=False)
    if list(kept) != before:
        with suppress(OSError):
            replace_text(root / DELETIONS, "".join(f"{iri}\n" for iri in kept))


def kept_deletions(root: Path) -> list[str]:
    """Returns the IRIs of the entities that removed releases deleted, as far as they were kept."""
    try:
        # Not splitlines: an IRI may have one of the line separators of Unicode.
        return (root / DELETIONS).read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    except OSError:
        return []


def _write_rest(folder: Path, added: Iterable[str], removed: Iterable[str], before: Quads | None, after: Quads) -> int:
    """Writes the removed lines and the entities that either list is about. Returns the number of removed lines."""
    # `removed` may be a generator: written first, and read again from the file.
    minus = _write(folder / REMOVED, removed)
    things = set(_things(added))
    with unpacked(folder / REMOVED) as less:
        things.update(_things(less))
    with open_gzip_text(folder / THINGS) as out:
        out.writelines(f"{_kind(iri, before, after)}\t{iri}\n" for iri in sorted(things))
    return minus


def _write(path: Path, lines: Iterable[str]) -> int:
    count = 0
    with open_gzip_text(path) as out:
        for count, line in enumerate(lines, 1):  # noqa: B007 - the count outlives the loop
            out.write(line)
    return count


def _things(lines: Iterable[str]) -> Iterator[str]:
    """Yields the entities and sources that the lines are about; a hash node belongs to its entity."""
    last = "_:"
    for line in lines:
        # The lines of a subject follow each other.
        if line.startswith(last):
            continue
        last = line[: line.index(" ")] + " "
        iri = subject_of(line).partition("#")[0]
        if iri.startswith((ID, SOURCE)):
            yield iri


def _kind(iri: str, before: Quads | None, after: Quads) -> str:
    if before is None or not _exists(iri, before):
        return CREATED
    return UPDATED if _exists(iri, after) else DELETED


def _exists(iri: str, store: Quads) -> bool:
    return any(True for _ in store.quads_for_pattern(NamedNode(iri), _TYPE, None, DefaultGraph()))


def _order(line: str) -> tuple[str, str]:
    return graph_of(line), line


def _lines(release: Release, store: Store, folder: Path) -> Iterator[str]:
    """Returns the sorted N-Quads of a release: those of its dump, else of the store, sorted in `folder`."""
    return _dump(release.path) if (release.path / NQUADS.path).is_file() else lines_of(store, folder)


def _dump(folder: Path) -> Iterator[str]:
    with unpacked(folder / NQUADS.path) as lines:
        yield from lines


def _plain(folder: Path) -> Iterator[str]:
    with (folder / PLAIN_NQUADS.path).open(encoding="utf-8", newline="\n") as lines:
        yield from lines
