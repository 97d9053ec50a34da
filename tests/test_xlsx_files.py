"""The workbooks that citygraph writes: the template can be filled in and read back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyoxigraph import Literal
from python_calamine import CalamineWorkbook

from citygraph.sheets.check import choices_of
from citygraph.sheets.choices import Choices
from citygraph.sheets.rows import read_rows
from citygraph.sheets.table_model import TableModel, read_model
from citygraph.sheets.workbook import read_workbook
from citygraph.sheets.xlsx_files import write_template
from citygraph.source.files import Sources
from citygraph.text import fold

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def model() -> TableModel:
    """The model of an instance in German and English."""
    return read_model(REPOSITORY / "ontology", ("de", "en"))


@pytest.fixture(scope="module")
def choices() -> Choices:
    """The classes and concepts of the ontology."""
    return choices_of(Sources(REPOSITORY / "data", REPOSITORY / "ontology"))


@pytest.fixture(scope="module")
def template(model: TableModel, choices: Choices, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a file."""
    path = tmp_path_factory.mktemp("template") / "template.xlsx"
    write_template(path, model, choices)
    return path


def test_the_template_has_a_sheet_for_each_kind_with_titles_in_the_first_language(template: Path) -> None:
    """The lists of the drop-downs are hidden."""
    book = CalamineWorkbook.from_path(template)
    visible = [sheet.name for sheet in book.sheets_metadata if str(sheet.visible).endswith("Visible")]
    assert visible == ["Vereinbarungen", "Orte", "Personen und Ämter", "Organisationen", "Veranstaltungen", "Quellen"]
    titles = book.get_sheet_by_name("Orte").to_python(skip_empty_area=False)[0]
    assert titles[:3] == ["Name (de)", "Name (en)", "Andere Namen"]


def test_an_untouched_template_has_no_rows_and_no_errors(template: Path, model: TableModel, choices: Choices) -> None:
    """Its help and its examples are recognised; the examples are mentioned."""
    rows, problems = read_rows([read_workbook(template)], model, choices)
    assert rows == []
    assert {problem.rule.name for problem in problems} == {"example-row"}


def test_equal_templates_have_equal_bytes(template: Path, model: TableModel, choices: Choices, tmp_path: Path) -> None:
    """A curator sees by a digest whether the template has changed."""
    write_template(tmp_path / "again.xlsx", model, choices)
    assert (tmp_path / "again.xlsx").read_bytes() == template.read_bytes()


def test_drop_downs_are_in_the_first_language(model: TableModel, choices: Choices) -> None:
    """Every choice has a label in German, too (14 §3)."""
    columns = [column for sheet in model.sheets for column in sheet.columns if column.kind in ("class", "concept")]
    offered = {(column.key, label) for column in columns for label in choices.of(column, "de")}
    assert {("kind", "Städtepartnerschaft"), ("status", "ruhend"), ("role", "Bürgermeister/in")} <= offered
    ontology = {
        quad for file in Sources(REPOSITORY / "data", REPOSITORY / "ontology").ontology_files() for quad in file.read()
    }
    german = {
        quad.object.value for quad in ontology if isinstance(quad.object, Literal) and quad.object.language == "de"
    }
    assert {label for _, label in offered} <= german


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Bürgermeisterin", "mayor"),
        ("BÜRGERMEISTER", "mayor"),
        ("Bürgermeister*in", "mayor"),
        ("Oberbürgermeisterin", "mayor"),
        ("Bürgermeister/-in", "mayor"),
        ("Bürgermeisterinnen", "mayor"),
        ("Bürgermeister:innen", "mayor"),
        ("stellvertretende Bürgermeisterinnen", "deputy-mayor"),
        ("Deputy mayors", "deputy-mayor"),
        ("alcaldesa", "mayor"),
        ("mairesse", "mayor"),
        ("Büyükşehir Belediye Başkanı", "mayor"),
        ("stellvertretender Bürgermeister", "deputy-mayor"),
        ("stellvertretende Bürgermeisterin", "deputy-mayor"),
        ("BELEDİYE BAŞKAN VEKİLİ", "deputy-mayor"),
        ("başkan vekili", "vice-president"),
        ("stellvertretende Vorsitzende", "vice-president"),
        ("présidente d'honneur", "honorary-president"),
    ],
)
def test_a_role_has_the_forms_of_its_title(choices: Choices, text: str, role: str) -> None:
    """People write the title that the document has: of a woman or a man, in the language of the place."""
    assert choices.concept_of(text, ("roles",)) == f"https://w3id.org/citygraph/ontology/roles/{role}"


def test_no_label_is_of_two_concepts_of_a_scheme() -> None:
    """Otherwise the order of the file would decide what a cell means."""
    ontology = [
        quad for file in Sources(REPOSITORY / "data", REPOSITORY / "ontology").ontology_files() for quad in file.read()
    ]
    scheme = {quad.subject: quad.object for quad in ontology if quad.predicate.value.endswith("#inScheme")}
    names = {
        (scheme[quad.subject], fold(quad.object.value), quad.subject)
        for quad in ontology
        if quad.subject in scheme
        and isinstance(quad.object, Literal)
        and quad.predicate.value.endswith(("#prefLabel", "#altLabel"))
    }
    counted = Counter(name[:2] for name in names)
    assert [name for name, number in counted.items() if number > 1] == []
