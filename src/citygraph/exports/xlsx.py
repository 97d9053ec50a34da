"""XLSX: the rows on the first sheet, what describes them on the second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from typing import Any

import xlsxwriter

from citygraph.errors import NotAcceptable
from citygraph.exports.sinks import Sink, write_in_pieces
from citygraph.exports.typed_rows import ColumnKind, TypedColumn, TypedTable

_MOST_ROWS, _MOST_COLUMNS, _MOST_LETTERS = 1_048_575, 16_384, 32_767
# Before this day, programs disagree on the number of a date by one.
_FIRST_DAY = "1900-03-01"
_EXACT_INTEGER = 2**53
# Writes a cell by sheet, row, column and value.
_Cell = Callable[[Any, int, int, Any], int]


def write_xlsx(table: TypedTable, out: Sink) -> None:
    """Writes a table as a workbook. Raises NotAcceptable if it does not fit in one."""
    _check(table)
    file = BytesIO()
    # An engine process may not write files.
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    # Not the time of writing, so that the same result gives the same bytes.
    book.set_properties({"created": datetime.fromisoformat(dict(table.about).get("issued", "1970-01-01"))})
    bold = book.add_format({"bold": True})
    day_format = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("result")
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, bold)
        write = _writer(column, day_format)
        for row, value in enumerate(column.values, 1):
            if value is not None and write(sheet, row, place, value) < 0:
                raise _too_long(column.name, row)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, table.size, max(0, len(table.columns) - 1))
    _describe(book, table.about)
    book.close()
    write_in_pieces(file.getbuffer(), out)


def _check(table: TypedTable) -> None:
    if table.size > _MOST_ROWS or len(table.columns) > _MOST_COLUMNS:
        size = f"{table.size} rows and {len(table.columns)} columns"
        raise NotAcceptable(f"a sheet of XLSX has at most {_MOST_ROWS} rows, and the result has {size}", ())


def _writer(column: TypedColumn, day_format: Any) -> _Cell:
    """Returns the function that writes the values of a column, each to a cell of one type."""
    values = [value for value in column.values if value is not None]
    if column.kind is ColumnKind.DAY and all(day >= _FIRST_DAY for day in values):
        return lambda sheet, row, place, day: int(sheet.write_datetime(row, place, date.fromisoformat(day), day_format))
    is_exact = column.kind is not ColumnKind.INTEGER or all(abs(value) <= _EXACT_INTEGER for value in values)
    if column.kind in (ColumnKind.INTEGER, ColumnKind.NUMBER) and is_exact:
        return lambda sheet, row, place, number: int(sheet.write_number(row, place, number))
    if column.kind is ColumnKind.BOOLEAN:
        return lambda sheet, row, place, truth: int(sheet.write_boolean(row, place, truth))
    # A text that begins with an equals sign is no formula, and an IRI no link: a sheet may have 65,530 links only.
    return lambda sheet, row, place, text: int(sheet.write_string(row, place, str(text)))


def _too_long(name: str, row: int) -> NotAcceptable:
    text = f"the text in column {name}, row {row} is too long for a cell of XLSX, which has {_MOST_LETTERS} characters"
    return NotAcceptable(text, ())


def _describe(book: Any, about: tuple[tuple[str, str], ...]) -> None:
    if not about:
        return
    sheet = book.add_worksheet("about")
    for row, (name, value) in enumerate(about):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, value[:_MOST_LETTERS])
