"""The reports of a check: a page and a workbook in which a person finds each cell again."""

from __future__ import annotations

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyoxigraph import Literal, NamedNode, Quad
from python_calamine import CalamineWorkbook

from citygraph.cli.main import main
from citygraph.rdf.terms import ID, RDFS, SOURCE
from citygraph.sheets.cell_problems import WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.check import CheckedSheets
from citygraph.sheets.importing import SheetDifference
from citygraph.sheets.problem_report import difference_html, report_html, report_page, rule_name
from citygraph.sheets.problem_workbook import write_problem_workbook
from citygraph.sheets.workbook import Grid, Workbook
from citygraph.web.view.translations import Translations

CHOICE = CellRule("choice", "{value} is not one of the choices.", "Choose one of {choices}.")
EXAMPLE = CellRule("example-row", "This row is the example.", "Delete the row.", WARNING)
LONG = "x" * 40_000


def problem(rule: CellRule, sheet: str, row: int, column: int, value: str, **values: str) -> CellProblem:
    return CellProblem(rule, CellAddress("partners.xlsx", sheet, row, column), value, values)


PROBLEMS = (
    problem(EXAMPLE, "Orte", 2, 0, "Bremen"),
    problem(CHOICE, "Orte", 3, 1, "<b>town</b>", choices="city, country"),
    problem(CHOICE, "Orte", 3, 1, "<b>town</b>", choices="continent"),
    problem(CHOICE, "Bremen's [old]: list", 9, 2, "", choices="city"),
)
GRIDS = (
    Grid("partners.xlsx", "Orte", (("Name", "Art"), ("Bremen", "city"), ("Gdańsk", "<b>town</b>")), (1, 2, 3)),
    Grid("partners.xlsx", "Bremen's [old]: list", (("=1+1", "mailto:a@b.example", LONG, "😀" * 20_000),), (1,)),
    Grid("partners.xlsx", "History", (("007",),), (1,)),
    Grid("partners.xlsx", "problems", (("1985-05",),), (1,)),
)
CHECKED = CheckedSheets((), PROBLEMS, ("a note",), (Workbook(Path("partners.xlsx"), GRIDS),))


@pytest.mark.parametrize(("language", "text"), [("en", "1,048,576 of 1,234"), ("de", "1.048.576 of 1.234")])
def test_numbers_are_in_the_groups_of_the_language(language: str, text: str) -> None:
    """Texts that look like numbers, such as years, are none."""
    rule = CellRule("cells", "{number} of {most}, {last}", "")
    values: dict[str, str | int] = {"number": 1_048_576, "most": 1234, "last": "1,234"}
    large = CellProblem(rule, CellAddress("partners.xlsx", "Orte", 1, 0), "", values)
    assert large.message(Translations(language)) == f"{text}, 1,234"


class Outline(HTMLParser):
    """The tags that are open at the end, and all addresses of other documents."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href", "action")]
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_groups_and_counts_all_problems_with_cell_value_rule_and_remedy() -> None:
    """Errors come first, values are escaped, and the page loads nothing (14 §2)."""
    translate = Translations("en")
    page = report_page(["a.csv"], "en", [report_html(CHECKED, translate)], translate)
    outline = Outline(page)
    assert (outline.open, outline.loaded) == ([], [])
    headings = [re.sub("<[^>]*>", "", heading) for heading in re.findall("<h2.*?</h2>", page)]
    assert headings == ["Error: … is not one of the choices. (3)", "Warning: This row is the example. (1)"]
    assert "Errors: 3 · Warnings: 1" in page
    row = "<td>&lt;b&gt;town&lt;/b&gt;</td><td>&lt;b&gt;town&lt;/b&gt; is not one of the choices.</td>"
    assert f'<tr><td>Orte</td><th scope="row">B3</th>{row}<td>Choose one of continent.</td></tr>' in page
    assert "<code>choice</code>" in page
    assert "a note" in page


@pytest.mark.parametrize(("language", "words"), [("tr", "Hata: 3 · Uyarı: 1"), ("az", "Xəta: 3 · Xəbərdarlıq: 1")])
def test_the_page_is_in_the_language_of_the_reader(language: str, words: str) -> None:
    """The words of the report, and the messages (14 §2)."""
    translate = Translations(language)
    page = report_page(["a.csv"], language, [report_html(CHECKED, translate)], translate)
    assert f'<html lang="{language}">' in page
    assert words in page
    assert "is not one of the choices" not in page


def test_the_heading_of_a_rule_has_no_values() -> None:
    """It stands for all of its cells."""
    assert rule_name(CHOICE, str) == "… is not one of the choices."


def test_the_preview_pairs_the_old_and_the_new_value_of_a_property() -> None:
    """A statement is added, changed or removed, and an added or changed one names its cell (14 §2)."""
    place, graph = NamedNode(f"{ID}city/gdansk"), NamedNode(f"{SOURCE}page")
    new, old = (Quad(place, RDFS("label"), Literal(text, language="en"), graph) for text in ("Gdańsk", "Danzig"))
    other = Quad(place, RDFS("comment"), Literal("<i>"), graph)
    cells = {new: CellAddress("a.csv", "", 2, 0)}
    page = difference_html(SheetDifference((new, other), (old,)), cells.get, Translations("en"))
    assert Outline(page).open == []
    assert "Added statements: 1 · Changed values: 1 · Removed statements: 0" in page
    assert "<td>a.csv A2</td><td>city:gdansk</td><td>rdfs:label</td><td>Danzig (en)</td><td>Gdańsk (en)</td>" in page
    assert "<td>&lt;i&gt;</td>" in page


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of the workbook with its problems."""
    path = tmp_path_factory.mktemp("copy") / "copy.xlsx"
    write_problem_workbook(path, CHECKED.workbooks, CHECKED.problems, Translations("en"))
    return path


