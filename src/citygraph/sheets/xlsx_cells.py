"""The facts about the cells of XLSX, read from the XML of its parts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from xml.sax.saxutils import quoteattr

from citygraph.errors import UsageError
from citygraph.sheets.cell_facts import BUILT_IN, MOST_CELLS, STATE_SHEET, SheetFacts, shown_by_format
from citygraph.sheets.cell_problems import column_letters
from citygraph.sheets.workbook_package import SAVE, Package, packed

_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_MOST_DAYS = 1e8  # more than any date or duration has
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_BOOK, _STYLES, _STRINGS = "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass(frozen=True)
class XlsxFacts:
    """The sheets in their order, whether days are counted from 1904, and a copy that has only parts that were read."""

    sheets: tuple[SheetFacts, ...]
    from_1904: bool
    copy: BytesIO


class _Names(dict[str, str]):
    """The name of an element without its namespace."""

    def __missing__(self, name: str) -> str:
        self[name] = name.rpartition(" ")[2]
        return self[name]


_LOCAL = _Names()


def read_xlsx(package: Package) -> XlsxFacts:
    """Reads the sheets of a workbook. Raises UsageError for what no spreadsheet program writes."""
    book = _Book(package)
    styles, strings = _Styles(package, book.by_type("styles")), _Strings(package, book.by_type("sharedStrings"))
    sheets, parts, relations = [], {}, []
    for number, (name, relation, hidden) in enumerate(book.sheets, 1):
        type_, target = book.relations.get(relation, ("", ""))
        facts = SheetFacts(name, hidden, type_.endswith("/worksheet"))
        sheets.append(facts)
        relations.append((relation, type_, f"worksheets/sheet{number}.xml"))
        if facts.has_cells and (not hidden or name == STATE_SHEET):
            _SheetScan(package, target, facts, styles, strings, book.recalculated)
            for type_, remarks in _targets(package, target).values():
                if type_.endswith("/comments"):
                    _Remarks(package, remarks, facts)
            parts[f"xl/worksheets/sheet{number}.xml"] = package.part(target)
    # The library looks for parts by fixed names, and reads an archive beyond the sizes that it states.
    parts[_BOOK] = package.part(book.name)
    for name, part in ((_STYLES, styles.name), (_STRINGS, strings.name)):
        if part:
            parts[name] = package.part(part)
            relations.append((posixpath.basename(name), f"{_OFFICE}/{name[3:-4]}", name[3:]))
    parts["xl/_rels/workbook.xml.rels"] = _relations(relations)
    parts["_rels/.rels"] = _relations([("book", f"{_OFFICE}/officeDocument", _BOOK)])
    types = {"[Content_Types].xml": package.part("[Content_Types].xml")}
    return XlsxFacts(tuple(sheets), book.from_1904, packed(types | parts))


def _relations(relations: list[tuple[str, str, str]]) -> bytes:
    rows = "".join(
        f"<Relationship Id={quoteattr(id_)} Type={quoteattr(type_)} Target={quoteattr(target)}/>"
        for id_, type_, target in relations
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}">{rows}</Relationships>'.encode()


def _require_counts(package: Package, attributes: Mapping[str, str]) -> None:
    # The library allocates what an element states as the number of those within it, before it has seen them.
    for name in ("count", "uniqueCount"):
        text = attributes.get(name, "0")
        if not text.isdecimal() or int(text[:12]) > MOST_CELLS:
            raise UsageError(f"{package.path} is broken: a part states that it has {text[:20]} elements")


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _true(value: str | None) -> bool:
    return value in ("1", "true")


class _Book:
    """The workbook's own part: its sheets, and the parts that it refers to."""

    def __init__(self, package: Package) -> None:
        self.sheets: list[tuple[str, str, bool]] = []  # name, relation, whether hidden
        self.from_1904 = self.recalculated = False
        self.name = next(
            (target for type_, target in _targets(package, "").values() if type_.endswith("/officeDocument")), _BOOK
        )
        self.relations = _targets(package, self.name)
        package.parse(self.name, self._start)
        if len({name for name, _, _ in self.sheets}) < len(self.sheets):
            raise UsageError(f"{package.path} has two sheets of one name: {SAVE}")

    def by_type(self, type_: str) -> str:
        """Returns the name of the part of a type, or an empty string."""
        return next((target for one, target in self.relations.values() if one.endswith(f"/{type_}")), "")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _LOCAL[name]
        if local == "workbookPr":
            self.from_1904 = _true(attributes.get("date1904"))
        elif local == "calcPr":
            self.recalculated = _true(attributes.get("fullCalcOnLoad"))
        elif local == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), relation, hidden))


