"""Workbooks as grids of texts: XLSX, ODS, CSV and TSV, each cell as its reader sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citygraph.sheets.cell_problems import CellAddress, CellProblem


@dataclass(frozen=True)
class Grid:
    """A sheet: rows of texts from A1 on. A date is in ISO form with the precision that its format shows.

    `lines` are the row numbers of the file for each row, which differ from the index where a CSV cell spans lines.
    """

    file: str
    name: str  # empty for CSV
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def address(self, row: int, column: int) -> CellAddress:
        """Returns the address of a cell by its index in `rows`."""
        return CellAddress(self.file, self.name, self.lines[row], column)


@dataclass(frozen=True)
class Workbook:
    """The visible sheets of a file, the problems of its cells, and notes for the reader: what was passed over."""

    path: Path
    grids: tuple[Grid, ...]
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[str, ...] = ()

    def cells(self) -> Iterator[tuple[Grid, int, int, str]]:
        """Yields each cell that is not empty, with its grid and its place."""
        for grid in self.grids:
            for row, cells in enumerate(grid.rows):
                for column, text in enumerate(cells):
                    if text:
                        yield grid, row, column, text
