"""Workbooks as grids of texts: XLSX, ODS, CSV and TSV, each cell as its reader sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from citygraph.errors import UsageError
from citygraph.matching.spreadsheet import read_spreadsheet
from citygraph.sheets.cell_problems import CellAddress, CellProblem, CellRule
from citygraph.text import nfc

TIME = CellRule(
    "cell-time",
    "The cell holds a time or a day that the program could not store.",
    "Write the date as text: spreadsheets store no days before 1900.",
)
LARGE_NUMBER = CellRule(
    "cell-number",
    "The number {value} has more digits than spreadsheets keep.",
    "Format the cell as text and write the number again.",
)

_TABLES = frozenset({".csv", ".tsv", ".tab", ".txt"})
_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".ods", ".xls", ".xlsb"})
_EXACT = 2.0**53  # from here on floats skip whole numbers


@dataclass(frozen=True)
class Grid:
    """A sheet: rows of texts from A1 on. A date is in ISO form.

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


def read_workbook(path: Path, titles: Sequence[str] = (), encoding: str = "") -> Workbook:
    """Reads a file. `titles` are column titles by which the delimiter of CSV is recognised.

    Raises UsageError for a file that is missing or that is not a table.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.suffix.lower() in _TABLES:
        return _read_table(path, titles, encoding)
    if path.suffix.lower() in _WORKBOOKS:
        return _read_sheets(path)
    raise UsageError(f"{path}: not a spreadsheet; .xlsx, .ods, .csv and .tsv are read")


def _read_table(path: Path, titles: Sequence[str], encoding: str) -> Workbook:
    table = read_spreadsheet(path, titles, encoding)
    rows = tuple(tuple(_clean(cell) for cell in row) for row in (table.header, *table.rows))
    first = 1 + table.has_mark
    return Workbook(path, (Grid(str(path), "", rows, (first, *table.lines)),), (), table.notes)


def _read_sheets(path: Path) -> Workbook:
    try:
        # By content: a wrong extension would be an error about archives.
        workbook = CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))
        grids, problems, notes = [], [], []
        for metadata in workbook.sheets_metadata:
            if metadata.typ != SheetTypeEnum.WorkSheet:
                continue
            if metadata.visible != SheetVisibleEnum.Visible:
                notes.append(f"{path}: the sheet {metadata.name!r} is hidden and was not read")
                continue
            # Without the argument, leading empty rows and columns are cut and every address is wrong.
            cells = workbook.get_sheet_by_name(metadata.name).to_python(skip_empty_area=False)
            grid, wrong = _grid(str(path), metadata.name, cells)
            grids.append(grid)
            problems += wrong
    except CalamineError as error:
        raise UsageError(f"{path} cannot be read as a workbook: {error}") from None
    return Workbook(path, tuple(grids), tuple(problems), tuple(notes))


def _grid(file: str, name: str, cells: Sequence[Sequence[Any]]) -> tuple[Grid, list[CellProblem]]:
    rows = tuple(tuple(_text(cell) for cell in row) for row in cells)
    while rows and not any(rows[-1]):
        rows = rows[:-1]
    grid = Grid(file, name, rows, tuple(range(1, len(rows) + 1)))
    problems = [
        CellProblem(rule, grid.address(row, column), rows[row][column])
        for row, values in enumerate(cells[: len(rows)])
        for column, cell in enumerate(values)
        if (rule := _fault(cell))
    ]
    return grid, problems


def _text(cell: Any) -> str:
    # bool is a kind of int.
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return _clean(str(cell))


def _fault(cell: Any) -> CellRule | None:
    if isinstance(cell, time | timedelta):
        return TIME
    return LARGE_NUMBER if isinstance(cell, float) and abs(cell) >= _EXACT else None


def _clean(text: str) -> str:
    """Returns the text in NFC, with line ends as \\n and single spaces between words."""
    lines = nfc(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()
