"""What a release changed: the statements added and removed, and the things created, updated, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from citygraph.products.lines import graph_of, lines_of, packed_text, subject_of, unpacked
from citygraph.products.offers import NQUADS
from citygraph.release import Release
from citygraph.terms import ID, RDF, SOURCE

ADDED = "changes/added.nq.gz"
REMOVED = "changes/removed.nq.gz"
THINGS = "changes/things.tsv.gz"
CREATED, UPDATED, DELETED = "created", "updated", "deleted"
_TYPE = RDF("type")


@dataclass(frozen=True)
class Change:
    """How a thing fared: `kind` is "created", "updated" or "deleted"."""

    kind: str
    iri: str


@dataclass(frozen=True)
class Counts:
    """How many statements were added and removed."""

    added: int
    removed: int


class Quads(Protocol):
    """What can be asked for quads, as a store can."""

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any, /) -> Iterator[Quad]:
        """The quads that fit."""
        ...


def write_all_changes(parent: Release | None, store: Store, folder: Path) -> Counts:
    """Write the changes of a whole build, whose N-Quads dump stands in `folder`, against its parent."""
    (folder / "changes").mkdir(exist_ok=True)
    if parent is None:
        # Everything is new: the dump is the list of what was added, and one file under two names costs nothing.
        (folder / ADDED).hardlink_to(folder / NQUADS.path)
        added = sum(1 for _ in _dump(folder))
        return Counts(added, _write_rest(folder, added=_dump(folder), removed=(), before=None, after=store))
    before = parent.open_store()
    plus, minus = folder / "added.nq", folder / "removed.nq"
    with (
        plus.open("w", encoding="utf-8", newline="\n") as more,
        minus.open("w", encoding="utf-8", newline="\n") as less,
    ):
        older = _dump(parent.path) if (parent.path / NQUADS.path).is_file() else lines_of(before, folder)
        for is_new, line in compare(older, _dump(folder)):
            (more if is_new else less).write(line)
    try:
        with plus.open(encoding="utf-8", newline="\n") as more, minus.open(encoding="utf-8", newline="\n") as less:
            return write_changes(folder, more, less, before, store)
    finally:
        plus.unlink()
        minus.unlink()


def write_changes(
    folder: Path, added: Iterable[str], removed: Iterable[str], before: Quads | None, after: Quads
) -> Counts:
    """Write lines of N-Quads (`lines.as_line`) that a release adds to its parent's and removes from them.

    `before` and `after` are what the two hold: they tell a thing that changed from one that came or went.
    """
    (folder / "changes").mkdir(exist_ok=True)
    plus = _write(folder / ADDED, added)
    with unpacked(folder / ADDED) as more:
        return Counts(plus, _write_rest(folder, more, removed, before, after))


def compare(older: Iterable[str], newer: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """What differs between two lists of N-Quads lines that are both sorted by graph and line; true for new lines."""
    old, new = iter(older), iter(newer)
    left, right = next(old, None), next(new, None)
    while left is not None or right is not None:
        if left == right:
            left, right = next(old, None), next(new, None)
        elif right is None or (left is not None and _order(left) < _order(right)):
            assert left is not None  # noqa: S101 - for the type checker: one of them is there
            yield False, left
            left = next(old, None)
        else:
            yield True, right
            right = next(new, None)


def things_changed(release: Release) -> Iterator[Change]:
    """The entities and sources that a release created, updated or deleted, in order of their IRIs."""
    path = release.path / THINGS
    if not path.is_file():
        return
    with unpacked(path) as lines:
        for line in lines:
            kind, _, iri = line.rstrip("\n").partition("\t")
            yield Change(kind, iri)


def _write_rest(folder: Path, added: Iterable[str], removed: Iterable[str], before: Quads | None, after: Quads) -> int:
    """Write the removed lines, and the things that either list is about; answers how many were removed."""
    minus = _write(folder / REMOVED, removed)
    things = set(_things(added))
    with unpacked(folder / REMOVED) as less:
        things.update(_things(less))
    with packed_text(folder / THINGS) as out:
        out.writelines(f"{_kind(iri, before, after)}\t{iri}\n" for iri in sorted(things))
    return minus


def _write(path: Path, lines: Iterable[str]) -> int:
    count = 0
    with packed_text(path) as out:
        for count, line in enumerate(lines, 1):  # noqa: B007 - the count outlives the loop
            out.write(line)
    return count


def _things(lines: Iterable[str]) -> Iterator[str]:
    """What the lines are about: entities and sources; a hash node belongs to its entity."""
    for line in lines:
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


def _dump(folder: Path) -> Iterator[str]:
    with unpacked(folder / NQUADS.path) as lines:
        yield from lines
