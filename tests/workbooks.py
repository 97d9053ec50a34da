"""Workbooks for tests, as programs and people make them: by XlsxWriter, by hand-written parts, and broken ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter

SHEET, STYLES, STRINGS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)
_CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</manifest:manifest>'
)

Fill = Callable[[Any, Any], object]


def xlsx(fill: Fill | None = None, **options: object) -> bytes:
    """The workbook of a function that fills the sheet "S", to which it gets the book too."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet("S")
    if fill:
        fill(book, sheet)
    book.close()
    return out.getvalue()


def edited(data: bytes, parts: Mapping[str, bytes | str | None]) -> bytes:
    """The archive with other parts; one that is None is left out."""
    out = BytesIO()
    with ZipFile(BytesIO(data)) as archive, ZipFile(out, "w", ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            if name not in parts:
                copy.writestr(name, archive.read(name))
        for name, part in parts.items():
            if part is not None:
                copy.writestr(name, part)
    return out.getvalue()


def part_of(data: bytes, name: str) -> str:
    """The text of a part of an archive."""
    with ZipFile(BytesIO(data)) as archive:
        return archive.read(name).decode()


def xlsx_with(sheet_data: str, after: str = "", parts: Mapping[str, bytes | str | None] | None = None) -> bytes:
    """A workbook whose sheet has these rows, in XML; `after` follows them. Text 0 that cells share is "shared"."""

    def fill(book: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "shared")
        sheet.write_number(1, 0, 1, book.add_format({"num_format": "dd.mm.yyyy"}))

    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{sheet_data}</sheetData>{after}</worksheet>'
    return edited(xlsx(fill), {SHEET: sheet, **(parts or {})})


def ods(tables: str, styles: str = "", manifest: str = "", head: str = "") -> bytes:
    """An ODS with these tables, in XML."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS_TYPE)
        archive.writestr("META-INF/manifest.xml", _MANIFEST.format(manifest))
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?>{head}<office:document-content {_SPACES} {_CALC}>'
            f"<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


def table(rows: str, name: str = "S", attributes: str = "") -> str:
    """A sheet of an ODS."""
    return f'<table:table table:name="{name}" {attributes}>{rows}</table:table>'


def row(*cells: str, attributes: str = "") -> str:
    """A row of an ODS; a plain text is the text of a cell."""
    return f"<table:table-row {attributes}>{''.join(map(_as_cell, cells))}</table:table-row>"


def cell(text: str, attributes: str = 'office:value-type="string"', element: str = "table-cell") -> str:
    """A cell of an ODS."""
    return f"<table:{element} {attributes}><text:p>{text}</text:p></table:{element}>"


def _as_cell(text: str) -> str:
    return text if text.startswith("<") else cell(text)
