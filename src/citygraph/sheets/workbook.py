"""Workbooks as grids of texts: XLSX, ODS, CSV and TSV, each cell as its reader sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from citygraph.errors import UsageError
from citygraph.matching.spreadsheet import read_spreadsheet
from citygraph.sheets.cell_facts import (
    DAY,
    MOMENT,
    MONTH,
    MOST_CELLS,
    MOST_LETTERS,
    NO_YEAR,
    STATE_SHEET,
    YEAR,
    Place,
    SheetFacts,
)
from citygraph.sheets.cell_problems import NOTE, WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.cell_texts import cleaned, is_error, problems_of_text
from citygraph.sheets.merged_cells import spread_merged
from citygraph.sheets.ods_cells import read_ods
from citygraph.sheets.workbook_package import Package, kind_of, open_package
from citygraph.sheets.xlsx_cells import read_xlsx
from citygraph.text import unguarded

TIME = CellRule(
    "cell-time",
    "The cell holds a time or a day that the program could not store.",
    "Write the date as text: spreadsheets store no days before 1900.",
)
EARLY_DAY = CellRule(
    "cell-early-day",
    "Programs differ about the day that is stored as {value}: they count the days before March 1900 differently.",
    "Write the date as text.",
)
WITHOUT_YEAR = CellRule(
    "cell-no-year",
    "The cell shows no year: its format leaves it out. The stored day is {value}.",
    "Choose a format that shows the year, or write the date as text.",
)
PERHAPS_YEAR = CellRule(
    "cell-year",
    "The stored day is {value}. Perhaps the year {year} was typed into a cell that is formatted as a date.",
    "If the year is meant, format the cell as text and write {year} again.",
    WARNING,
)
LARGE_NUMBER = CellRule(
    "cell-number",
    "The number {value} has more digits than spreadsheets keep.",
    "Format the cell as text and write the number again.",
)
UNCALCULATED = CellRule(
    "cell-formula",
    "The cell has a formula, but its result is not stored.",
    "Open the file in a spreadsheet program and save it, or write the value.",
)
STRUCK = CellRule(
    "cell-struck",
    "{value} is struck out. Has it ended, or is it wrong?",
    "Write the end into its column, or delete the text. A text that counts should not be struck out.",
    WARNING,
)
REMARK = CellRule(
    "cell-remark",
    "The comment on the cell is not imported: {value}",
    "If it says something about the row, write that into a column.",
    NOTE,
)
LARGE_SHEET = CellRule(
    "sheet-size",
    "The sheet reaches to this cell, and so has {number} cells; at most {most} are read.",
    "Delete the rows and columns after the last one that you need, even if they look empty.",
)
HIDDEN_SHEET = CellRule("sheet-hidden", "The sheet {value} is hidden and was not read.", "Show it to import it.", NOTE)
HIDDEN_ROW = CellRule("row-hidden", "The row is hidden, but it is read.", "Show it to check it, or delete it.", NOTE)
HIDDEN_COLUMN = CellRule(
    "column-hidden", "The column is hidden, but it is read.", "Show it to check it, or delete it.", NOTE
)
PHANTOM_ROWS = CellRule(
    "rows-empty",
    "{number} rows without text, from here to row {last}, were passed over.",
    "Nothing needs to be done. To make the file smaller, delete the rows.",
    NOTE,
)
MACROS = CellRule("macros", "The file has macros, which are not run.", "Nothing needs to be done.", NOTE)
OTHER_KIND = CellRule(
    "file-kind",
    "The file is named {value}, but it is {kind} and is read as such.",
    "Rename the file, so that other programs can open it.",
    NOTE,
)

_TABLES = frozenset({".csv", ".tsv", ".tab", ".txt"})
_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm", ".ods", ".ots", ".xls", ".xlsb", ".fods"})
_SUFFIXES = {
    "xlsx": frozenset({".xlsx", ".xlsm", ".xltx", ".xltm"}),
    "ods": frozenset({".ods", ".ots"}),
    "text": _TABLES,
}
_SHOWN_KINDS = {"xlsx": "XLSX", "ods": "ODS", "text": "CSV"}
_EXACT = 2.0**53  # from here on floats skip whole numbers
# The serial numbers of days that are years from 1827 to 2039.
_EPOCHS = {False: date(1899, 12, 30), True: date(1904, 1, 1)}
_YEARS = range(1827, 2040)
_MARCH_1900 = date(1900, 3, 1)
# The hidden sheet of the template with the choices of its drop-downs.
_OWN_SHEET = "Lists"


@dataclass(frozen=True)
class Grid:
    """A sheet: rows of texts from A1 on. A date is in ISO form.

    `lines` are the row numbers of the file for each row, which differ from the index where a CSV cell spans lines.
    """

    file: str
    name: str  # empty for CSV
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    sheet: str = ""  # the key of the sheet of the model, if a mapping names it

    def address(self, row: int, column: int) -> CellAddress:
        """Returns the address of a cell by its index in `rows`."""
        return CellAddress(self.file, self.name, self.lines[row], column)


@dataclass(frozen=True)
class Workbook:
    """The visible sheets of a file, the problems of its cells, and notes on ignored content.

    `state` has the lines of the hidden sheet of an exported workbook.
    """

    path: Path
    grids: tuple[Grid, ...]
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[str, ...] = ()
    state: tuple[tuple[str, ...], ...] = ()


def read_workbook(path: Path, titles: Sequence[str] = (), encoding: str = "") -> Workbook:
    """Reads a file by its content, whatever its name. `titles` are column titles by which the delimiter is recognised.

    Raises UsageError, with the reason, for a file that is missing or broken, or that is not a table.
    """
    is_package = kind_of(path) == "package"
    suffix = path.suffix.lower()
    if not is_package and suffix not in _TABLES | _WORKBOOKS:
        raise UsageError(f"{path}: not a spreadsheet; .xlsx, .ods, .csv and .tsv are read")
    package = open_package(path) if is_package else None
    book = _read_sheets(package) if package else _read_table(path, titles, encoding)
    kind = package.kind if package else "text"
    about: list[CellProblem] = []
    if suffix not in _SUFFIXES[kind]:
        about.append(CellProblem(OTHER_KIND, _first(path), path.name, {"kind": _SHOWN_KINDS[kind]}))
    if package and package.has_macros:
        about.append(CellProblem(MACROS, _first(path)))
    return Workbook(path, book.grids, (*about, *book.problems), book.notes, book.state)


def _first(path: Path) -> CellAddress:
    return CellAddress(str(path), "", 1, 0)


def _read_table(path: Path, titles: Sequence[str], encoding: str) -> Workbook:
    table = read_spreadsheet(path, titles, encoding)
    rows = [[cleaned(unguarded(cell)) for cell in row] for row in (table.header, *table.rows)]
    lines = (table.header_line, *table.lines)
    phantoms = _trim(rows)
    grid = Grid(str(path), "", tuple(map(tuple, rows)), lines[: len(rows)])
    if not rows:
        raise UsageError(f"{path} has no cell with text")
    problems = [one for place, text in _filled(rows) for one in problems_of_text(text, grid.address(*place))]
    if phantoms:
        problems.append(_phantoms(str(path), "", lines[len(rows)], phantoms, lines[-1]))
    return Workbook(path, (grid,), tuple(problems), table.notes)


def _read_sheets(package: Package) -> Workbook:
    from_1904 = False
    if package.kind == "xlsx":
        book = read_xlsx(package)
        sheets, from_1904, copy = book.sheets, book.from_1904, book.copy
    else:
        sheets, copy = read_ods(package)
    large = _large(package.path, sheets)
    if large:
        return Workbook(package.path, (), (large,))
    library = _opened(package.path, copy, sheets)
    grids, problems = [], []
    state: tuple[tuple[str, ...], ...] = ()
    for facts in sheets:
        if facts.hidden:
            if facts.name == STATE_SHEET:
                cells = _cells(package.path, library, facts.name)
                state = tuple(tuple(map(str, line)) for line in cells)
            elif facts.name != _OWN_SHEET:
                address = CellAddress(str(package.path), facts.name, 1, 0)
                problems.append(CellProblem(HIDDEN_SHEET, address, facts.name))
        elif facts.has_cells:
            epoch = _EPOCHS[from_1904]
            reader = _SheetReader(str(package.path), facts, epoch, package.kind == "xlsx" and not from_1904)
            grid, wrong = reader.read(_cells(package.path, library, facts.name))
            grids.append(grid)
            problems += wrong
    if not any(grid.rows for grid in grids) and all(problem.rule.severity == NOTE for problem in problems):
        raise UsageError(f"{package.path} has no visible sheet with text")
    return Workbook(package.path, tuple(grids), tuple(problems), (), state)


def _large(path: Path, sheets: Sequence[SheetFacts]) -> CellProblem | None:
    """Returns the problem of the largest sheet, if the sheets together are too large to be opened."""
    # The library opens hidden sheets of ODS too.
    number, letters = sum(facts.cells for facts in sheets), sum(facts.letters for facts in sheets)
    if number > MOST_CELLS:
        facts = max(sheets, key=lambda one: one.cells)
        address = CellAddress(str(path), facts.name, facts.rows, facts.columns - 1)
        return CellProblem(LARGE_SHEET, address, "", {"number": facts.cells, "most": MOST_CELLS})
    if letters > MOST_LETTERS:
        raise UsageError(f"{path} has {letters:,} characters in its cells; at most {MOST_LETTERS:,} are read")
    return None


def _opened(path: Path, copy: BytesIO, sheets: Sequence[SheetFacts]) -> CalamineWorkbook:
    try:
        book = CalamineWorkbook.from_filelike(copy)
    except CalamineError as error:
        raise _unreadable(path, error) from None
    if [facts.name for facts in sheets] != list(book.sheet_names):
        raise _unreadable(path, "its sheets cannot be distinguished")
    return book


def _cells(path: Path, library: CalamineWorkbook, name: str) -> list[list[Any]]:
    try:
        # Without the argument, leading empty rows and columns are cut and every address is wrong.
        return library.get_sheet_by_name(name).to_python(skip_empty_area=False)
    # The library turns some cells into dates and durations that Python does not have.
    except (CalamineError, OverflowError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, reason: object) -> UsageError:
    save = "open it in a spreadsheet program and save it again"
    return UsageError(f"{path} cannot be read as a workbook ({reason}): {save}")


class _SheetReader:
    """Makes the grid of a sheet from the values of the library and the facts about the cells."""

    def __init__(self, file: str, facts: SheetFacts, epoch: date, counts_wrong_day: bool) -> None:
        self._file, self._facts, self._epoch = file, facts, epoch
        self._counts_wrong_day = counts_wrong_day
        self._problems: list[CellProblem] = []

    def read(self, cells: list[list[Any]]) -> tuple[Grid, list[CellProblem]]:
        """Returns the grid without the empty rows and columns at its end, and the problems by row and column."""
        rows = [
            ["" if cell == "" else self._text(cell, row, column) for column, cell in enumerate(line)]
            for row, line in enumerate(cells)
        ]
        self._require_all(rows)
        self._report_facts(rows)
        self._problems += spread_merged(rows, self._facts.merged, self._address)
        height = len(rows)
        phantoms = _trim(rows)
        # An error or a formula without result leaves an empty cell, which is not without meaning.
        for place, text in _filled(rows):
            self._problems += problems_of_text(text, self._address(place))
        self._problems.sort(key=lambda problem: (problem.address.row, problem.address.column))
        if phantoms:
            self._problems.append(_phantoms(self._file, self._facts.name, len(rows) + 1, phantoms, height))
        grid = Grid(self._file, self._facts.name, tuple(map(tuple, rows)), tuple(range(1, len(rows) + 1)))
        return grid, self._problems

    def _require_all(self, rows: list[list[str]]) -> None:
        """Raises UsageError if the library has left out a value."""
        for row, columns in self._facts.filled.items():
            for column in columns:
                if not _get(rows, (row, column)):
                    name = self._address((row, column)).name
                    raise _unreadable(Path(self._file), f"the value of {name} would be lost")

    def _report_facts(self, rows: list[list[str]]) -> None:
        facts = self._facts
        for place, text in facts.texts.items():
            _put(rows, place, cleaned(text))
        for place, text in facts.errors.items():
            # A text, so that the row is not taken for empty; the library gives an empty one.
            _put(rows, place, text if is_error(text) else "#N/A")
        for place in facts.uncalculated:
            self._add(UNCALCULATED, place)
        for place in facts.struck:
            if text := _get(rows, place):
                self._add(STRUCK, place, text)
        for place, text in facts.remarks.items():
            self._add(REMARK, place, cleaned(text))
        self._report_hidden(rows)

    def _report_hidden(self, rows: list[list[str]]) -> None:
        facts = self._facts
        for row in facts.hidden_rows:
            self._add(HIDDEN_ROW, (row, 0))
        for first, last in facts.hidden_columns:
            for column in range(first, min(last + 1, facts.columns)):
                if any(column < len(row) and row[column] for row in rows):
                    self._add(HIDDEN_COLUMN, (0, column))

    def _text(self, cell: Any, row: int, column: int) -> str:
        place = (row, column)
        if place in self._facts.texts:
            return cleaned(self._facts.texts[place])
        # bool is a kind of int.
        if isinstance(cell, bool):
            return "yes" if cell else "no"
        if isinstance(cell, float):
            return self._number(cell, place)
        if isinstance(cell, date):
            return self._day(cell, place)
        if isinstance(cell, time | timedelta):
            self._add(TIME, place, str(cell))
        return cleaned(str(cell))

    def _number(self, number: float, place: Place) -> str:
        text = str(int(number)) if number.is_integer() else format(Decimal(repr(number)), "f")
        if not abs(number) < _EXACT:
            self._add(LARGE_NUMBER, place, text)
        elif place in self._facts.date_formats:
            # Formatted as a day, but none of the calendar.
            self._add(TIME, place, text)
        return text

    def _day(self, day: date, place: Place) -> str:
        granularity = self._facts.date_formats.get(place, NO_YEAR)
        moment = isinstance(day, datetime) and day.time() != time()
        whole = day.isoformat() if moment else day.isoformat()[:10]
        plain = day.date() if isinstance(day, datetime) else day
        if self._counts_wrong_day and plain < _MARCH_1900:
            self._add(EARLY_DAY, place, whole[:10])
        elif granularity not in (DAY, MONTH, YEAR, MOMENT):
            self._add(WITHOUT_YEAR, place, whole[:10])
        elif (plain - self._epoch).days in _YEARS:
            self._add(PERHAPS_YEAR, place, whole[:10], year=str((plain - self._epoch).days))
        if granularity == YEAR:
            return whole[:4]
        return whole[:7] if granularity == MONTH else whole if granularity == MOMENT else whole[:10]

    def _add(self, rule: CellRule, place: Place, value: str = "", **values: str) -> None:
        self._problems.append(CellProblem(rule, self._address(place), value, values))

    def _address(self, place: Place) -> CellAddress:
        return CellAddress(self._file, self._facts.name, place[0] + 1, place[1])


def _filled(rows: Sequence[Sequence[str]]) -> Iterator[tuple[Place, str]]:
    return (((row, column), text) for row, line in enumerate(rows) for column, text in enumerate(line) if text)


def _put(rows: list[list[str]], place: Place, text: str) -> None:
    row, column = place
    while len(rows) <= row:
        rows.append([])
    rows[row] += [""] * (column + 1 - len(rows[row]))
    rows[row][column] = text


def _get(rows: list[list[str]], place: Place) -> str:
    row, column = place
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else ""


def _trim(rows: list[list[str]]) -> int:
    """Removes the rows and columns at the end that have no text, and returns the number of rows."""
    height = len(rows)
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((column + 1 for row in rows for column, text in enumerate(row) if text), default=0)
    for row in rows:
        row[width:] = [""] * (width - len(row))
    return height - len(rows)


def _phantoms(file: str, sheet: str, first: int, number: int, last: int) -> CellProblem:
    return CellProblem(PHANTOM_ROWS, CellAddress(file, sheet, first, 0), "", {"number": number, "last": str(last)})
