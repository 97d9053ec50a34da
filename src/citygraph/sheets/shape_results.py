"""The results of the shapes as problems of cells, in the words of the sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pyoxigraph import NamedNode, Quad

from citygraph.rdf.terms import split_iri
from citygraph.report import ValidationResult
from citygraph.sheets.cell_problems import ERROR, WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.merging import MergedSources, SheetRows
from citygraph.sheets.rows import SheetRow
from citygraph.sheets.slots import source_of
from citygraph.sheets.table_model import SheetColumn, expanded

# A value that a shape requires, and one that it recommends.
ADD = CellRule("value-missing", "The column {column} is empty.", "Write it into the column {column}.")
FILL_IN = CellRule(
    "value-missing",
    "The column {column} is empty.",
    "Write it into the column {column} if it is known.",
    WARNING,
)
ELSEWHERE = CellRule(
    "violation-elsewhere",
    "With these rows a build would find a violation outside them, at {place}: {message}",
    "Change the rows, or correct what is there. {remedy}",
)
# A property in the remedy of a shape, and the language of the text that it is to have.
_PROPERTY = re.compile(r'\b([a-z]+:[A-Za-z]+)\b(?: "…"@([a-z-]+))?')


class ShapeResults:
    """Places results at cells: that of the statement, the empty one of a missing value, or a row about the entity.

    `start` is the cell of violations that are not of a row.
    """

    def __init__(
        self, merged: MergedSources, rows: SheetRows, first_language: str, reader: str, start: CellAddress
    ) -> None:
        self._merged, self._rows, self._start = merged, rows, start
        self._first, self._reader = first_language, reader
        self._placed = {one.quad: one.address for one in merged.statements}
        self._by_subject = {one.quad.subject: one.address for one in reversed(merged.statements)}
        self._by_iri = {str(getattr(term, "value", "")): address for term, address in self._by_subject.items()}
        self._by_source = {NamedNode(key.source): address for key, address in rows.keys.items()}

    def problems(self, results: Iterable[ValidationResult], file: str) -> Iterator[CellProblem]:
        """Yields the results about the statements of a file, of which each is on the line of its number.

        Violations of other statements are problems too, because they prevent the build after an import.
        """
        for result in results:
            if result.place is None or not result.place.file.endswith(file):
                if result.severity == "violation":
                    yield self._elsewhere(result)
            else:
                quad = self._merged.after[result.place.line - 1]
                row, node = self._rows.about.get((NamedNode(result.focus_node), source_of(quad)), (None, ""))
                # A recommendation for which the sheet has no column cannot be followed.
                if row is None or result.severity == "violation" or self._has_column(row, node, result.path):
                    yield from self._problem(result, quad, row, node)

    def _problem(self, result: ValidationResult, quad: Quad, row: SheetRow | None, node: str) -> Iterator[CellProblem]:
        address = self._placed.get(quad) or self._by_subject.get(quad.subject)
        if address is None and result.severity == "violation":
            address = self._by_source.get(source_of(quad), next(iter(self._by_source.values()), self._start))
        if address is None:
            return
        name = result.shape.rpartition("#")[2]
        severity = ERROR if result.severity == "violation" else WARNING
        message, remedy = _quoted(result.message(self._reader)), result.remedy(self._reader)
        missing = self._missing(result, row, node) if row else None
        if row and missing:
            column, place = missing
            rule = CellRule(name, message, (ADD if severity == ERROR else FILL_IN).remedy, severity)
            yield CellProblem(rule, place, "", {"column": column.title(self._first)})
            return
        remedy = self._in_columns(remedy, row) if row else remedy
        value = str(getattr(quad.object, "value", quad.object))
        yield CellProblem(CellRule(name, message, _quoted(remedy), severity), address, value)

    def _elsewhere(self, result: ValidationResult) -> CellProblem:
        """Returns a violation of statements that are not of the sheets, at a row about its entity if there is one."""
        # Results about the whole graph have the entity as their value.
        entity = ":".join(filter(None, split_iri(result.value.strip("<>") or result.focus_node)))
        values = {
            "place": str(result.place or entity),
            "message": result.message(self._reader),
            "remedy": result.remedy(self._reader),
        }
        address = self._by_iri.get(result.focus_node, self._start)
        return CellProblem(ELSEWHERE, address, entity, values)

    def _missing(self, result: ValidationResult, row: SheetRow, node: str) -> tuple[SheetColumn, CellAddress] | None:
        """Returns the empty cell, with its column, for the value that a shape requires; None if no column is for it."""
        if result.value or not result.path:
            return None
        language = result.shape.rpartition("-")[2] if "-" in result.shape.rpartition("#")[2] else ""
        for column in row.sheet.columns:
            is_stated = column.node == node and column.property and expanded(column.property).value == result.path
            if (
                is_stated
                and column not in row.cells
                and column.tag(self._first) == (language or column.tag(self._first))
            ):
                place = row.places.get(column, 0)
                return column, CellAddress(row.address.file, row.address.sheet, row.address.row, place)
        return None

    def _has_column(self, row: SheetRow, node: str, path: str) -> bool:
        return not path or any(
            column.node == node and column.property and expanded(column.property).value == path
            for column in row.sheet.columns
        )

    def _in_columns(self, text: str, row: SheetRow) -> str:
        """Returns a remedy with the titles of columns instead of properties."""

        def title(match: re.Match[str]) -> str:
            columns = [one for one in row.sheet.columns if one.property == match[1] or match[1] in one.also]
            tagged = [one for one in columns if not match[2] or one.tag(self._first) == match[2]]
            return tagged[0].title(self._first) if tagged else match[0]

        return _PROPERTY.sub(title, text)


def _quoted(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