def rows_of(path: Path, sheet: str) -> list[list[str]]:
    """The texts of a sheet."""
    cells = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [[str(cell) for cell in row] for row in cells]


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def test_the_copy_lists_all_problems_on_its_first_sheet(copy: Path) -> None:
    """The severity is a word as well as a colour (14 §2)."""
    rows = rows_of(copy, "Problems")
    assert rows[0] == ["Severity", "File or sheet", "Cell", "Value", "Problem", "Remedy", "Rule"]
    assert [row[:3] for row in rows[1:]] == [
        ["Error", "Orte", "B3"],
        ["Error", "Orte", "B3"],
        ["Error", "Bremen's [old]: list", "C9"],
        ["Warning", "Orte", "A2"],
    ]


def test_each_line_of_the_list_links_to_its_cell(copy: Path) -> None:
    """Apostrophes in names of sheets are doubled, and forbidden characters replaced."""
    links = re.findall(r'<hyperlink ref="(\w+)" location="([^"]*)"', part(copy, "xl/worksheets/sheet1.xml"))
    assert links == [
        ("C2", "'Orte'!B3"),
        ("C3", "'Orte'!B3"),
        ("C4", "'Bremen''s -old-- list'!C9"),
        ("C5", "'Orte'!A2"),
    ]


def test_the_copy_has_every_cell_as_text_in_its_place(copy: Path) -> None:
    """Formulas, addresses and leading zeros stay texts; names of sheets stay different."""
    book = CalamineWorkbook.from_path(copy)
    assert book.sheet_names == ["Problems", "Orte", "Bremen's -old-- list", "History 2", "problems 2"]
    assert rows_of(copy, "Orte")[2] == ["Gdańsk", "<b>town</b>"]
    texts = rows_of(copy, "Bremen's -old-- list")[0]
    assert texts[:2] == ["=1+1", "mailto:a@b.example"]
    # A cell holds 32,767 UTF-16 units.
    assert [len(text.encode("utf-16-le")) // 2 <= 32_767 and text.endswith("…") for text in texts[2:]] == [True, True]
    assert rows_of(copy, "History 2") == [["007"]]


def test_the_problems_of_one_cell_are_one_note(copy: Path) -> None:
    """A second note would replace the first."""
    notes = part(copy, "xl/comments1.xml")
    assert re.findall(r'<comment ref="(\w+)"', notes) == ["A2", "B3"]
    assert "Choose one of city, country." in notes
    assert "Choose one of continent." in notes
    assert "Error: " in notes


def test_equal_checks_give_equal_bytes(copy: Path, tmp_path: Path) -> None:
    """As the template does."""
    write_problem_workbook(tmp_path / "b.xlsx", CHECKED.workbooks, CHECKED.problems, Translations("en"))
    assert (tmp_path / "b.xlsx").read_bytes() == copy.read_bytes()


def test_a_record_of_csv_is_one_row_of_the_copy(tmp_path: Path) -> None:
    """The list names the line of the file, and links to the row of the copy."""
    grid = Grid("data/places.csv", "", (("Name",), ("Two\nlines",), ("Bremen",)), (1, 2, 4))
    wrong = CellProblem(EXAMPLE, CellAddress("data/places.csv", "", 4, 0), "Bremen")
    path = tmp_path / "copy.xlsx"
    write_problem_workbook(path, [Workbook(Path("data/places.csv"), (grid,))], [wrong], Translations("en"))
    assert "location=\"'places'!A3\"" in part(path, "xl/worksheets/sheet1.xml")
    rows = rows_of(path, "Problems")
    assert rows[1][1:3] == ["places.csv", "A4"]


def test_a_check_writes_page_and_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is that of the check; a report never replaces a file that is checked (14 §2)."""
    table = tmp_path / "places.csv"
    table.write_text("Name (en);Kind;Sorce\nGdańsk;town;page\n", encoding="utf-8")
    page, book = tmp_path / "report.html", tmp_path / "report.xlsx"
    repository = Path(__file__).parents[1]
    for name in ("data", "ontology", "queries"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(repository / name))
    monkeypatch.setenv("CITYGRAPH_RELEASES", str(tmp_path / "releases"))
    arguments = ["sheets", "check", str(table), "--html", str(page), "--workbook", str(book), "--lang", "tr"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1, result.output
    assert '<html lang="tr">' in page.read_text(encoding="utf-8")
    assert CalamineWorkbook.from_path(book).sheet_names == ["Sorunlar", "places"]
    before = table.read_bytes()
    assert CliRunner().invoke(main, ["sheets", "check", str(table), "--workbook", str(table)]).exit_code == 2
    assert table.read_bytes() == before
