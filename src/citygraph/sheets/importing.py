"""The import of checked workbooks: generated files below `data/sheets/`, their difference from before, and undo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pyoxigraph import NamedNode, Quad

from citygraph.build.export import export_quads
from citygraph.errors import NotFound, UsageError
from citygraph.rdf.terms import SOURCE
from citygraph.release.releases import Release
from citygraph.saving import replace_text
from citygraph.sheets.check import FOLDER, CheckedSheets, Checker, file_of
from citygraph.sheets.gazetteer import NATURAL_EARTH
from citygraph.source.files import Sources

MARK = "# Written by `citygraph sheets import`; change the spreadsheet and import it again."
_JOURNAL = "sheets-import.json"


@dataclass(frozen=True)
class SheetDifference:
    """The statements that an import adds and removes; `changed` counts the values that are replaced by another."""

    added: tuple[Quad, ...]
    removed: tuple[Quad, ...]

    @property
    def changed(self) -> int:
        """The number of properties of an entity that lose one value and get another."""
        before = {(quad.subject, quad.predicate, quad.graph_name) for quad in self.removed}
        return len(before & {(quad.subject, quad.predicate, quad.graph_name) for quad in self.added})

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def preview(checked: CheckedSheets) -> SheetDifference:
    """Returns the changes of an import to its sources; if there are errors, the changes of the valid cells."""
    if checked.errors:
        return SheetDifference(tuple(dict.fromkeys(statement.quad for statement in checked.statements)), ())
    new, old = set(checked.after), set(checked.before)
    return SheetDifference(tuple(sorted(new - old, key=str)), tuple(sorted(old - new, key=str)))


def imported(checker: Checker) -> list[Quad]:
    """Returns what earlier imports and the API have written, without the gazetteer, which an import reads again."""
    files = {f"{SOURCE}{path.stem}" for path in (checker.sources.data / FOLDER).glob("*.trig")}
    return list(checker.current_statements((files | checker.written_sources()) - {NATURAL_EARTH.value}))


def write_import(checked: CheckedSheets, sources: Sources, journal: Path, release: Release | None = None) -> list[Path]:
    """Writes the statements into one file for each graph, and returns the files that an undo restores.

    `journal` is the folder that keeps the previous files. An import that was cut off before its release is continued:
    `release` is the current one, and has the files from before it. Raises UsageError if the check found errors, or if a
    graph has a handwritten file.
    """
    if checked.errors:
        raise UsageError(f"{len(checked.errors)} error(s) in the spreadsheets: nothing was imported")
    by_file = _texts(checked, sources.data)
    _refuse_curated(by_file, sources)
    before = {path: _text_of(path) for path in by_file}
    changed = [path for path, text in by_file.items() if before[path] != text]
    previous = {str(path): before[path] for path in changed} | _unpublished(journal / _JOURNAL, sources.data, release)
    if changed:
        # Written first: an import that is cut off can be undone.
        replace_text(journal / _JOURNAL, json.dumps(previous, ensure_ascii=False))
        _put_all({path: by_file[path] for path in changed})
    return [Path(name) for name in previous]


@contextmanager
def undone_on_error(journal: Path) -> Iterator[None]:
    """Undoes an import in the block if the block fails, so that the import before it can still be undone."""
    path = journal / _JOURNAL
    before, number = _text_of(path), _number_of(path)
    texts = _texts_now(_previous(path)) if before else {}
    try:
        yield
    except BaseException:
        if _number_of(path) not in (None, number):
            undo_import(journal)
            _put_all({**texts, path: before})
        raise


def undo_import(journal: Path) -> list[Path]:
    """Restores the files as they were before the last import, and returns them. Raises NotFound without an import."""
    with undoing_import(journal) as paths:
        return paths


@contextmanager
def undoing_import(journal: Path) -> Iterator[list[Path]]:
    """Undoes the last import during the block, and for good if the block succeeds; yields the restored files.

    If the block fails, the files are as they were, and the import can still be undone. Raises NotFound without one.
    """
    path = journal / _JOURNAL
    if not path.is_file():
        raise NotFound("there is no import to undo")
    previous = _previous(path)
    imported_texts = _texts_now(previous)
    try:
        _put_all({Path(name): text for name, text in previous.items()})
        yield list(imported_texts)
    except BaseException:
        _put_all(imported_texts)
        raise
    # Removed last: after a kill, the same command continues.
    path.unlink()


def moved_journal(journal: Path, move: Callable[[str], str]) -> tuple[Path, str] | None:
    """Returns the record of the last import with another text of each previous file; None if there is none."""
    path = journal / _JOURNAL
    if not path.is_file():
        return None
    previous = _previous(path)
    moved = {name: text if text is None else move(text) for name, text in previous.items()}
    return path, json.dumps(moved, ensure_ascii=False)


def _previous(path: Path) -> dict[str, str | None]:
    """Returns the texts before the last import by file. Raises UsageError for a damaged record."""
    try:
        previous = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise UsageError(f"{path} is damaged: remove it; the last import can then not be undone") from None
    return previous


def _unpublished(record: Path, data: Path, release: Release | None) -> dict[str, str | None]:
    """Returns the texts before the last import by file, if no release has that import."""
    if release is None or not record.is_file():
        return {}
    previous = _previous(record)
    digests = {name: None if text is None else sha256(text.encode()).hexdigest() for name, text in previous.items()}
    of_release = {name: release.manifest.files.get(f"{data.name}/{FOLDER}/{Path(name).name}") for name in previous}
    return previous if digests == of_release else {}


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _number_of(path: Path) -> int | None:
    """Returns the number of the file, which is another one after each writing; None without a file."""
    return path.stat().st_ino if path.is_file() else None


def _texts_now(names: Iterable[str]) -> dict[Path, str | None]:
    return {Path(name): _text_of(Path(name)) for name in names}


def _put_all(texts: Mapping[Path, str | None]) -> None:
    """Writes the texts to their files; a file without text is removed."""
    for path, text in texts.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            replace_text(path, text)


def _texts(checked: CheckedSheets, data: Path) -> dict[Path, str | None]:
    """Returns the text of each file, None for one of a source that has no statements any more."""
    files: dict[Path, dict[NamedNode, list[Quad]]] = {file_of(data, quad): {} for quad in checked.before}
    for quad in checked.after:
        assert isinstance(quad.graph_name, NamedNode)  # noqa: S101 - each statement of a sheet has a source
        files.setdefault(file_of(data, quad), {}).setdefault(quad.graph_name, []).append(quad)
    return {path: _text(graphs) if graphs else None for path, graphs in sorted(files.items())}


def _text(graphs: Mapping[NamedNode, list[Quad]]) -> str:
    blocks = (export_quads(graph, quads) for graph, quads in sorted(graphs.items(), key=lambda one: one[0].value))
    return "\n".join([MARK, "", *blocks])


def _refuse_curated(by_file: Iterable[Path], sources: Sources) -> None:
    names = {path.stem for path in by_file}
    for file in sources.data_files():
        if file.path.parent.name == FOLDER:
            continue
        for quad in file.read():
            graph = str(getattr(quad.graph_name, "value", "")).rpartition("/")[2]
            if graph in names:
                raise UsageError(f"{file.name} has statements of the source {graph!r} and is written by hand: edit it")
