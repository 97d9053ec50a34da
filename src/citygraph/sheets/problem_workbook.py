"""The copy of a checked workbook: cells with problems are coloured and have notes; the first sheet lists them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from citygraph.saving import replace_bytes
from citygraph.sheets.cell_problems import ERROR, NOTE, WARNING, CellAddress, CellProblem, Translate, grouped
from citygraph.sheets.problem_report import place_name, severity_name
from citygraph.sheets.workbook import Grid, Workbook
from citygraph.sheets.xlsx_files import new_workbook, require_written

# Limits of the format: UTF-16 units of a cell and of a note, and of the name of a sheet; links of a sheet.
_CELL, _NAME, _LINKS = 32_767, 31, 65_000
_NOTE = 2_000  # a longer note is unreadable; the first sheet has the whole text
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
# Excel keeps this name for itself.
_RESERVED = "history"
_COLOURS = {ERROR: "#F8C9C9", WARNING: "#FCE8B2", NOTE: "#DCE9F5"}
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class _Page:
    """A sheet of the copy: the grid, its name in the copy, and the problems by cell (row and column from 0)."""

    grid: Grid
    name: str
    problems: dict[tuple[int, int], list[CellProblem]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[int, int] = field(default_factory=dict)  # the row of the copy by the line of the file

    def place_of(self, address: CellAddress) -> tuple[int, int]:
        """Returns row and column of a cell in the copy, where each record of a CSV file is one row."""
        return self.rows.get(address.row, address.row - 1), address.column


def write_problem_workbook(
    path: Path, workbooks: Iterable[Workbook], problems: Sequence[CellProblem], translate: Translate
) -> None:
    """Writes a copy of the visible sheets as text, with the problems marked. Raises CitygraphError for a bad cell."""
    title = translate("Problems")
    pages = _pages(workbooks, title)
    for problem in problems:
        if page := pages.get((problem.address.file, problem.address.sheet)):
            page.problems[page.place_of(problem.address)].append(problem)
    content = BytesIO()
    book = new_workbook(content)
    book.set_properties({"created": _CREATED})
    copy = _Copy(book, translate)
    copy.add_list(title, problems, pages)
    for page in pages.values():
        copy.add_page(page)
    book.close()
    replace_bytes(path, content.getvalue())


class _Copy:
    """The workbook that is being written; every value in it is text."""

    def __init__(self, book: Any, translate: Translate) -> None:
        text = {"num_format": "@", "text_wrap": True, "valign": "top"}
        self._book = book
        self._translate = translate
        self._text = book.add_format(text)
        self._bold = book.add_format({**text, "bold": True})
        self._link = book.add_format({**text, "font_color": "#0B4F9E", "underline": 1})
        self._marked = {name: book.add_format({**text, "bg_color": colour}) for name, colour in _COLOURS.items()}

    def add_list(self, title: str, problems: Sequence[CellProblem], pages: Mapping[tuple[str, str], _Page]) -> None:
        """Adds the sheet with all problems, each with a link to its cell."""
        translate, sheet = self._translate, self._book.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        places = (translate("Severity"), translate("File or sheet"), translate("Cell"), translate("Value"))
        titles = (*places, translate("Problem"), translate("Remedy"), translate("Rule"))
        for column, (name, width) in enumerate(zip(titles, (12, 24, 8, 24, 60, 60, 18), strict=True)):
            sheet.set_column(column, column, width, self._text)
            self._write(sheet, 0, column, name, self._bold)
        row = 0
        for rule, group in grouped(problems):
            for problem in group:
                row += 1
                self._write(sheet, row, 0, severity_name(rule, translate), self._marked[rule.severity])
                self._write(sheet, row, 1, place_name(problem.address), self._text)
                self._write_link(sheet, row, problem.address, pages)
                texts = (problem.value, problem.message(translate), problem.remedy(translate), rule.name)
                for column, text in enumerate(texts, 3):
                    self._write(sheet, row, column, text, self._text)
        sheet.autofilter(0, 0, max(row, 1), len(titles) - 1)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})

    def add_page(self, page: _Page) -> None:
        """Adds the copy of a sheet, with the cells that have problems coloured and annotated."""
        sheet = self._book.add_worksheet(page.name)
        # Cells outside the grid, such as a missing cell, have problems too.
        for row, texts in enumerate(page.grid.rows):
            for column, text in enumerate(texts):
                if (row, column) not in page.problems:
                    self._write(sheet, row, column, text, self._text)
        for (row, column), problems in page.problems.items():
            severity = min((problem.rule.severity for problem in problems), key=list(_COLOURS).index)
            texts = page.grid.rows[row] if row < len(page.grid.rows) else ()
            text = texts[column] if column < len(texts) else ""
            if text:
                self._write(sheet, row, column, text, self._marked[severity])
            else:
                require_written(sheet.write_blank(row, column, None, self._marked[severity]))
            self._annotate(sheet, row, column, problems)
        sheet.set_column(0, max(map(len, page.grid.rows), default=1), 20)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})

    def _annotate(self, sheet: Any, row: int, column: int, problems: Sequence[CellProblem]) -> None:
        # A second note on a cell would replace the first.
        translate = self._translate
        lines = [
            f"{severity_name(one.rule, translate)}: {one.message(translate)} {one.remedy(translate)}"
            for one in problems
        ]
        text = _cut("\n".join(lines), _NOTE)
        scales = {"x_scale": 3, "y_scale": max(1, min(8, len(text) / 120))}
        require_written(sheet.write_comment(row, column, text, {**scales, "author": "citygraph"}))

    def _write_link(self, sheet: Any, row: int, address: CellAddress, pages: Mapping[tuple[str, str], _Page]) -> None:
        page = pages.get((address.file, address.sheet))
        if page is None or row > _LINKS:
            self._write(sheet, row, 2, address.name, self._text)
            return
        cell = xlsxwriter.utility.xl_rowcol_to_cell(*page.place_of(address))
        target = f"internal:'{page.name.replace(chr(39), chr(39) * 2)}'!{cell}"
        require_written(sheet.write_url(row, 2, target, self._link, address.name))

    @staticmethod
    def _write(sheet: Any, row: int, column: int, text: str, format_: Any) -> None:
        if text:
            require_written(sheet.write_string(row, column, _cut(text, _CELL), format_))


def _pages(workbooks: Iterable[Workbook], title: str) -> dict[tuple[str, str], _Page]:
    used = {title.lower(), _RESERVED}
    pages = {}
    for workbook in workbooks:
        for grid in workbook.grids:
            name = _free_name(grid.name or workbook.path.stem, used)
            rows = {line: row for row, line in enumerate(grid.lines)}
            pages[grid.file, grid.name] = _Page(grid, name, rows=rows)
    return pages


def _free_name(name: str, used: set[str]) -> str:
    """Returns a name for a sheet that the format allows and that differs from the others, and marks it as used."""
    plain = " ".join(name.translate(_FORBIDDEN).split()).strip("'") or "Sheet"
    free, number = _cut(plain, _NAME), 1
    while free.lower() in used:
        number += 1
        free = _cut(plain, _NAME - len(f" {number}"), "") + f" {number}"
    used.add(free.lower())
    return free


def _cut(text: str, limit: int, mark: str = "…") -> str:
    """Returns a text of at most so many UTF-16 units, which ends with a mark if something is missing."""
    if _units(text) <= limit:
        return text
    text = text[: limit - len(mark)]
    while _units(text) + len(mark) > limit:
        text = text[:-1]
    return text.rstrip("'") + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
