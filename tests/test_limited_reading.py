"""Reading workbooks within limits: the same workbook, or an error that names the limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citygraph.catalogues import LANGUAGES
from citygraph.errors import UsageError
from citygraph.sheets.cell_facts import STATE_SHEET
from citygraph.sheets.limited_reading import LimitedReader
from citygraph.sheets.workbook import read_workbook
from citygraph.web.view.translations import Translations
from tests.workbooks import xlsx, xlsx_with

MIB = 2**20


def test_a_workbook_read_within_limits_is_the_same(tmp_path: Path) -> None:
    """Texts, addresses, problems with their values, and notes are as those of a reading in this process (14 §2)."""
    path = tmp_path / "x.xlsx"
    path.write_bytes(xlsx(lambda _, sheet: (sheet.write(2, 1, "İzmir"), sheet.write(4, 2, 2.0**60))))
    csv = tmp_path / "x.csv"
    csv.write_bytes("Partner;Kind\nGdańsk;#N/A\n;\n".encode())
    export = tmp_path / "export.xlsx"
    export.write_bytes(xlsx(_with_state))
    assert read_workbook(export).state == (("release", "r1"),)
    reader = LimitedReader(512 * MIB, 60)
    for file in (path, csv, export):
        assert reader.read(file, ("Partner", "Kind")) == read_workbook(file, ("Partner", "Kind"))


def _with_state(book: Any, sheet: Any) -> None:
    sheet.write(0, 0, "Partner")
    state = book.add_worksheet(STATE_SHEET)
    state.hide()
    state.write_row(0, 0, ["release", "r1"])


def test_the_reason_of_a_refusal_is_that_of_the_reader(tmp_path: Path) -> None:
    """An error is told as it is without limits (14 §2)."""
    path = tmp_path / "x.pdf"
    path.write_bytes(b"%PDF-1.4\n")
    with pytest.raises(UsageError, match=r"x\.pdf is not a spreadsheet, but a PDF document"):
        LimitedReader(512 * MIB, 60).read(path)


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        (LimitedReader(1 * MIB, 60), r"x\.xlsx needs more than 1,048,576 bytes of memory"),
        (LimitedReader(512 * MIB, 0.01), r"x\.xlsx was not read within 0\.01 seconds"),
    ],
)
def test_a_workbook_that_needs_more_is_refused_with_the_limit(
    reader: LimitedReader, reason: str, tmp_path: Path
) -> None:
    """Two filled cells far from each other need memory for all cells between them (14 §2)."""
    path = tmp_path / "x.xlsx"
    far = '<row r="{0}"><c r="{1}{0}" t="inlineStr"><is><t>a</t></is></c></row>'
    path.write_bytes(xlsx_with(far.format(1, "A") + far.format(100_000, "AD")))
    with pytest.raises(UsageError, match=reason) as refusal:
        reader.read(path)
    for language in LANGUAGES[1:]:
        assert Translations(language).error(str(refusal.value)) not in (None, str(refusal.value))
