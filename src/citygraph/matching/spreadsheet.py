"""Tables that people keep in spreadsheets: CSV with any usual delimiter and encoding, read and written cell by cell."""

from __future__ import annotations

import codecs
import csv
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import dropwhile, islice
from pathlib import Path
from typing import TextIO

from citygraph.errors import UsageError
from citygraph.text import csv_line

_DELIMITERS = ",;\t|"
_SEPARATORS = f"{_DELIMITERS} "
_MARK = re.compile(r"sep=([^\r\n])(?:\r\n|\r|\n|$)", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOK = b"PK\x03\x04"  # the beginning of .xlsx and .ods, which are ZIP archives
# Shown in the message about a file without a mark: what spreadsheets on Turkish and western computers write.
_OTHER_ENCODINGS = ("cp1254", "cp1252")
_FIRST_ROWS = 20  # among which the titles are: a table may have a heading
_MAX_LETTERS = 60  # letters of a line in a message


@dataclass(frozen=True)
class Spreadsheet:
    """A table as in its file: `lines` has the line on which each row begins; titles may be empty, and repeat.

    A row that is longer than the header makes untitled columns, so that every row has a cell for each column. The
    header is the first row with text.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[int, ...] = ()
    delimiter: str = ","
    has_mark: bool = False  # the line "sep=;", by which a spreadsheet chooses the delimiter
    notes: tuple[str, ...] = field(default=(), compare=False)
    header_line: int = 1  # of the file

    def column(self, title: str) -> int:
        """Returns the place of the first column with this title; without such a title, of the column of this number.

        Raises UsageError if there is no such column.
        """
        places = self.places(title)
        if places:
            return places[0]
        if title.isascii() and title.isdecimal() and 1 <= int(title[:9]) <= len(self.header):
            return int(title) - 1
        titles = ", ".join(one or "(no title)" for one in self.header)
        raise UsageError(f"{self.name}: there is no column {title!r}; there are {titles}")

    def places(self, title: str) -> list[int]:
        """Returns the places of the columns with this title; spaces around a title do not count."""
        return [place for place, one in enumerate(self.header) if one.strip() == title.strip()]


def read_spreadsheet(path: Path, titles: Sequence[str], encoding: str = "") -> Spreadsheet:
    """Returns the table in a file. `titles` are columns that it should have, by which its delimiter is recognised.

    Raises UsageError with the line if the text is not in its encoding (the one given, or that of its byte order mark,
    or UTF-8), or a quoted cell does not end.
    """
    text = _decoded(path, encoding)
    mark = _MARK.match(text)
    marked = mark is not None
    delimiter = mark[1] if mark else _delimiter(text, titles, path)
    # The line of the mark is not part of the table, but counts for the numbers of lines.
    body = text[mark.end() :] if mark else text
    everything = _records(body, delimiter, str(path), 1 + marked)
    # Cells that are all empty are a table too, without text.
    records = list(dropwhile(_is_blank, everything)) or [record for record in everything if record[1]]
    if not records:
        raise UsageError(f"{path} is empty: the first line must have the titles of the columns")
    (header_line, titles_read), *others = records
    width = max(len(cells) for _, cells in records)
    rows = tuple((*cells, *[""] * (width - len(cells))) for _, cells in others)
    lines = tuple(line for line, _ in others)
    header = (*titles_read, *[""] * (width - len(titles_read)))
    notes = tuple(_notes(path, len(titles_read), others))
    return Spreadsheet(str(path), header, rows, lines, delimiter, marked, notes, header_line)


def write_spreadsheet(table: Spreadsheet, out: TextIO) -> None:
    """Writes the table with its delimiter, and the line that names it if the table has one."""
    if table.has_mark:
        out.write(f"sep={table.delimiter}\n")
    out.writelines(csv_line(cells, table.delimiter) for cells in (table.header, *table.rows))


def _decoded(path: Path, encoding: str) -> str:
    data = path.read_bytes()
    if data.startswith(_WORKBOOK):
        raise UsageError(f"{path} is a workbook: save the sheet as CSV (UTF-8)")
    if b"\0" in data.partition(b"\n")[0] and not encoding and not data.startswith(_MARKS_OF_UTF_16):
        raise UsageError(f"{path}:1: NUL characters: if it is UTF-16, use --encoding utf-16-le or utf-16-be")
    default = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        # The mark may be there although the encoding was chosen.
        return data.decode(encoding or default).removeprefix("\ufeff")
    except LookupError:
        raise UsageError(f"there is no encoding {encoding!r}; examples are utf-8, utf-16 and cp1254") from None
    except UnicodeDecodeError as error:
        raise UsageError(_undecodable(path, data, error, encoding or default)) from None


def _undecodable(path: Path, data: bytes, error: UnicodeDecodeError, encoding: str) -> str:
    number = data[: error.start].count(b"\n") + 1
    if encoding.startswith("utf-16"):
        return f"{path}:{number}: not {encoding.upper()}"
    # A person recognises the right letters, where there is a difference; a guess might write wrong ones silently.
    lines = data.split(b"\n")[number - 1 :]
    chosen = next((index for index, line in enumerate(lines) if len(set(_readings(line))) > 1), 0)
    readings = zip(_readings(lines[chosen]), _OTHER_ENCODINGS, strict=True)
    choices = (f"{text!r} with --encoding {name}" for text, name in readings)
    message = f"{path}:{number + chosen}: not {encoding.upper().removesuffix('-SIG')}"
    return f"{message}. Save it as UTF-8, or choose its encoding; the line is {', '.join(choices)}"


def _readings(line: bytes) -> list[str]:
    """Returns the beginning of a line in each of the other encodings."""
    return [line.strip()[:_MAX_LETTERS].decode(name, "replace") for name in _OTHER_ENCODINGS]


def _delimiter(text: str, titles: Sequence[str], path: Path) -> str:
    """Returns the delimiter under which a first row has the most of these titles, and then the header most columns."""
    preferred = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","

    def rank(delimiter: str) -> tuple[int, int, bool]:
        records = islice(csv.reader(StringIO(text, newline=""), delimiter=delimiter), _FIRST_ROWS)
        rows = [{cell.strip() for cell in record} for record in records]
        best = max((sum(title.strip() in row for title in titles) for row in rows), default=0)
        others = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
        header = next((cells for cells in others if any(cell.strip(_SEPARATORS) for cell in cells)), [])
        return best, len(header), delimiter == preferred

    _allow_long_cells()
    return max(_DELIMITERS, key=rank)


def _records(text: str, delimiter: str, name: str, first: int) -> list[tuple[int, list[str]]]:
    """Returns the records, each with the line on which it begins. Raises UsageError for a malformed quoted cell."""
    _allow_long_cells()
    # strict: otherwise a quote that does not end would take the rest of the file into one cell.
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    begin = first
    try:
        for cells in reader:
            records.append((begin, cells))
            begin = first + reader.line_num
    except csv.Error as error:
        raise UsageError(f"{name}:{begin}: the cells of this row cannot be read ({error}): check its quotes") from None
    return records


def _is_blank(record: tuple[int, list[str]]) -> bool:
    return not any(map(str.strip, record[1]))


def _allow_long_cells() -> None:
    # The library's limit, 131,072 letters, is below what spreadsheets of several gigabytes of text may have; the file
    # is in memory already.
    csv.field_size_limit(sys.maxsize)


def _notes(path: Path, titles: int, records: Iterable[tuple[int, list[str]]]) -> list[str]:
    longer = [(line, len(cells)) for line, cells in records if len(cells) > titles]
    if not longer:
        return []
    line, cells = longer[0]
    more = f", and {len(longer) - 1} more row(s)" if len(longer) > 1 else ""
    return [f"{path}:{line}: {cells} cells under {titles} titles{more}; the surplus cells are in columns without title"]
