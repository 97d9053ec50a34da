"""The rows of a workbook: grids matched with the sheets of the model, and their columns with titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pyoxigraph import NamedNode

from citygraph.sheets.cell_problems import NOTE, WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.choices import Choices
from citygraph.sheets.table_model import Sheet, SheetColumn, TableModel, expanded
from citygraph.sheets.workbook import Grid, Workbook
from citygraph.text import fold

UNKNOWN_SHEET = CellRule(
    "sheet-unknown",
    "The sheet {value} is not one of the template.",
    "Rename it to one of {sheets}, or name its columns in a mapping.",
)
UNKNOWN_COLUMN = CellRule(
    "column-unknown",
    "The column {value} is unknown.",
    "Did you mean {nearest}? Otherwise delete the column, or name it in a mapping.",
)
DUPLICATE_COLUMN = CellRule(
    "column-twice", "The column {value} occurs twice.", "Delete or rename one of the two columns."
)
MISSING_COLUMN = CellRule("column-missing", "The column {column} is missing.", "Add the column {column}.")
UNTITLED_COLUMN = CellRule(
    "column-untitled", "A column with values has no title.", "Give it a title, or delete its values."
)
NO_HEADER = CellRule(
    "header-missing", "No row has the titles of the columns.", "Write the titles of the template into the first row."
)
EMPTY_REQUIRED = CellRule(
    "value-missing", "The column {column} is empty.", "Fill in the cell: each row needs this value."
)
EXAMPLE_LEFT = CellRule(
    "example-row", "This row is the example of the template and is not imported.", "Nothing needs to be done.", NOTE
)

DASH = CellRule(
    "cell-dash",
    "{value} is read as an empty cell, which changes nothing.",
    "Empty the cell. If it is to delete what the source says here, write the longer sign –.",
    WARNING,
)

DELETION = "–"
# Other signs for "nothing", of which it is unclear whether they mean a deletion.
_DASHES = frozenset("-‐‑‒—―−")
_HEADER_ROWS = 20  # rows among which the titles are looked for


@dataclass(frozen=True)
class RowCell:
    """A cell of a row: its text and its address."""

    text: str
    address: CellAddress


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet of the model: its filled cells by column, and the address of the row's first cell."""

    sheet: Sheet
    cells: dict[SheetColumn, RowCell]
    address: CellAddress
    places: Mapping[SheetColumn, int] = field(default_factory=dict)  # the columns that the table has

    def cell(self, key: str) -> RowCell | None:
        """Returns the first filled cell of the columns with this key, or None."""
        return next((cell for column, cell in self.cells.items() if column.key == key), None)

    def says(self, key: str) -> bool:
        """Returns whether the row has a value in a column with this key, which the sign for a deletion is not."""
        return any(column.key == key and cell.text != DELETION for column, cell in self.cells.items())

    def empty_cell(self, node: str, predicate: NamedNode, language: str) -> CellAddress | None:
        """Returns the address of the empty cell for a property of a node, if the table has a column for it."""
        for column, place in self.places.items():
            is_empty = column.node == node and column.property and column not in self.cells
            # The first language of an instance is not known here.
            if is_empty and expanded(column.property) == predicate and column.tag(language) == language:
                return CellAddress(self.address.file, self.address.sheet, self.address.row, place)
        return None


def read_rows(
    workbooks: Sequence[Workbook], model: TableModel, choices: Choices
) -> tuple[list[SheetRow], list[CellProblem]]:
    """Returns the rows of all sheets, without the help and the example of the template, and the problems of columns."""
    rows: list[SheetRow] = []
    problems: list[CellProblem] = []
    for grid in (grid for workbook in workbooks for grid in workbook.grids):
        if not any(text for row in grid.rows for text in row):
            continue
        sheet = _sheet_of(grid, model)
        if sheet is None:
            names = ", ".join(one.title(model.languages[0]) for one in model.sheets)
            name = grid.name or Path(grid.file).stem
            problems.append(CellProblem(UNKNOWN_SHEET, grid.address(0, 0), name, {"sheets": names}))
            continue
        of_grid, wrong = _rows_of(grid, sheet, model, choices)
        rows += of_grid
        problems += wrong
    return rows, problems


def titles_of(column: SheetColumn) -> set[str]:
    """Returns the search forms of the titles by which a column is recognised: its titles in all languages, its key.

    Titles of earlier templates are recognised, too.
    """
    key = f"{column.key} {column.language}".strip()
    return {fold(title) for title in (*column.titles.values(), *column.former, key)}


