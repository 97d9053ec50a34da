"""Mappings: a person's own spreadsheet fills the graph without being rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygraph.errors import UsageError
from citygraph.sheets.cell_names import Names
from citygraph.sheets.check import choices_of
from citygraph.sheets.choices import Choices
from citygraph.sheets.rows import read_rows
from citygraph.sheets.sheet_mapping import SheetMapping, mapped, propose_mapping, read_mapping
from citygraph.sheets.table_model import TableModel, read_model
from citygraph.sheets.workbook import Workbook, read_workbook
from citygraph.source.files import Sources

REPOSITORY = Path(__file__).parents[1]
OWN = """Liste unserer Partner;;;;;
Stadt;Land;Seit;Beziehung;Kommentar;Ansprechpartner
Gdańsk;Poland;12.04.1976;Schwesterstadt;die erste;Frau A
Riga;Latvia;1985;Schwesterstadt;;Herr B
"""
MAPPING = SheetMapping(
    "agreements",
    {
        "Stadt": "partner",
        "Land": "country",
        "Seit": "protocol",
        "Beziehung": "kind",
        "Kommentar": "note de",
        "Ansprechpartner": "",
    },
    {"kind": {"Schwesterstadt": "sister-city agreement"}},
    {"source": "list"},
)


@pytest.fixture(scope="module")
def model() -> TableModel:
    """The model of an instance in German and English."""
    return read_model(REPOSITORY / "ontology", ("de", "en"))


@pytest.fixture(scope="module")
def choices() -> Choices:
    """The classes and concepts of the ontology."""
    return choices_of(Sources(REPOSITORY / "data", REPOSITORY / "ontology"))


@pytest.fixture
def own(tmp_path: Path) -> Workbook:
    """A spreadsheet with a title line, titles of its own, and a column that is nobody else's business."""
    path = tmp_path / "own.csv"
    path.write_text(OWN, encoding="utf-8")
    return read_workbook(path)


def test_mapped_rows_have_the_columns_of_the_template_and_their_own_addresses(
    own: Workbook, model: TableModel, choices: Choices
) -> None:
    """Values are translated, constants added, and the title line is no row."""
    rows, problems = read_rows(mapped([own], MAPPING, model), model, choices)
    assert [problem for problem in problems if problem.rule.name != "example-row"] == []
    first = {column.key: cell.text for column, cell in rows[0].cells.items()}
    assert first == {
        "partner": "Gdańsk",
        "country": "Poland",
        "protocol": "12.04.1976",
        "kind": "sister-city agreement",
        "note": "die erste",
        "source": "list",
    }
    partner = rows[1].cell("partner")
    assert partner is not None
    assert (partner.text, partner.address.name) == ("Riga", "A4")


def test_a_value_without_translation_is_kept_and_not_dropped(
    own: Workbook, model: TableModel, choices: Choices
) -> None:
    """The check then reports it, with its own text."""
    mapping = SheetMapping("agreements", MAPPING.columns, {"kind": {"Schwesterstadt": ""}}, MAPPING.constants)
    rows, _ = read_rows(mapped([own], mapping, model), model, choices)
    kind = rows[0].cell("kind")
    assert kind is not None
    assert kind.text == "Schwesterstadt"


def test_a_proposal_can_be_read_and_recognises_titles_and_values(
    own: Workbook, model: TableModel, choices: Choices, tmp_path: Path
) -> None:
    """By title, by synonyms, and dates by their form; unknown values are listed for translation."""
    path = tmp_path / "mapping.toml"
    path.write_text(propose_mapping(own, model, choices, Names(None), str), encoding="utf-8")
    mapping = read_mapping(path, model)
    assert (mapping.sheet, mapping.columns["Stadt"], mapping.columns["Seit"]) == ("agreements", "partner", "protocol")
    assert mapping.values["kind"] == {"Schwesterstadt": ""}


def test_a_proposal_asks_for_the_short_name_of_each_reference(
    model: TableModel, choices: Choices, tmp_path: Path
) -> None:
    """(14 §2) A column of references is the source; one that is a short name already needs none."""
    (tmp_path / "own.csv").write_text(
        "Partner;Seit;Fundstelle\nRiga;1985;https://a.example/\nOslo;1986;register\n", encoding="utf-8"
    )
    path = tmp_path / "mapping.toml"
    book = read_workbook(tmp_path / "own.csv")
    path.write_text(propose_mapping(book, model, choices, Names(None), str), encoding="utf-8")
    mapping = read_mapping(path, model)
    assert mapping.columns["Fundstelle"] == "source"
    assert mapping.values["source"] == {"https://a.example/": ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('sheet = "agreement"', "did you mean 'agreements'"),
        ('sheet = "agreements"\n[columns]\n"Stadt" = "partners"', "did you mean 'partner'"),
        ('sheet = "agreements"\ncolums = 1', "did you mean 'columns'"),
        ('sheet = "agreements"\ndate_order = "ymd"\n[columns]', "dmy or mdy"),
        ("sheet = ", "not valid TOML"),
    ],
)
def test_a_faulty_mapping_is_an_error_with_the_nearest_name(
    text: str, message: str, model: TableModel, tmp_path: Path
) -> None:
    """A misspelt column would otherwise leave cells out."""
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_mapping(path, model)


def test_a_mapping_of_other_columns_is_an_error(own: Workbook, model: TableModel) -> None:
    """Otherwise the sheet would be checked as it is."""
    with pytest.raises(UsageError, match="no sheet has the columns"):
        mapped([own], SheetMapping("agreements", {"Ort": "partner"}), model)
