"""Moves an instance to another base IRI: its data, its own ontology and queries, and its settings."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pyoxigraph import RdfFormat, parse

from citygraph.errors import UsageError
from citygraph.instance import FILE, is_base
from citygraph.instance_file import with_base
from citygraph.rdf.formats import by_extension
from citygraph.rdf.terms import base_pattern
from citygraph.saving import replace_text
from citygraph.sheets.importing import moved_journal
from citygraph.source.reading import files_below, read_text


@dataclass(frozen=True)
class RebasedFile:
    """A file whose IRIs change: how many, and its new text."""

    path: Path
    count: int
    text: str


def checked_base(base: str) -> str:
    """Returns a base IRI with a slash at its end. Raises UsageError for anything that is not one."""
    if not is_base(base):
        raise UsageError(
            f"{base!r} is not a base: write an address such as https://data.bremen.example/, without ? or #"
        )
    return base if base.endswith("/") else base + "/"


def rebased(
    folder: Path, folders: list[Path], old: str, new: str, redirect: bool, journal: Path | None = None
) -> list[RebasedFile]:
    """Returns the files of an instance that change with its base, its settings last. Writes nothing.

    `journal` is the folder with the record of the last import of spreadsheets, which can be undone afterwards.

    Raises UsageError if the base does not change, if there are no settings, or if a file writes IRIs in pieces.
    """
    if old == new:
        raise UsageError(f"{new} is the base already")
    if "CITYGRAPH_BASE" in os.environ:
        raise UsageError("CITYGRAPH_BASE overrides the base of the settings: unset it first")
    settings = folder / FILE
    if not settings.is_file():
        raise UsageError(f"there is no {settings}: `citygraph init` starts an instance")
    pattern = base_pattern(old, new)
    files = [_rebased(path, pattern, new) for path in _files(folders)]
    files += _rebased_journal(journal, pattern, new) if journal else []
    text = read_text(settings)
    moved, count = pattern.subn(new, text)
    files.append(RebasedFile(settings, max(count, 1), with_base(moved, new, old if redirect else "")))
    return [file for file in files if file.count]


def save(files: list[RebasedFile]) -> None:
    """Writes the files, each as a whole.

    After a kill some have the old base and the settings too: the same command then changes the rest.
    """
    for file in files:
        replace_text(file.path, file.text)


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from files_below(folder, lambda name: by_extension(name) is not None or name.endswith(".rq"))


def _rebased(path: Path, pattern: re.Pattern[str], new: str) -> RebasedFile:
    if path.suffix == ".gz":
        raise UsageError(f"{path}: unpack it first; packed files are not changed")
    text = read_text(path)
    moved, count = pattern.subn(new, text)
    format_ = by_extension(path.name)
    if format_ is not None and format_.rdf is not None:
        _require_same(path, format_.rdf, text, moved, pattern, new)
    return RebasedFile(path, count, moved)


def _rebased_journal(journal: Path, pattern: re.Pattern[str], new: str) -> list[RebasedFile]:
    counts: list[int] = []

    def move(text: str) -> str:
        moved, count = pattern.subn(new, text)
        counts.append(count)
        return moved

    moved = moved_journal(journal, move)
    return [RebasedFile(moved[0], sum(counts), moved[1])] if moved else []


def _require_same(path: Path, format_: RdfFormat, text: str, moved: str, pattern: re.Pattern[str], new: str) -> None:
    """Raises UsageError unless the statements of a file are equal except for the base."""
    expected = Counter(pattern.sub(new, line) for line in _statements(path, format_, text))
    actual = Counter(_statements(path, format_, moved))
    if lost := next(iter(expected - actual), ""):
        raise UsageError(
            f"{path}: an IRI is written in pieces or with escapes, and cannot be changed safely: "
            f"write it whole, or declare the prefix of its kind. The statement would be {lost}"
        )


def _statements(path: Path, format_: RdfFormat, text: str) -> Iterator[str]:
    quads = parse(BytesIO(text.encode()), format_, base_iri=path.resolve().as_uri())
    # Each parse labels blank nodes differently.
    return (re.sub(r"_:\w+", "_:", str(quad)) for quad in quads)