def _sheet_of(grid: Grid, model: TableModel) -> Sheet | None:
    if grid.sheet:
        return model.sheet(grid.sheet)
    name = fold(grid.name or Path(grid.file).stem)
    for sheet in model.sheets:
        if name in {fold(title) for title in (*sheet.titles.values(), sheet.key)}:
            return sheet
    # A CSV file may have any name: the sheet with the most titles in its header.
    scored = [(_header_of(grid, sheet)[1], sheet) for sheet in model.sheets]
    score, best = max(scored, key=lambda one: one[0])
    return best if score >= len(scored) // 2 and score > sorted(one for one, _ in scored)[-2] else None


def _header_of(grid: Grid, sheet: Sheet) -> tuple[int, int]:
    """Returns the index of the row with the most titles of the sheet, and their number."""
    titles = set().union(*(titles_of(column) for column in sheet.columns))
    counts = [sum(fold(text) in titles for text in row if text) for row in grid.rows[:_HEADER_ROWS]]
    best = max(range(len(counts)), key=lambda place: counts[place])
    return best, counts[best]


def _rows_of(grid: Grid, sheet: Sheet, model: TableModel, choices: Choices) -> tuple[list[SheetRow], list[CellProblem]]:
    header, number = _header_of(grid, sheet)
    if not number:
        return [], [CellProblem(NO_HEADER, grid.address(0, 0))]
    columns, problems = _columns_of(grid, header, sheet, model.languages[0])
    places = {column: place for place, column in columns.items()}
    rows = []
    for place in range(header + 1, len(grid.rows)):
        cells = {
            columns[number]: RowCell(text, grid.address(place, number))
            for number, text in enumerate(grid.rows[place])
            if text and number in columns
        }
        problems += _without_dashes(cells)
        if not cells or _is_help(cells):
            continue
        row = SheetRow(sheet, cells, grid.address(place, 0), places)
        if _is_example(cells, choices):
            problems.append(CellProblem(EXAMPLE_LEFT, row.address))
            continue
        rows.append(row)
        problems += _empty(row, model.languages[0])
    return rows, problems


def _columns_of(
    grid: Grid, header: int, sheet: Sheet, language: str
) -> tuple[dict[int, SheetColumn], list[CellProblem]]:
    by_title = {title: column for column in sheet.columns for title in titles_of(column)}
    columns: dict[int, SheetColumn] = {}
    problems: list[CellProblem] = []
    for place, title in enumerate(grid.rows[header]):
        column = by_title.get(fold(title)) if title else None
        if column is None:
            problems += _unknown(grid, header, place, by_title, language)
        elif column in columns.values():
            problems.append(CellProblem(DUPLICATE_COLUMN, grid.address(header, place), title))
        else:
            columns[place] = column
    for column in sheet.columns:
        if column.required and column not in columns.values():
            values = {"column": column.title(language)}
            problems.append(CellProblem(MISSING_COLUMN, grid.address(header, 0), "", values))
    return columns, problems


def _unknown(
    grid: Grid, header: int, place: int, by_title: dict[str, SheetColumn], language: str
) -> Iterator[CellProblem]:
    title = grid.rows[header][place]
    if title:
        nearest = get_close_matches(fold(title), by_title, 1, 0.4)
        names = [by_title[nearest[0]]] if nearest else dict.fromkeys(by_title.values())
        values = {"nearest": ", ".join(column.title(language) for column in names)}
        yield CellProblem(UNKNOWN_COLUMN, grid.address(header, place), title, values)
        return
    for number in range(header + 1, len(grid.rows)):
        if place < len(grid.rows[number]) and grid.rows[number][place]:
            yield CellProblem(UNTITLED_COLUMN, grid.address(number, place), grid.rows[number][place])
            return


def _empty(row: SheetRow, language: str) -> Iterator[CellProblem]:
    is_identified = row.cell("id") is not None
    for column, place in row.places.items():
        if is_identified and column.kind == "label":
            continue  # the entity is known, and its name may come from another source
        if column.required and column not in row.cells:
            address = CellAddress(row.address.file, row.address.sheet, row.address.row, place)
            yield CellProblem(EMPTY_REQUIRED, address, "", {"column": column.title(language)})


def _without_dashes(cells: dict[SheetColumn, RowCell]) -> Iterator[CellProblem]:
    """Removes the cells that have only a dash, and yields a warning for each."""
    for column in [column for column, cell in cells.items() if cell.text in _DASHES]:
        cell = cells.pop(column)
        yield CellProblem(DASH, cell.address, cell.text)


def _is_help(cells: dict[SheetColumn, RowCell]) -> bool:
    # Most of them: the help texts of another version may differ in part.
    helps = sum(cell.text in {column.guidance(tag) for tag in column.titles} for column, cell in cells.items())
    return helps > len(cells) / 2


def _is_example(cells: dict[SheetColumn, RowCell], choices: Choices) -> bool:
    return len(cells) > 1 and all(
        cell.text in {choices.example_of(column, tag) for tag in column.titles} for column, cell in cells.items()
    )
