"""Merged cells: a value next to several rows counts for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from citygraph.errors import UsageError
from citygraph.sheets.cell_facts import MOST_CELLS, Place
from citygraph.sheets.cell_problems import NOTE, WARNING, CellAddress, CellProblem, CellRule, column_letters

COVERED = CellRule(
    "merged-covered",
    "{value} is hidden beneath the merged cells {range}.",
    "Unmerge the cells, and delete the value or write it where it belongs.",
)
MERGED_ROWS = CellRule(
    "merged-rows",
    "The cells {range} are merged: {value} is read for each of their rows.",
    "If the value belongs to one row only, unmerge the cells.",
    NOTE,
)
MERGED_COLUMNS = CellRule(
    "merged-columns",
    "The cells {range} are merged: {value} is read for the first column only.",
    "Unmerge the cells, and write the value into each column that it belongs to.",
    WARNING,
)


def spread_merged(
    rows: list[list[str]], ranges: Sequence[tuple[Place, Place]], address: Callable[[Place], CellAddress]
) -> Iterator[CellProblem]:
    """Writes the value of merged cells into each of their rows that has other cells, and yields notes for the reader.

    Raises UsageError if the ranges together have more cells than a workbook may have.
    """
    total = 0
    for first, last in ranges:
        bottom = min(last[0] + 1, len(rows))
        total += max(0, bottom - first[0]) * (last[1] - first[1] + 1)
        if total > MOST_CELLS:
            raise UsageError(f"{address(first).file} has too many merged cells: unmerge them")
        yield from _spread(rows, first, (bottom, last[1] + 1), address, _range_name(first, last))


def _spread(
    rows: list[list[str]], first: Place, end: Place, address: Callable[[Place], CellAddress], range_name: str
) -> Iterator[CellProblem]:
    top, left = first
    value = rows[top][left] if top < len(rows) and left < len(rows[top]) else ""
    filled, beside = [], False
    for row in range(top, end[0]):
        for column in range(left, min(end[1], len(rows[row]))):
            if (row, column) != first and rows[row][column]:
                yield CellProblem(COVERED, address((row, column)), rows[row][column], {"range": range_name})
        others = any(rows[row][:left]) or any(rows[row][end[1] :])
        beside = beside or others
        if row > top and others:
            filled.append(row)
    if not value:
        return
    for row in filled:
        rows[row] += [""] * (left + 1 - len(rows[row]))
        rows[row][left] = rows[row][left] or value
    if filled:
        yield CellProblem(MERGED_ROWS, address(first), value, {"range": range_name})
    # A title above the table is alone in its row.
    if end[1] - left > 1 and beside:
        yield CellProblem(MERGED_COLUMNS, address(first), value, {"range": range_name})


def _range_name(first: Place, last: Place) -> str:
    return ":".join(f"{column_letters(column)}{row + 1}" for row, column in (first, last))
