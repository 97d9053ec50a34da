"""Rows of one source that describe two terms of a person in an office as if they were one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyoxigraph import NamedNode

from citygraph.sheets.cell_problems import CellProblem, CellRule
from citygraph.sheets.cell_values import CellValue
from citygraph.sheets.rows import SheetRow
from citygraph.sheets.table_model import SUFFIX, SheetColumn

SECOND_TERM = CellRule(
    "term-unclear",
    "{value} does not belong to the term of office of {cell}, which has the same source, person and office.",
    "For another term, write what distinguishes it into the column {column}, such as its first year. Otherwise correct "
    "the date.",
)
_START, _END = "cg:startDate", "cg:endDate"


class TermsOfOffice:
    """The starts and ends that the rows of each source have given a term; `language` is that of titles of columns."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._dates: dict[tuple[NamedNode, NamedNode], dict[str, list[CellValue]]] = {}

    def add(
        self, row: SheetRow, term: NamedNode, source: NamedNode, values: Mapping[SheetColumn, Sequence[CellValue]]
    ) -> Iterator[CellProblem]:
        """Adds the dates of a row, and yields a problem if they are those of another term than the rows before have."""
        suffix = next(column for column in row.sheet.columns if column.kind == SUFFIX)
        if suffix in row.cells and not values[suffix]:
            return  # the cell has an error
        dates = {
            column.property: cells[0]
            for column, cells in values.items()
            if column.node == suffix.node and column.property in (_START, _END) and cells
        }
        before = self._dates.setdefault((term, source), {_START: [], _END: []})
        for property_, cell in dates.items():
            for other in list(_contradicting(property_, cell, before))[:1]:
                titles = {"cell": other.address.name, "column": suffix.title(self._language)}
                yield CellProblem(SECOND_TERM, cell.address, cell.text, titles)
                return
        for property_, cell in dates.items():
            before[property_].append(cell)


def _contradicting(property_: str, cell: CellValue, before: dict[str, list[CellValue]]) -> Iterator[CellValue]:
    """Yields the dates of earlier rows that are another start or end, or are on the wrong side of this one."""
    for other in before[property_]:
        # Dates of different precision are compared by their common prefix.
        if _order(cell.term.value, other.term.value) != 0:
            yield other
    for other in before[_END if property_ == _START else _START]:
        if _order(cell.term.value, other.term.value) == (1 if property_ == _START else -1):
            yield other


def _order(one: str, other: str) -> int:
    length = min(len(one), len(other))
    return (one[:length] > other[:length]) - (one[:length] < other[:length])
