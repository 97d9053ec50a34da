"""Tables of spreadsheets: every cell is kept, and errors have line numbers."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citygraph.errors import UsageError
from citygraph.matching.spreadsheet import Spreadsheet, read_spreadsheet, write_spreadsheet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to write."""
    return tmp_path / "table.csv"


def read(path: Path, text: str, *titles: str, encoding: str = "utf-8", wanted: str = "") -> Spreadsheet:
    """The table of this text."""
    path.write_bytes(text.encode(encoding))
    return read_spreadsheet(path, titles or ("City",), wanted)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("City,Country\nBremen,Germany\n", ","), ("City;Country\r\nBremen;Germany\r\n", ";"),
     ("City\tCountry\rBremen\tGermany\r", "\t"), ("Country|City\nGermany|Bremen\n", "|"),
     ("sep=;\r\nCity;Country\r\nBremen;Germany\r\n", ";"), ("SEP=\t\nCity\tCountry\nBremen\tGermany", "\t"),
     ("City;Population, total\nBremen;1,5\n", ";"), ('"City";"Area, km²; land"\nBremen;"1;5"\n', ";"),
     ("City\nBremen\n", ","), (" City , Country\nBremen,Germany\n", ",")],
)  # fmt: skip
def test_the_delimiter_is_recognised(path: Path, text: str, delimiter: str) -> None:
    """By the line sep=, or by the titles that the header must have (13.20)."""
    table = read(path, text)
    assert table.delimiter == delimiter
    assert table.rows[0][table.column("City")] == "Bremen"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_is_that_of_the_mark(path: Path, encoding: str) -> None:
    """UTF-8 without one (13.20)."""
    assert read(path, "City,Land\nİzmir,Türkiye\n", encoding=encoding).rows == (("İzmir", "Türkiye"),)


def test_a_file_in_another_encoding_is_not_guessed(path: Path) -> None:
    """The message has the line in the encodings that may be meant, and the option reads it (13.20)."""
    text = "City,Land\nBremen,Almanya\nKöstence,Şğı\n"
    with pytest.raises(UsageError, match=r"table\.csv:3: not UTF-8.*'Köstence,Şğı' with --encoding cp1254"):
        read(path, text, encoding="cp1254")
    # The line at which the encodings differ, and not the first one that is not UTF-8.
    with pytest.raises(UsageError, match=r"table\.csv:2: not UTF-8.*'Şırnak' with --encoding cp1254, 'Þýrnak' with"):
        read(path, "Ülke\nŞırnak\n", encoding="cp1254")
    assert read(path, text, encoding="cp1254", wanted="cp1254").rows[1] == ("Köstence", "Şğı")
    with pytest.raises(UsageError, match="there is no encoding 'cp9'"):
        read(path, text, wanted="cp9")
    path.write_bytes("City,Land\n".encode("utf-16") + b"\x00")
    with pytest.raises(UsageError, match=r"table\.csv:2: not UTF-16"):
        read_spreadsheet(path, ["City"])


def test_what_is_no_text_is_named(path: Path) -> None:
    """A workbook, and UTF-16 without a mark (13.20)."""
    path.write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(UsageError, match=r"table\.csv is a workbook: save the sheet as CSV"):
        read_spreadsheet(path, ["City"])
    with pytest.raises(UsageError, match=r"table\.csv:1: NUL characters: if it is UTF-16"):
        read(path, "City,Land\nİzmir,Türkiye\n", encoding="utf-16-le")
    assert read(path, "City\nİzmir\n", encoding="utf-16-le", wanted="utf-16-le").rows == (("İzmir",),)
    assert read(path, "\ufeffCity\nİzmir\n", wanted="utf-8").header == ("City",)


