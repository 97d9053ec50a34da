"""The result of a stored query as readers see it: headings and labels in their language, labels in place of IRIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from citygraph.source.queries import StoredQuery
from citygraph.web.sparql.result_view import ResultCell, ResultView
from citygraph.web.view.release_cache import OpenRelease

_LABEL = "Label"
BETWEEN = "; "
Row = tuple[ResultCell | None, ...]


@dataclass(frozen=True)
class NamedResult:
    """A result with headings instead of variables; `names` has the variables of its columns."""

    view: ResultView
    names: tuple[str, ...]

    def place(self, name: str) -> int | None:
        """Returns the place of a column, or None."""
        return self.names.index(name) if name in self.names else None


def named_result(result: ResultView, query: StoredQuery, opened: OpenRelease, language: str) -> NamedResult:
    """Returns the result with headings and fixed words in a language, and each label in the cell of its entity."""
    variables = result.columns
    places = [place for place, name in enumerate(variables) if not _is_label(name, variables)]
    labels = [_place_of(variables[place] + _LABEL, variables) for place in places]
    words: dict[str, Mapping[str, str]] = {column.name: column.words_in(language) for column in query.columns}

    def shown(row: Row, place: int, label: int | None) -> ResultCell | None:
        cell, named = row[place], None if label is None else row[label]
        if cell is None or not (cell.text or cell.iri):
            return named
        if named is not None:
            return replace(cell, text=named.text)
        if cell.iri:
            return _labelled(cell, opened, language)
        return _translated(cell, words.get(variables[place], {}))

    rows = tuple(tuple(shown(row, *pair) for pair in zip(places, labels, strict=True)) for row in result.rows)
    names = tuple(variables[place] for place in places)
    headings = tuple(query.heading(name, language) for name in names)
    return NamedResult(replace(result, columns=headings, rows=rows), names)


def _is_label(name: str, variables: tuple[str, ...]) -> bool:
    return name.endswith(_LABEL) and name.removesuffix(_LABEL) in variables


def _place_of(name: str, variables: tuple[str, ...]) -> int | None:
    return variables.index(name) if name in variables else None


def _labelled(cell: ResultCell, opened: OpenRelease, language: str) -> ResultCell:
    if not opened.labels.of(cell.iri):
        return cell
    label = opened.labels.best(cell.iri, language)
    return replace(cell, text=label.text, language="" if label.language == language else label.language)


def _translated(cell: ResultCell, words: Mapping[str, str]) -> ResultCell:
    if cell.text in words:
        return replace(cell, text=words[cell.text])
    if not words or BETWEEN not in cell.text:
        return cell
    return replace(cell, text=BETWEEN.join(words.get(part, part) for part in cell.text.split(BETWEEN)))
