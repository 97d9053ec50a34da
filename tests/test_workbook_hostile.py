"""Messy and hostile workbooks (14 §2): each is read right, or refused with its reason; nothing is lost silently."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from citygraph.catalogues import LANGUAGES
from citygraph.errors import UsageError
from citygraph.sheets import cell_facts, workbook_package
from citygraph.sheets.cell_problems import CellProblem
from citygraph.sheets.workbook import Workbook, read_workbook
from citygraph.web.view.translations import Translations
from tests.workbooks import MAIN, SHEET, STRINGS, STYLES, cell, edited, ods, part_of, row, table, xlsx, xlsx_with

_MILLION = 1_048_576
TRANSLATED = LANGUAGES[1:]
_DAY = datetime(1985, 4, 1)


@dataclass(frozen=True)
class Case:
    """A file, and either the reason for which it is refused, or its rows and the problems of its cells.

    Rows are compared from the top, without the empty cells at their ends.
    """

    file: str
    data: Callable[[], bytes]
    rows: tuple[str, ...] = ()  # cells separated by |
    problems: tuple[str, ...] = ()  # such as "B7 cell-error"
    refused: str = ""


def _cells(*rows: str) -> Callable[[Any, Any], None]:
    def fill(_: Any, sheet: Any) -> None:
        for number, line in enumerate(rows):
            for column, text in enumerate(line.split("|")):
                if text:
                    sheet.write_string(number, column, text)

    return fill


def _formatted(code: str, number: float | datetime) -> bytes:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write(0, 0, number, book.add_format({"num_format": code}))

    return xlsx(fill)


def _writing(*calls: tuple[str, tuple[Any, ...]], **options: object) -> bytes:
    def fill(_: Any, sheet: Any) -> None:
        for name, arguments in calls:
            getattr(sheet, name)(*arguments)

    return xlsx(fill, **options)


def _struck(part: bool) -> bytes:
    def fill(book: Any, sheet: Any) -> None:
        struck = book.add_format({"font_strikeout": True})
        if part:
            sheet.write_rich_string(0, 0, "Gdańsk ", struck, "until 2014")
        else:
            sheet.write_string(0, 0, "Gdańsk", struck)

    return xlsx(fill)


def _hidden_sheet(name: str, visible: bool = True) -> bytes:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "seen")
        other = book.add_worksheet(name)
        other.write_string(0, 0, "unseen")
        other.very_hidden() if name == "Deep" else other.hide()
        if not visible:
            other.activate()
            sheet.hide()

    return xlsx(fill)


def _chart(book: Any, sheet: Any) -> None:
    sheet.write_row(0, 0, [1, 2])
    page = book.add_chartsheet("Chart")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=S!$A$1:$B$1"})
    page.set_chart(chart)


def _zip(parts: dict[str, bytes | str]) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _with_flag(data: bytes) -> bytes:
    # The bit for encryption in each entry of the directory of the archive.
    pieces = data.split(b"PK\x01\x02")
    return b"PK\x01\x02".join([pieces[0], *(one[:4] + bytes([one[4] | 1]) + one[5:] for one in pieces[1:])])


def _large(size: int) -> bytes:
    return xlsx_with(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * size}</t></is></c></row>')


def _repeated(rows: int, columns: int, text: str = "x") -> str:
    cells = cell(text, f'office:value-type="string" table:number-columns-repeated="{columns}"')
    return row(cells, attributes=f'table:number-rows-repeated="{rows}"')


_FAR = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    f'<row r="{_MILLION}"><c r="{{}}{_MILLION}" t="inlineStr"><is><t>{{}}</t></is></c></row>'
)
_SHARED = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
_MERGES = "<mergeCells>" + '<mergeCell ref="A1:CV50000"/>' * 2 + "</mergeCells>"
_TYPE = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
_BOOK_XML = "xl/workbook.xml"
_ASIDES = (
    '<table:table-cell office:value-type="string"><office:annotation><text:p>no</text:p></office:annotation>'
    "<text:p>v<text:note><text:p>no</text:p></text:note></text:p><text:p>w</text:p></table:table-cell>"
)
_STRIKE_STYLE = (
    '<style:style style:name="gone" style:family="table-cell">'
    '<style:text-properties style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="child" style:family="table-cell" style:parent-style-name="gone"/>'
)
_HIDDEN_STYLE = (
    '<style:style style:name="no" style:family="table"><style:table-properties table:display="false"/></style:style>'
)
_DATE = 'office:value-type="date" office:date-value="1985-04-01"'
_EMPTY_BOOK = xlsx

CASES: dict[str, Case] = {
    # Dates
    "a day": Case("x.xlsx", lambda: _formatted("dd.mm.yyyy", _DAY), ("1985-04-01",)),
    "a month": Case("x.xlsx", lambda: _formatted("mmmm yyyy", _DAY), ("1985-04",)),
    "a year": Case("x.xlsx", lambda: _formatted("yyyy", _DAY), ("1985",)),
    "a month of a German program": Case("x.xlsx", lambda: _formatted("[$-407]mmmm\\ yyyy;@", _DAY), ("1985-04",)),
    "a format without year": Case("x.xlsx", lambda: _formatted("d.m.", _DAY), (), ("A1 cell-no-year",)),
    "a format with weekday only": Case("x.xlsx", lambda: _formatted("dddd", _DAY), (), ("A1 cell-no-year",)),
    "a time": Case("x.xlsx", lambda: _formatted("hh:mm", 0.5), (), ("A1 cell-time",)),
    "a duration": Case("x.xlsx", lambda: _formatted("[h]:mm", 1.5), (), ("A1 cell-time",)),
    "an endless duration": Case(
        "x.xlsx", lambda: _formatted("[h]:mm", 1e9), refused="S!A1: the cell is formatted as a time"
    ),
    "minutes are not months": Case("x.xlsx", lambda: _formatted("mm:ss", 0.5), (), ("A1 cell-time",)),
    "a day and a time": Case(
        "x.xlsx", lambda: _formatted("yyyy-mm-dd hh:mm", datetime(1985, 4, 1, 12)), ("1985-04-01T12:00:00",)
    ),
    "a time that is not shown": Case(
        "x.xlsx", lambda: _formatted("yyyy-mm-dd", datetime(1985, 4, 1, 12)), ("1985-04-01",)
    ),
    "a day before 1900": Case("x.xlsx", lambda: _formatted("yyyy-mm-dd", -700), (), ("A1 cell-time",)),
    "a day of January 1900": Case("x.xlsx", lambda: _formatted("yyyy-mm-dd", 30), (), ("A1 cell-early-day",)),
    "the day that did not exist": Case("x.xlsx", lambda: _formatted("yyyy-mm-dd", 60), (), ("A1 cell-early-day",)),
    "a day after 9999": Case("x.xlsx", lambda: _formatted("yyyy-mm-dd", 3_000_000), (), ("A1 cell-time",)),
    "a year that became a day": Case(
        "x.xlsx", lambda: _formatted("dd.mm.yyyy", 1985), ("1905-06-07",), ("A1 cell-year",)
    ),
    "1904 epoch": Case("x.xlsx", lambda: _writing(("write_number", (0, 0, 29676)), date_1904=True), ("29676",)),
    "1904 epoch, a day": Case(
        "x.xlsx",
        lambda: xlsx(
            lambda book, sheet: sheet.write_datetime(0, 0, _DAY, book.add_format({"num_format": "dd.mm.yyyy"})),
            date_1904=True,
        ),
        ("1985-04-01",),
    ),
    "1904 epoch, its first day": Case(
        "x.xlsx",
        lambda: xlsx(
            lambda book, sheet: sheet.write_number(0, 0, 0, book.add_format({"num_format": "dd.mm.yyyy"})),
            date_1904=True,
        ),
        (),
        ("A1 cell-time",),
    ),
    "a number that is not a date": Case("x.xlsx", lambda: _formatted('0 "Jahre"', 5), ("5",)),
    "ISO day in XLSX": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="A1" t="d"><v>1850-04-01</v></c></row>'), ("1850-04-01",)
    ),
    "ODS day": Case("x.ods", lambda: ods(table(row(cell("01.04.85", _DATE)))), ("1985-04-01",)),
    "ODS month": Case("x.ods", lambda: ods(table(row(cell("April 1985", _DATE)))), ("1985-04",)),
    "ODS month in numbers": Case("x.ods", lambda: ods(table(row(cell("04/1985", _DATE)))), ("1985-04",)),
    "ODS year": Case("x.ods", lambda: ods(table(row(cell("1985", _DATE)))), ("1985",)),
    "ODS without year": Case("x.ods", lambda: ods(table(row(cell("1. April", _DATE)))), (), ("A1 cell-no-year",)),
    "ODS time": Case(
        "x.ods",
        lambda: ods(table(row(cell("12:00", 'office:value-type="time" office:time-value="PT12H00M00S"')))),
        (),
        ("A1 cell-time",),
    ),
    # Errors, formulas, numbers
    "an error": Case(
        "x.xlsx", lambda: _writing(("write_formula", (6, 1, "=NA()", None, "#N/A"))), (), ("B7 cell-error",)
    ),
    "an error that was copied as text": Case(
        "x.xlsx", lambda: xlsx(_cells("#REF!|#BEZUG!|#YOK")), (), ("A1 cell-error", "B1 cell-error", "C1 cell-error")
    ),
    "an error in CSV": Case("x.csv", lambda: b"a,b\n1,#DIV/0!\n", (), ("B2 cell-error",)),
    "an ODS error": Case(
        "x.ods",
        lambda: ods(
            table(
                row("a", cell("#N/A", 'office:value-type="string" office:string-value="" calcext:value-type="error"'))
            )
        ),
        (),
        ("B1 cell-error",),
    ),
    "a formula with a stored value": Case(
        "x.xlsx", lambda: _writing(("write_formula", (0, 0, '="a"&"b"', None, "ab"))), ("ab",)
    ),
    "a formula that nobody calculated": Case(
        "x.xlsx", lambda: _writing(("write_formula", (0, 0, "=1+1"))), (), ("A1 cell-formula",)
    ),
    "a formula without a value": Case(
        "x.xlsx",
        lambda: xlsx_with(
            '<row r="1"><c r="B1"><f>1+1</f></c></row>' + _SHARED.replace("1", "2").replace("<v>2", "<v>0")
        ),
        (),
        ("B1 cell-formula",),
    ),
    "a formula with an empty result": Case(
        "x.xlsx",
        lambda: xlsx_with(_SHARED.replace("</row>", '<c r="B1" t="str"><f>""</f><v></v></c></row>')),
        ("shared",),
    ),
    "an ODS formula without a value": Case(
        "x.ods", lambda: ods(table(row("a", '<table:table-cell table:formula="of:=1+1"/>'))), (), ("B1 cell-formula",)
    ),
    "a number of 17 digits": Case(
        "x.xlsx", lambda: _writing(("write_number", (0, 0, 12345678901234567))), (), ("A1 cell-number",)
    ),
    "a number that is none": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="A1"><v>NaN</v></c></row>'), (), ("A1 cell-number",)
    ),
    "a number with letters": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="A1"><v>abc</v></c></row>'), refused="S!A1: the cell has no number"
    ),
    "an ODS number with letters": Case(
        "x.ods",
        lambda: ods(table(row(cell("5", 'office:value-type="float" office:value="zz"')))),
        refused="S!A1: the cell has no number",
    ),
    "whole numbers and fractions": Case(
        "x.xlsx", lambda: _writing(("write_row", (0, 0, [1985, 54.35, 0.00001, True]))), ("1985|54.35|0.00001|yes",)
    ),
    # Addresses
    "a table that begins at C4": Case("x.xlsx", lambda: _writing(("write_string", (3, 2, "x"))), ("", "", "", "||x")),
    "cells without address": Case(
        "x.xlsx",
        lambda: xlsx_with('<row><c t="s"><v>0</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>'),
        ("shared|2", "3"),
    ),
    "a million formatted empty rows": Case(
        "x.xlsx",
        lambda: xlsx_with(_SHARED + "".join(f'<row r="{n}"><c r="A{n}" s="1"/></row>' for n in range(2, 50_000))),
        ("shared",),
    ),
    "a million phantom rows": Case("x.xlsx", lambda: xlsx_with(_FAR.format("A", " ")), ("shared",), ("A2 rows-empty",)),
    "a blank cell in the far corner": Case(
        "x.xlsx", lambda: xlsx_with(_FAR.format("XFD", " ")), (), (f"XFD{_MILLION} sheet-size",)
    ),
    "a million rows in ODS": Case(
        "x.ods",
        lambda: ods(
            table(row("a") + row("<table:table-cell/>", attributes=f'table:number-rows-repeated="{_MILLION - 1}"'))
        ),
        ("a",),
    ),
    "a cell repeated to the far corner": Case(
        "x.ods", lambda: ods(table(_repeated(_MILLION, 16_384))), (), (f"XFD{_MILLION} sheet-size",)
    ),
    "repeated cells": Case("x.ods", lambda: ods(table(_repeated(2, 3))), ("x|x|x", "x|x|x")),
    "a wrong repetition": Case(
        "x.ods", lambda: ods(table(_repeated(0, 1))), refused="S!A1: the number of repetitions is '0'"
    ),
    "an address that is none": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="1A"><v>1</v></c></row>'), refused="S!1A: this is not an address"
    ),
    "an address beyond the sheet": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="XFE1"><v>1</v></c></row>'), refused="XFE1: this is not an address"
    ),
    "a cell twice": Case(
        "x.xlsx",
        lambda: xlsx_with('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>'),
        refused="S!A1: the cell is not in order, or there twice",
    ),
    "rows out of order": Case(
        "x.xlsx",
        lambda: xlsx_with('<row r="5"><c r="A5"><v>1</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>'),
        refused="S!A2: the cell is not in order",
    ),
    "a text that is not there": Case(
        "x.xlsx",
        lambda: xlsx_with('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'),
        refused="S!A1: the cell refers to a text",
    ),
    "a format that is not there": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="A1" s="99"><v>5</v></c></row>'), ("5",)
    ),
    # Hidden, merged, struck out
    "a hidden sheet": Case("x.xlsx", lambda: _hidden_sheet("Old"), ("seen",), ("A1 sheet-hidden",)),
    "a very hidden sheet": Case("x.xlsx", lambda: _hidden_sheet("Deep"), ("seen",), ("A1 sheet-hidden",)),
    "a hidden ODS sheet": Case(
        "x.ods",
        lambda: ods(table(row("seen")) + table(row("x"), "T", 'table:style-name="no"'), _HIDDEN_STYLE),
        ("seen",),
        ("A1 sheet-hidden",),
    ),
    "only a hidden ODS sheet": Case(
        "x.ods",
        lambda: ods(table(row("x"), "T", 'table:style-name="no"'), _HIDDEN_STYLE),
        refused="no visible sheet with text",
    ),
    "hidden rows": Case(
        "x.xlsx",
        lambda: _writing(
            ("write_string", (0, 0, "a")),
            ("write_string", (1, 0, "b")),
            ("set_row", (1, None, None, {"hidden": True})),
            ("set_row", (5, None, None, {"hidden": True})),
        ),
        ("a", "b"),
        ("A2 row-hidden",),
    ),
    "hidden columns": Case(
        "x.xlsx",
        lambda: _writing(("write_row", (0, 0, ["a", "b"])), ("set_column", (1, 9, None, None, {"hidden": True}))),
        ("a|b",),
        ("B1 column-hidden",),
    ),
    "filtered ODS rows": Case(
        "x.ods",
        lambda: ods(table(row("a") + row("b", attributes='table:visibility="filter"'))),
        ("a", "b"),
        ("A2 row-hidden",),
    ),
    "cells merged over rows": Case(
        "x.xlsx",
        lambda: xlsx(lambda _, sheet: (sheet.merge_range("A1:A3", "Poland"), sheet.write_column("B1", ["x", "y"]))),
        ("Poland|x", "Poland|y"),
        ("A1 merged-rows",),
    ),
    "cells merged over columns": Case(
        "x.xlsx",
        lambda: xlsx(lambda _, sheet: (sheet.merge_range("B1:C1", "1985"), sheet.write("A1", "x"))),
        ("x|1985",),
        ("B1 merged-columns",),
    ),
    "a merged title": Case(
        "x.xlsx",
        lambda: xlsx(lambda _, sheet: (sheet.merge_range("A1:C1", "Partners"), sheet.write_row("A2", ["x", "y", "z"]))),
        ("Partners", "x|y|z"),
    ),
    "a value beneath merged cells": Case(
        "x.ods",
        lambda: ods(
            table(
                row(
                    cell("m", 'office:value-type="string" table:number-columns-spanned="2"'),
                    cell("under", element="covered-table-cell"),
                    "z",
                )
            )
        ),
        ("m|under|z",),
        ("A1 merged-columns", "B1 merged-covered"),
    ),
    "too many merged cells": Case(
        "x.xlsx",
        lambda: xlsx_with(_SHARED + '<row r="50000"><c r="A50000"><v>1</v></c></row>', _MERGES),
        refused="too many merged cells",
    ),
    "a struck-out cell": Case("x.xlsx", lambda: _struck(False), ("Gdańsk",), ("A1 cell-struck",)),
    "a text that is partly struck out": Case(
        "x.xlsx", lambda: _struck(True), ("Gdańsk until 2014",), ("A1 cell-struck",)
    ),
    "a struck-out ODS cell": Case(
        "x.ods",
        lambda: ods(table(row(cell("x", 'office:value-type="string" table:style-name="child"'))), _STRIKE_STYLE),
        ("x",),
        ("A1 cell-struck",),
    ),
    # Texts
    "ODS line breaks and tabs": Case(
        "x.ods",
        lambda: ods(table(row("1985<text:line-break/>1990", "a<text:tab/>b", 'a<text:s text:c="3"/>b'))),
        ("1985\n1990|a b|a b",),
    ),
    "an ODS comment and a footnote": Case(
        "x.ods",
        lambda: ods(table(row(_ASIDES))),
        ("v\nw",),
        ("A1 cell-remark",),
    ),
    "a comment": Case(
        "x.xlsx",
        lambda: _writing(("write_string", (0, 0, "a")), ("write_comment", (0, 0, "ended 2014", {"author": "Ayşe"}))),
        ("a",),
        ("A1 cell-remark",),
    ),
    "a comment of a report": Case(
        "x.xlsx",
        lambda: _writing(("write_string", (0, 0, "a")), ("write_comment", (0, 0, "wrong", {"author": "citygraph"}))),
        ("a",),
    ),
    "an ODS text without type": Case("x.ods", lambda: ods(table(row("a", cell("untyped", "")))), ("a|untyped",)),
    "an ODS day without its value": Case(
        "x.ods", lambda: ods(table(row("a", cell("5. Mai", 'office:value-type="date"')))), ("a|5. Mai",)
    ),
    "an ODS number without its value": Case(
        "x.ods", lambda: ods(table(row(cell("5", 'office:value-type="float"')))), (), ("A1 cell-formula",)
    ),
    "an ODS text with another value": Case(
        "x.ods",
        lambda: ods(table(row(cell("shown", 'office:value-type="string" office:string-value="x"')))),
        ("shown",),
    ),
    "a comment in a number": Case(
        "x.xlsx", lambda: xlsx_with('<row r="1"><c r="A1"><v>1<!-- -->2</v></c></row>'), refused="XML comments or CDATA"
    ),
    "CDATA in a text": Case("x.ods", lambda: ods(table(row(cell("a <![CDATA[b]]>")))), refused="XML comments or CDATA"),
    "two tables of cells": Case(
        "x.xlsx",
        lambda: xlsx_with(
            '<row r="1"><c r="A1"><v>1</v></c></row></sheetData><sheetData><row r="2"><c r="A2"><v>2</v></c></row>'
        ),
        refused="the value of A2 would be lost",
    ),
    "rich text in a cell": Case(
        "x.xlsx",
        lambda: xlsx_with('<row r="1"><c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>'),
        ("ab",),
    ),
    "an ODS table in a cell": Case(
        "x.ods",
        lambda: ods(table(row(f"<table:table-cell>{table(row('in'), 'T')}</table:table-cell>"))),
        refused="S!A1: the cell has a table of its own",
    ),
    "Windows line ends and spaces": Case(
        "x.xlsx", lambda: xlsx(_cells("  a\u00a0 b _x000D_\n c|_x0041_")), ("a b _x000D_\nc|_x0041_",)
    ),
    "decomposed letters": Case("x.xlsx", lambda: xlsx(_cells("I\u0307zmir")), ("İzmir",)),
    "a very long cell": Case("x.xlsx", lambda: _large(32_768), (), ("A1 cell-length",)),
    "a cell of the greatest length": Case("x.xlsx", lambda: _large(32_767), ("x" * 32_767,)),
    "a control character": Case("x.csv", lambda: b"a,b\n1,x\x00y\n", (), ("B2 cell-control",)),
    "a lost letter": Case("x.csv", "a,b\n1,\ufffdzmir\n".encode, (), ("B2 cell-lost-letter",)),
    "letters read in a wrong encoding": Case(
        "x.csv", "a,b\n1,\u00c4\u00b0zmir\n".encode, ("a|b", "1|\u00c4\u00b0zmir"), ("B2 cell-letters",)
    ),
    "formulas as text": Case("x.xlsx", lambda: xlsx(_cells("=1+1|@x|-5")), ("=1+1|@x|-5",)),
    # Files
    "an empty file": Case("x.xlsx", bytes, refused="is an empty file"),
    "a file of blanks": Case("x.csv", lambda: b"\xef\xbb\xbf \r\n\r\n", refused="is an empty file"),
    "a CSV without text": Case("x.csv", lambda: b",,\n,,\n", refused="no cell with text"),
    "a workbook without cells": Case("x.xlsx", _EMPTY_BOOK, refused="no visible sheet with text"),
    "a chart sheet": Case("x.xlsx", lambda: xlsx(_chart), ("1|2",)),
    "macros": Case(
        "x.xlsm", lambda: edited(xlsx(_cells("a")), {"xl/vbaProject.bin": b"macro"}), ("a",), ("A1 macros",)
    ),
    "XLSX named .ods": Case("x.ods", lambda: xlsx(_cells("a")), ("a",), ("A1 file-kind",)),
    "ODS named .csv": Case("x.csv", lambda: ods(table(row("a"))), ("a",), ("A1 file-kind",)),
    "CSV named .xlsx": Case("x.xlsx", lambda: b"a;b\n1;2\n", ("a|b", "1|2"), ("A1 file-kind",)),
    "a web page named .xls": Case(
        "x.xls", lambda: b"<html><table><tr><td>1</td></tr></table></html>", refused="a web page"
    ),
    "XML named .xls": Case("x.xls", lambda: b'<?xml version="1.0"?><Workbook/>', refused="an XML file"),
    "a PDF named .xlsx": Case("x.xlsx", lambda: b"%PDF-1.7\n", refused="a PDF document"),
    "a text document named .xlsx": Case(
        "x.xlsx", lambda: _zip({"word/document.xml": "<x/>"}), refused="a text document"
    ),
    "an archive": Case("x.xlsx", lambda: _zip({"readme.txt": "x"}), refused="not a workbook"),
    "a binary workbook": Case("x.xlsb", lambda: _zip({"xl/workbook.bin": b"x"}), refused="binary workbook"),
    "an old workbook": Case("x.xls", lambda: _OLE, refused="old Office program"),
    "a password": Case(
        "x.xlsx", lambda: _OLE + "EncryptedPackage".encode("utf-16-le"), refused="protected by a password"
    ),
    "a password in ODS": Case(
        "x.ods", lambda: ods(table(row("a")), manifest="<manifest:encryption-data/>"), refused="protected by a password"
    ),
    "an encrypted archive": Case("x.xlsx", lambda: _with_flag(xlsx(_cells("a"))), refused="protected by a password"),
    "half a workbook": Case("x.xlsx", lambda: xlsx(_cells("a"))[:2000], refused="broken or incomplete archive"),
    "a damaged part": Case(
        "x.xlsx", lambda: edited(xlsx(_cells("a")), {SHEET: "<worksheet><sheetData>"}), refused="is broken"
    ),
    "a missing sheet": Case(
        "x.xlsx", lambda: edited(xlsx(_cells("a")), {SHEET: None}), refused="has no part xl/worksheets/sheet1.xml"
    ),
    "missing styles": Case(
        "x.xlsx", lambda: edited(xlsx(_cells("a")), {STYLES: None}), refused=f"has no part {STYLES}"
    ),
    "a wrong number of texts": Case(
        "x.xlsx",
        lambda: edited(
            xlsx(_cells("a")), {STRINGS: f'<sst xmlns="{MAIN}" uniqueCount="5000001"><si><t>a</t></si></sst>'}
        ),
        refused="states that it has 5000001 elements",
    ),
    "a wrong number of formats": Case(
        "x.xlsx",
        lambda: edited(
            xlsx(_cells("a")), {STYLES: f'<styleSheet xmlns="{MAIN}"><cellXfs count="5000001"/></styleSheet>'}
        ),
        refused="states that it has 5000001 elements",
    ),
    "a document type": Case(
        "x.xlsx",
        lambda: edited(xlsx(_cells("a")), {STRINGS: f'{_TYPE}<sst xmlns="{MAIN}"><si><t>&a;</t></si></sst>'}),
        refused="document type",
    ),
    "a document type in ODS": Case("x.ods", lambda: ods(table(row("a")), head=_TYPE), refused="document type"),
    "XML in another encoding": Case(
        "x.xlsx",
        lambda: edited(xlsx(_cells("a")), {STRINGS: b'<?xml version="1.0" encoding="iso-8859-9"?><sst/>'}),
        refused="not in UTF-8",
    ),
    "two parts of one name": Case("x.xlsx", lambda: _twice(xlsx(_cells("a"))), refused="two of one name"),
    "two sheets of one name": Case(
        "x.xlsx",
        lambda: edited(
            data := xlsx(lambda book, _: book.add_worksheet("T")),
            {_BOOK_XML: part_of(data, _BOOK_XML).replace('"T"', '"S"')},
        ),
        refused="two sheets of one name",
    ),
    # CSV
    "semicolons and a BOM": Case(
        "x.csv",
        "\ufeffStadt;Partner, Ort;Jahr\nBremen;Gdańsk;1976\n".encode,
        ("Stadt|Partner, Ort|Jahr", "Bremen|Gdańsk|1976"),
    ),
    "the line of Excel for the delimiter": Case(
        "x.csv", lambda: b"sep=;\r\na;b\r\n1;#N/A\r\n", ("a|b",), ("B3 cell-error",)
    ),
    "only carriage returns": Case("x.csv", lambda: b"sep=;\ra;b\r1;2\r", ("a|b", "1|2")),
    "windows-1254": Case(
        "x.csv", lambda: "Şehir;Ülke\nİzmir;Türkiye\n".encode("cp1254"), refused="'Şehir;Ülke' with --encoding cp1254"
    ),
    "UTF-16 with BOM": Case("x.csv", lambda: "a\tb\nİzmir\t1\n".encode("utf-16"), ("a|b", "İzmir|1")),
    "UTF-16 without BOM": Case("x.csv", lambda: "a,b\n".encode("utf-16-le"), refused="utf-16-le"),
    "a quote that is not closed": Case("x.csv", lambda: b'a,b\n1,"x\n2,y\n', refused="x.csv:2: .* check its quotes"),
    "a quoted cell over lines": Case(
        "x.csv", lambda: b'a,b\n"1\n2",x\n3,#N/A\n', ("a|b", "1\n2|x"), ("B4 cell-error",)
    ),
    "rows of different lengths": Case("x.csv", lambda: b"a,b\n1\n1,2,3\n", ("a|b", "1", "1|2|3")),
    "a title above the header": Case(
        "x.csv",
        lambda: b"Partner cities, 2024\nPartner;Kind\nA, B;C\n",
        ("Partner cities, 2024", "Partner|Kind", "A, B|C"),
    ),
    "phantom rows in CSV": Case("x.csv", lambda: b"a;b\n1;2\n" + b";\n" * 1000, ("a|b", "1|2"), ("A3 rows-empty",)),
    "random bytes": Case("x.csv", lambda: struct.pack("<8Q", *range(2**60, 2**60 + 8)), refused="x.csv:1"),
}


def _twice(data: bytes) -> bytes:
    out = BytesIO(data)
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(out, "a") as archive:
        archive.writestr(SHEET, "<worksheet/>")
    return out.getvalue()


def _read(case: Case, folder: Path) -> Workbook:
    path = folder / case.file
    path.write_bytes(case.data())
    return read_workbook(path, ("Partner", "Kind"))


def _named(problem: CellProblem) -> str:
    return f"{problem.address.name} {problem.rule.name}"


def test_there_are_at_least_sixty_cases() -> None:
    """The acceptance of 14 asks for sixty."""
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_a_workbook_is_read_right_or_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    """Each problem has its cell, and each text is in the language of the reader (14 §2)."""
    case = CASES[name]
    if case.refused:
        with pytest.raises(UsageError, match=case.refused) as refusal:
            _read(case, tmp_path)
        assert case.file in str(refusal.value)
        for language in TRANSLATED:
            assert Translations(language).error(str(refusal.value)) not in (None, str(refusal.value))
        return
    book = _read(case, tmp_path)
    found = ["|".join(line).rstrip("|") for grid in book.grids for line in grid.rows]
    assert found[: len(case.rows)] == list(case.rows)
    assert sorted(map(_named, book.problems)) == sorted(case.problems)
    for problem in book.problems:
        assert problem.address.file == str(tmp_path / case.file)
        for language in TRANSLATED:
            translate = Translations(language)
            assert problem.message(translate) not in ("", problem.message(str))
            assert problem.remedy(translate) not in ("", problem.remedy(str))


@pytest.mark.parametrize("file", ["x.xlsx", "x.ods"])
def test_parts_are_not_read_beyond_a_size(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive can unpack to many gigabytes."""
    monkeypatch.setattr(workbook_package, "MOST_BYTES", 100_000)
    case = Case(file, lambda: _large(200_000) if file == "x.xlsx" else ods(table(row("x" * 200_000))))
    with pytest.raises(UsageError, match=r"unpacked has [0-9,]+ bytes; at most 100,000 are read"):
        _read(case, tmp_path)