def _targets(package: Package, name: str) -> dict[str, tuple[str, str]]:
    """Returns type and part of each relation of a part, by its identifier; of the package for an empty name."""
    folder, base = posixpath.split(name)
    targets: dict[str, tuple[str, str]] = {}

    def start(element: str, attributes: dict[str, str]) -> None:
        if _LOCAL[element] == "Relationship" and attributes.get("TargetMode") != "External":
            path = posixpath.normpath(posixpath.join("/" + folder, attributes.get("Target", "")))
            targets[attributes.get("Id", "")] = (attributes.get("Type", ""), path.lstrip("/"))

    part = posixpath.join(folder, "_rels", f"{base}.rels")
    if part in package.parts:
        package.parse(part, start)
    return targets


class _Styles:
    """The formats of cells by their number: what dates show, and whether the text is struck out."""

    def __init__(self, package: Package, name: str) -> None:
        self.name, self._package = name, package
        self.date_formats: list[str] = []
        self.struck: list[bool] = []
        self._codes: dict[str, str] = {}
        self._fonts: list[bool] = []
        self._within = ""
        if name:
            package.parse(name, self._start, self._end)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _LOCAL[name]
        if "count" in attributes:
            _require_counts(self._package, attributes)
        if local in ("fonts", "cellXfs", "dxfs", "cellStyleXfs"):
            self._within = local
        elif local == "numFmt":
            self._codes.setdefault(attributes.get("numFmtId", ""), attributes.get("formatCode", ""))
        elif self._within == "fonts" and local == "font":
            self._fonts.append(False)
        elif self._within == "fonts" and local == "strike" and self._fonts:
            self._fonts[-1] = attributes.get("val", "1") not in ("0", "false")
        elif self._within == "cellXfs" and local == "xf":
            font, number = attributes.get("fontId", "0"), attributes.get("numFmtId", "0")
            self.struck.append(font.isdecimal() and int(font) < len(self._fonts) and self._fonts[int(font)])
            self.date_formats.append(self._date_format(number))

    def _end(self, name: str) -> None:
        if _LOCAL[name] == self._within:
            self._within = ""

    def _date_format(self, number: str) -> str:
        if number in self._codes:
            return shown_by_format(self._codes[number])
        return BUILT_IN.get(int(number), "") if number.isdecimal() else ""