def test_repeated_and_missing_titles_keep_their_cells(path: Path) -> None:
    """The first of equal titles is meant, unless the column's number is given (13.20)."""
    table = read(path, "City,,City,2\na,b,c,d\n")
    assert (table.header, table.rows) == (("City", "", "City", "2"), (("a", "b", "c", "d"),))
    assert [table.column(title) for title in ("City", "3", "2")] == [0, 2, 3]
    assert table.places("City") == [0, 2]
    for title in ("5", "0", "³", "9" * 5000, "Land"):
        with pytest.raises(UsageError, match=r"there are City, \(no title\), City, 2"):
            table.column(title)


def test_rows_of_any_length_keep_their_cells(path: Path) -> None:
    """Surplus cells get untitled columns, missing ones are empty; an empty line is a row (13.20)."""
    table = read(path, "City,Notes\na,port, free\nb\n\nc,d\n")
    assert table.header == ("City", "Notes", "")
    assert table.rows == (("a", "port", " free"), ("b", "", ""), ("", "", ""), ("c", "d", ""))
    assert table.lines == (2, 3, 4, 5)
    (note,) = table.notes
    assert note.endswith("table.csv:2: 3 cells under 2 titles; the surplus cells are in columns without title")


@pytest.mark.parametrize("mark", ["", "sep=;\n"])
@pytest.mark.parametrize("blank", ["\n\n", ";\n ;\n"])
def test_blank_lines_before_the_titles_are_passed_over(path: Path, mark: str, blank: str) -> None:
    """They were the titles: each other row had more cells than titles, and the delimiter was not recognised."""
    table = read(path, f"{mark}{blank}Place;Land\nİzmir;Türkiye\n")
    assert (table.header, table.rows, table.notes) == (("Place", "Land"), (("İzmir", "Türkiye"),), ())
    assert (table.header_line, table.lines) == ((4, (5,)) if mark else (3, (4,)))


def test_cells_may_be_long_and_have_lines(path: Path) -> None:
    """A cell of 200,000 letters is kept whole; the lines of the file are counted, not the rows (13.20)."""
    table = read(path, f'sep=,\nCity,Notes\n"a\r\nb",{"x" * 200_000}\nc,d\n')
    assert table.rows[0] == ("a\r\nb", "x" * 200_000)
    assert table.lines == (3, 5)


@pytest.mark.parametrize(("text", "line"), [('City,N\na,b\nc,"d\ne,f\ng,h\n', 3), ('City,N\n"a\nb",c\n"d"e,f\n', 4)])
def test_a_malformed_quote_is_an_error_with_its_line(path: Path, text: str, line: int) -> None:
    """Otherwise the rest of the file would be one cell (13.20)."""
    with pytest.raises(UsageError, match=rf"table\.csv:{line}: .*check its quotes"):
        read(path, text)


@pytest.mark.parametrize("text", ["", "sep=;\n", "\n\n"])
def test_an_empty_file_is_an_error(path: Path, text: str) -> None:
    """It has no titles (13.20)."""
    with pytest.raises(UsageError, match="is empty"):
        read(path, text)


_CELLS = st.text("aİ \"',;|\t\r\n\0=", max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(_CELLS, _CELLS, _CELLS), min_size=1), st.sampled_from(",;\t|"), st.booleans())
def test_what_is_written_reads_back_the_same(rows: list[tuple[str, str, str]], delimiter: str, mark: bool) -> None:
    """Quotes, delimiters and ends of lines in cells included (13.20)."""
    out = StringIO(newline="")
    table = Spreadsheet("x", ("City", "", "City"), tuple(rows), (), delimiter, mark)
    write_spreadsheet(table, out)
    assert out.getvalue().startswith(f"sep={delimiter}\n") is mark
    again = _from_text(out.getvalue())
    assert (again.header, again.rows, again.delimiter, again.has_mark) == (table.header, table.rows, delimiter, mark)


def _from_text(text: str) -> Spreadsheet:
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".csv") as file:
        file.write(text.encode())
        file.flush()
        return read_spreadsheet(Path(file.name), ["City"])
