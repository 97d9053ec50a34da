"""The facts about the cells of ODS, read from the XML of its content."""

from __future__ import annotations

from io import BytesIO

from citygraph.sheets.cell_facts import MOST_CELLS, MOST_LETTERS, Place, SheetFacts, shown_by_text
from citygraph.sheets.cell_problems import column_letters
from citygraph.sheets.workbook_package import Package, packed

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE, _TABLE, _TEXT, _STYLE = (f"{_OASIS}{name}:1.0 " for name in ("office", "table", "text", "style"))
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_ROW, _SHEET, _COLUMN = f"{_TABLE}table-row", f"{_TABLE}table", f"{_TABLE}table-column"
# Elements whose text is not part of the cell.
_REMARK = f"{_OFFICE}annotation"
_ASIDE = (_REMARK, f"{_TEXT}note", f"{_TEXT}ruby-text")
_BREAKS = {f"{_TEXT}line-break": "\n", f"{_TEXT}tab": " "}
_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_COPIED = ("mimetype", "META-INF/manifest.xml", "styles.xml", "content.xml")


def read_ods(package: Package) -> tuple[tuple[SheetFacts, ...], BytesIO]:
    """Returns the sheets of a workbook in their order, and a copy that has only parts that were read.

    Raises UsageError for what no spreadsheet program writes.
    """
    styles = _Styles(package)
    scan = _ContentScan(package, styles)
    parts = {name: package.part(name) for name in _COPIED if name in package.parts}
    manifest = (
        b'<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return tuple(scan.sheets), packed({"mimetype": package.part("mimetype"), "META-INF/manifest.xml": manifest} | parts)


class _Styles:
    """The styles by name: whether their text is struck out; the styles of hidden sheets."""

    def __init__(self, package: Package) -> None:
        self.struck: dict[str, bool] = {"": False}
        self.hidden: set[str] = set()
        self._name = self._parent = ""
        for part in ("styles.xml", "content.xml"):
            if part in package.parts:
                package.parse(part, self._start)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == f"{_STYLE}style":
            self._name = attributes.get(f"{_STYLE}name", "")
            self.struck[self._name] = self.struck.get(attributes.get(f"{_STYLE}parent-style-name", ""), False)
        elif name == f"{_STYLE}text-properties":
            kinds = [attributes.get(f"{_STYLE}text-line-through-{one}") for one in ("style", "type")]
            if any(kinds):
                self.struck[self._name] = any(kind not in (None, "none") for kind in kinds)
        elif name == f"{_STYLE}table-properties" and attributes.get(f"{_TABLE}display") == "false":
            self.hidden.add(self._name)


class _ContentScan:
    """One pass over the content, with a sheet, a row and a cell at a time."""

    def __init__(self, package: Package, styles: _Styles) -> None:
        self.sheets: list[SheetFacts] = []
        self._package, self._styles = package, styles
        self._facts: SheetFacts | None = None
        self._row = self._next_row = self._column = self._next_column = 0
        self._hidden_row = False
        self._row_style = ""
        self._column_styles: list[tuple[int, str]] = []  # the first column after those that have the style
        self._cell: dict[str, str] | None = None
        self._aside = self._paragraphs = 0
        self._texts: list[str] = []
        self._loses = self._struck = self._remarks = self._quotes = False
        self._spaces = 0
        package.parse("content.xml", self._start, self._end, self._text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _CELLS:
            self._begin_cell(attributes)
        elif self._cell is not None:
            self._within(name, attributes)
        elif name == _ROW:
            self._row, self._column, self._next_column = self._next_row, 0, 0
            self._next_row += self._number(attributes, "number-rows-repeated", _MOST_ROWS)
            self._hidden_row = attributes.get(f"{_TABLE}visibility") in ("collapse", "filter")
            self._row_style = attributes.get(f"{_TABLE}default-cell-style-name", "")
        elif name == _COLUMN and self._facts is not None:
            first = self._column_styles[-1][0] if self._column_styles else 0
            after = first + self._number(attributes, "number-columns-repeated", _MOST_COLUMNS)
            self._column_styles.append((after, attributes.get(f"{_TABLE}default-cell-style-name", "")))
            if attributes.get(f"{_TABLE}visibility") in ("collapse", "filter"):
                self._facts.hidden_columns.append((first, after - 1))
        elif name == _SHEET:
            hidden = attributes.get(f"{_TABLE}style-name", "") in self._styles.hidden
            self._facts = SheetFacts(attributes.get(f"{_TABLE}name", ""), hidden)
            self.sheets.append(self._facts)
            self._next_row, self._column_styles = 0, []

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        if self._cell is not None:
            raise self._refuse("the cell has a table of its own")
        self._column = self._next_column
        self._next_column += self._number(attributes, "number-columns-repeated", _MOST_COLUMNS)
        self._cell, self._texts, self._paragraphs = attributes, [], 0
        self._loses = self._struck = False
        self._spaces = 0

    def _within(self, name: str, attributes: dict[str, str]) -> None:
        if name in _ASIDE:
            self._aside += 1
            self._remarks = self._remarks or name == _REMARK
            # The library appends a footnote to the text.
            self._loses = True
        elif self._aside:
            self._quotes = self._quotes or name in _PARAGRAPHS
        elif name in _PARAGRAPHS:
            self._texts += ["\n"] if self._paragraphs else []
            self._paragraphs += 1
        elif name in _BREAKS:
            self._texts.append(_BREAKS[name])
            self._loses = True
        elif name == f"{_TEXT}s":
            self._texts.append(" ")
            # The library writes each of them.
            self._spaces += self._number(attributes, "c", MOST_LETTERS, _TEXT)
        style = attributes.get(f"{_TEXT}style-name", "")
        self._struck = self._struck or self._styles.struck.get(style, False)

    def _text(self, text: str) -> None:
        if self._paragraphs and not self._aside:
            self._texts.append(text)
        elif self._aside and self._remarks and self._quotes and self._facts is not None:
            place = (self._row, self._column)
            self._facts.remarks[place] = self._facts.remarks.get(place, "") + text

    def _end(self, name: str) -> None:
        if name in _ASIDE:
            self._aside -= 1
            self._remarks = self._remarks and name != _REMARK
        elif name in _PARAGRAPHS:
            self._quotes = False
        elif name in _CELLS and self._cell is not None and self._facts is not None:
            self._end_cell(self._facts, self._cell, "".join(self._texts))
            self._cell = None

    def _end_cell(self, facts: SheetFacts, cell: dict[str, str], text: str) -> None:
        kind = cell.get(f"{_OFFICE}value-type", "")
        value = cell.get(f"{_OFFICE}value") or cell.get(f"{_OFFICE}date-value") or cell.get(f"{_OFFICE}time-value")
        error = cell.get(f"{_CALC}value-type") == "error"
        formula = f"{_TABLE}formula" in cell
        spans = [self._number(cell, f"number-{one}-spanned", _MOST_ROWS) for one in ("rows", "columns")]
        if spans != [1, 1]:
            last = (self._row + spans[0] - 1, self._column + spans[1] - 1)
            facts.merged.append(((self._row, self._column), last))
        filled = bool(text or value or error or kind == "boolean" or cell.get(f"{_OFFICE}string-value"))
        if kind in ("float", "percentage", "currency") and not value:
            # Whatever the cell shows, it has no number.
            filled = False
        if not filled and not (formula and kind != "string") and not text:
            return
        facts.extend(self._next_row, self._next_column)
        rows, columns = self._next_row - self._row, self._next_column - self._column
        letters = len(text or cell.get(f"{_OFFICE}string-value", "")) + self._spaces
        facts.letters += letters * rows * columns
        if kind in ("float", "percentage", "currency") and value:
            self._require_number(value)
        if facts.cells > MOST_CELLS or facts.hidden:
            return  # such a sheet is not read
        self._note(facts, kind if filled else "uncalculated", error, value or "", text)

    def _note(self, facts: SheetFacts, kind: str, error: bool, value: str, text: str) -> None:
        cell = self._cell or {}
        style = cell.get(f"{_TABLE}style-name") or self._row_style or self._column_style()
        struck = self._struck or self._styles.struck.get(style, False)
        for row in range(self._row, self._next_row):
            if self._hidden_row:
                facts.hidden_rows[row] = None
            for place in ((row, column) for column in range(self._column, self._next_column)):
                if struck:
                    facts.struck.append(place)
                if error:
                    facts.errors[place] = text
                else:
                    self._note_value(facts, place, kind, value, text)

    def _note_value(self, facts: SheetFacts, place: Place, kind: str, value: str, text: str) -> None:
        if kind == "uncalculated":
            facts.uncalculated.append(place)
        elif kind in ("date", "time") and not value:
            facts.texts[place] = text
        elif kind == "date":
            facts.date_formats[place] = shown_by_text(text, value.partition("T")[0])
        elif text and (not kind or (kind == "string" and (self._loses or self._differs(text)))):
            facts.texts[place] = text
        elif text.strip() or value:
            facts.fill(place)

    def _differs(self, text: str) -> bool:
        """Returns whether the cell has a value for programs that is not the text that it shows."""
        return (self._cell or {}).get(f"{_OFFICE}string-value", text) != text

    def _column_style(self) -> str:
        return next((style for after, style in self._column_styles if self._column < after), "")

    def _number(self, attributes: dict[str, str], name: str, most: int, space: str = _TABLE) -> int:
        text = attributes.get(f"{space}{name}", "1")
        if not text.isdecimal() or not 0 < int(text[:12]) <= most:
            raise self._refuse(f"the number of repetitions is {text[:20]!r}")
        return int(text)

    def _require_number(self, text: str) -> None:
        try:
            float(text)
        except ValueError:
            raise self._refuse(f"the cell has no number, but {text[:40]!r}") from None

    def _refuse(self, what: str) -> Exception:
        name = self._facts.name if self._facts else "content.xml"
        return self._package.refuse(name, f"{column_letters(self._column)}{self._row + 1}", what)