def test_the_text_of_a_comment_is_shown(tmp_path: Path) -> None:
    """Its author and date are not part of it (14 §2)."""
    remark = (
        "<office:annotation><dc:creator>Ayşe</dc:creator><text:p>ended <text:span>2014</text:span></text:p>"
        "</office:annotation>"
    )
    typed = 'office:value-type="string" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    book = _read(Case("x.ods", lambda: ods(table(row(cell(f"{remark}a", typed))))), tmp_path)
    assert [problem.value for problem in book.problems] == ["ended 2014"]


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is known without reading it."""
    monkeypatch.setattr(workbook_package, "MOST_BYTES", 10)
    with pytest.raises(UsageError, match="has 11 bytes; at most 10 are read"):
        _read(Case("x.csv", lambda: b"a;b;c;d;e;f"), tmp_path)


def test_a_long_text_that_many_cells_share_counts_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored once, and each cell of the library has a copy."""
    monkeypatch.setattr("citygraph.sheets.workbook.MOST_LETTERS", 1000)
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 200))
    with pytest.raises(UsageError, match="characters in its cells; at most 1,000 are read"):
        _read(Case("x.xlsx", lambda: xlsx_with(cells)), tmp_path)
    repeated = ods(table(_repeated(100, 20)))
    with pytest.raises(UsageError, match="has 2,000 characters"):
        _read(Case("x.ods", lambda: repeated), tmp_path)
    spaces = ods(table(row('a<text:s text:c="2000"/>b')))
    with pytest.raises(UsageError, match=r"has 2,00\d characters"):
        _read(Case("x.ods", lambda: spaces), tmp_path)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", ""),
        ("0.00E+00", ""),
        ("@", ""),
        ("#,##0.00 [$€-407]", ""),
        ('"d.m.yyyy" 0', ""),
        ("d/m/yy", cell_facts.DAY),
        ("[$-F800]dddd, mmmm dd, yyyy", cell_facts.DAY),
        ("yyyy\\-mm", cell_facts.MONTH),
        ("[Red]yyyy;@", cell_facts.YEAR),
        ("mmmm", cell_facts.NO_YEAR),
        ("d.m.yyyy h:mm", cell_facts.MOMENT),
        ("[mm]:ss", cell_facts.TIME),
        ("h:mm AM/PM", cell_facts.TIME),
        ('yyyy"年"m"月"d"日"', cell_facts.DAY),
    ],
)
def test_a_number_format_says_what_is_shown_of_a_day(code: str, shown: str) -> None:
    """The precision of a date is that which the curator sees."""
    assert cell_facts.shown_by_format(code) == shown
