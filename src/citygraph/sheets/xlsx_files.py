"""Workbooks that citygraph writes: the template, and sheets with rows. Every value is written as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from citygraph.errors import CitygraphError
from citygraph.saving import replace_bytes
from citygraph.sheets.cell_facts import STATE_SHEET
from citygraph.sheets.choices import Choices
from citygraph.sheets.table_model import Sheet, SheetColumn, TableModel

# Row numbers, from 0: titles, then the help, then an example.
_HELP, _EXAMPLE, _FIRST = 1, 2, 3
_ROWS = 2000  # rows that have drop-downs
_WIDTH = 22
_LISTS = "Lists"
_CHOSEN = frozenset({"class", "concept"})
# Equal content gives equal bytes: two exports can be compared by digest.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
_TITLE, _TEXT = 32, 255  # characters of the title and the text of a drop-down's message


class XlsxFile:
    """A workbook that is being written; nothing in it is a formula, a link or a number.

    A file at `path` is replaced when the workbook is closed, and stays as it is after an error. Raises CitygraphError
    if the library refuses a cell, such as one with more than 32,767 characters.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._content = path, BytesIO()
        self._book = new_workbook(self._content)
        self._book.set_properties({"created": _CREATED})
        self._text = self._book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self._bold = self._book.add_format({"bold": True, "num_format": "@", "bg_color": "#DDE6EE", "border": 1})
        self._grey = self._book.add_format(
            {"italic": True, "font_color": "#5A6570", "num_format": "@", "text_wrap": True}
        )
        self._lists = self._book.add_worksheet(_LISTS)
        self._lists.hide()
        self._columns = 0

    def add_sheet(
        self,
        sheet: Sheet,
        model: TableModel,
        choices: Choices,
        rows: Iterable[Mapping[SheetColumn, str]],
        with_help: bool,
    ) -> None:
        """Adds a sheet: titles, for a template a help and an example row, and rows."""
        language = model.languages[0]
        page = self._book.add_worksheet(sheet.title(language))
        page.freeze_panes(1, 1)
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, _WIDTH, self._text)
            self._write(page, 0, place, column.title(language), self._bold)
            if with_help:
                self._write(page, _HELP, place, column.guidance(language), self._grey)
                self._write(page, _EXAMPLE, place, choices.example_of(column, language), self._grey)
            if column.kind in _CHOSEN:
                self._add_choices(page, place, choices.of(column, language), column, language)
        for number, row in enumerate(rows, _FIRST if with_help else 1):
            for place, column in enumerate(sheet.columns):
                self._write(page, number, place, row.get(column, ""), self._text)
        # A cell that looks like a number is text on purpose.
        page.ignore_errors({"number_stored_as_text": f"A1:ZZ{_ROWS + 1}"})

    def add_state(self, lines: Iterable[Sequence[str]]) -> None:
        """Adds the hidden sheet of an export."""
        page = self._book.add_worksheet(STATE_SHEET)
        page.hide()
        for number, line in enumerate(lines):
            for place, text in enumerate(line):
                self._write(page, number, place, text, self._text)

    def close(self) -> None:
        """Writes the file; the first visible sheet is shown when it is opened."""
        self._book.worksheets()[1].activate()
        self._book.worksheets()[1].set_first_sheet()
        self._book.close()
        replace_bytes(self._path, self._content.getvalue())

    def _add_choices(self, page: Any, place: int, choices: Sequence[str], column: SheetColumn, language: str) -> None:
        """Adds a drop-down with a range of the hidden sheet: a list in the cell may have only 255 characters."""
        for number, choice in enumerate(choices):
            self._write(self._lists, number, self._columns, choice, self._text)
        source = [0, self._columns, max(len(choices) - 1, 0), self._columns]
        letters = xlsxwriter.utility.xl_range_abs(*source)
        self._columns += 1
        options = {
            "validate": "list",
            "source": f"={_LISTS}!{letters}",
            "input_title": column.title(language)[:_TITLE],
            "input_message": column.guidance(language)[:_TEXT],
            # Several values are separated by semicolons, which no list has.
            "error_type": "warning" if column.many else "stop",
        }
        require_written(page.data_validation(1, place, _ROWS, place, options))

    def _write(self, page: Any, row: int, column: int, text: str, format_: Any) -> None:
        if text:
            require_written(page.write_string(row, column, text, format_))


def new_workbook(content: BytesIO) -> Any:
    """Returns a workbook that is written to memory when it is closed; every value in it is text."""
    as_text = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    return xlsxwriter.Workbook(content, {**as_text, "in_memory": True})


def require_written(status: int | None) -> None:
    """Raises CitygraphError for a cell that the library has left out, which it reports only by this number."""
    if status:
        raise CitygraphError(f"a cell cannot be written to the workbook (status {status})")


def write_rows(
    path: Path,
    model: TableModel,
    choices: Choices,
    rows: Mapping[str, list[dict[SheetColumn, str]]],
    state: Iterable[Sequence[str]] = (),
) -> None:
    """Writes rows by the key of their sheet, with the titles and drop-downs of the template.

    `state` are the lines of the hidden sheet with the state of the export.
    """
    book = XlsxFile(path)
    for sheet in model.sheets:
        book.add_sheet(sheet, model, choices, rows.get(sheet.key, ()), with_help=False)
    book.add_state(state)
    book.close()


def write_template(path: Path, model: TableModel, choices: Choices) -> None:
    """Writes the empty template for the languages of an instance."""
    book = XlsxFile(path)
    for sheet in model.sheets:
        book.add_sheet(sheet, model, choices, (), with_help=True)
    book.close()