class _Strings:
    """The texts that cells share: their lengths, and those that are struck out in part or whole."""

    def __init__(self, package: Package, name: str) -> None:
        self.name, self._package = name, package
        self.lengths: list[int] = []
        self.blank: set[int] = set()
        self.struck: set[int] = set()
        if name:
            package.parse(name, self._start, None, self._text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _LOCAL[name]
        if local == "si":
            self.lengths.append(0)
            self.blank.add(len(self.lengths) - 1)
        elif local == "sst":
            _require_counts(self._package, attributes)
        elif local == "strike" and attributes.get("val", "1") not in ("0", "false"):
            self.struck.add(len(self.lengths) - 1)

    def _text(self, text: str) -> None:
        if self.lengths:
            self.lengths[-1] += len(text)
            if text.strip():
                self.blank.discard(len(self.lengths) - 1)


class _Remarks:
    """The comments of a sheet, without those that a report of ours has written."""

    def __init__(self, package: Package, name: str, facts: SheetFacts) -> None:
        self._facts = facts
        self._authors: list[str] = []
        self._place: tuple[int, int] | None = None
        self._element = ""
        package.parse(name, self._start, self._end, self._text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._element = _LOCAL[name]
        if self._element == "author":
            self._authors.append("")
        elif self._element == "comment":
            author, match = attributes.get("authorId", ""), _REFERENCE.fullmatch(attributes.get("ref", ""))
            ours = author.isdecimal() and self._authors[int(author) : int(author) + 1] == ["citygraph"]
            self._place = (int(match[2]) - 1, _column(match[1]) - 1) if match and not ours else None

    def _end(self, _: str) -> None:
        self._element = ""

    def _text(self, text: str) -> None:
        if self._element == "author":
            self._authors[-1] += text
        elif self._element == "t" and self._place:
            self._facts.remarks[self._place] = self._facts.remarks.get(self._place, "") + text


class _SheetScan:
    """One pass over a sheet."""

    def __init__(
        self, package: Package, name: str, facts: SheetFacts, styles: _Styles, strings: _Strings, recalculated: bool
    ) -> None:
        self._package, self._facts, self._styles, self._strings = package, facts, styles, strings
        self._recalculated = recalculated
        self._row, self._column = -1, -1
        self._hidden_row = self._struck = self._formula = self._collects = False
        self._cell: Mapping[str, str] = {}
        self._parts: list[str] = []
        self._last = (-1, -1)
        package.parse(name, self._start, self._end, self._text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _LOCAL[name]
        if local == "c":
            self._begin_cell(attributes)
        elif local in ("v", "t"):
            self._collects = True
        elif local == "f":
            self._formula = True
        elif local == "row":
            number = attributes.get("r", "")
            self._row = int(number) - 1 if number.isdecimal() else self._row + 1
            self._column = -1
            self._hidden_row = _true(attributes.get("hidden")) or attributes.get("ht") == "0"
        elif local == "strike":
            self._struck = self._struck or attributes.get("val", "1") not in ("0", "false")
        elif local == "col" and (_true(attributes.get("hidden")) or attributes.get("width") == "0"):
            self._facts.hidden_columns.append((int(attributes["min"]) - 1, int(attributes["max"]) - 1))
        elif local == "mergeCells":
            _require_counts(self._package, attributes)
        elif local == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            self._facts.merged.append((self._place(first), self._place(last or first)))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        place = self._place(reference) if reference else (max(self._row, 0), self._column + 1)
        if place <= self._last:
            raise self._refuse(place, "the cell is not in order, or there twice")
        self._last = place
        self._row, self._column = place
        self._cell, self._parts = attributes, []
        self._formula = self._struck = False

    def _text(self, text: str) -> None:
        if self._collects:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        local = _LOCAL[name]
        if local in ("v", "t"):
            self._collects = False
        elif local == "c":
            self._end_cell((self._row, self._column), self._cell.get("t", "n"), "".join(self._parts))

    def _end_cell(self, place: tuple[int, int], kind: str, text: str) -> None:
        facts = self._facts
        style = self._cell.get("s", "")
        number = int(style) if style.isdecimal() and int(style) < len(self._styles.date_formats) else None
        if self._formula and kind in ("n", "b") and (not text or (self._recalculated and text == "0")):
            # A program that does not calculate writes no value, or 0 and the order to calculate on opening.
            facts.uncalculated.append(place)
        elif not text:
            return
        elif kind == "e":
            facts.errors[place] = text
        elif kind == "s":
            self._shared(place, text)
        elif kind in ("str", "inlineStr", "b") and text.strip():
            facts.fill(place)
        elif kind == "n":
            self._number(place, text, self._styles.date_formats[number] if number is not None else "")
        elif kind == "d":
            facts.texts[place] = text.removesuffix("Z").removesuffix("T00:00:00")
        facts.letters += len(text)
        facts.extend(place[0] + 1, place[1] + 1)
        if self._struck or (number is not None and self._styles.struck[number]):
            facts.struck.append(place)
        if self._hidden_row:
            facts.hidden_rows[place[0]] = None

    def _shared(self, place: tuple[int, int], text: str) -> None:
        if not text.strip().isdecimal() or int(text) >= len(self._strings.lengths):
            raise self._refuse(place, "the cell refers to a text that is not in the file")
        self._facts.letters += self._strings.lengths[int(text)]
        self._struck = self._struck or int(text) in self._strings.struck
        if int(text) not in self._strings.blank:
            self._facts.fill(place)

    def _number(self, place: tuple[int, int], text: str, date_format: str) -> None:
        try:
            number = float(text)
        except ValueError:
            raise self._refuse(place, f"the cell has no number, but {text[:40]!r}") from None
        self._facts.fill(place)
        if date_format:
            self._facts.date_formats[place] = date_format
            if not abs(number) < _MOST_DAYS:
                raise self._refuse(place, f"the cell is formatted as a time, but has the number {text[:40]}")

    def _place(self, reference: str) -> tuple[int, int]:
        match = _REFERENCE.fullmatch(reference)
        if match is None or int(match[2]) > _MOST_ROWS or _column(match[1]) > _MOST_COLUMNS:
            raise self._package.refuse(self._facts.name, reference[:20], "this is not an address of a cell")
        return int(match[2]) - 1, _column(match[1]) - 1

    def _refuse(self, place: tuple[int, int], what: str) -> Exception:
        return self._package.refuse(self._facts.name, f"{column_letters(place[1])}{place[0] + 1}", what)
