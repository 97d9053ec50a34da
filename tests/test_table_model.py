"""The table model of spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import NamedNode, parse

from citygraph.errors import BadData
from citygraph.rdf.terms import PREFIXES
from citygraph.sheets.cell_problems import CellAddress, column_letters
from citygraph.sheets.table_model import TableModel, columns_as_markdown, read_model

_ONTOLOGY = Path(__file__).parents[1] / "ontology"


@pytest.fixture(scope="module")
def model() -> TableModel:
    """The model of an instance in German and English."""
    return read_model(_ONTOLOGY, ("de", "en"))


def test_columns_state_terms_of_the_ontology(model: TableModel) -> None:
    """A property or class that the ontology does not define would make statements that no one can read."""
    defined = {
        quad.subject.value for quad in parse(path=_ONTOLOGY / "citygraph.ttl") if isinstance(quad.subject, NamedNode)
    }
    for sheet in model.sheets:
        for column in sheet.columns:
            for name in (column.property, *column.classes):
                prefix, _, local = name.partition(":")
                if prefix == "cg":
                    assert PREFIXES["cg"] + local in defined, f"{sheet.key}.{column.key}: {name}"
                elif name:
                    assert prefix in PREFIXES


def test_labels_have_a_column_for_each_language_and_the_first_is_required(model: TableModel) -> None:
    """The titles name the language."""
    names = [column for column in model.sheet("places").columns if column.key == "name"]
    assert [(one.language, one.required, one.title("de")) for one in names] == [
        ("de", True, "Name (de)"),
        ("en", False, "Name (en)"),
    ]


def test_titles_are_in_every_language_of_a_catalogue(model: TableModel) -> None:
    """The file has some languages itself; a language without either has the English title (14 §1)."""
    agreements = model.sheets[0]
    assert [agreements.title(language) for language in ("de", "tr", "az", "fr")] == [
        "Vereinbarungen", "Anlaşmalar", "Sazişlər", "Agreements",
    ]  # fmt: skip
    assert agreements.columns[1].guidance("az").startswith("Digər şəhərin və ya bölgənin adı.")


def test_guidance_names_the_precision_that_a_date_may_have(model: TableModel) -> None:
    """The shapes refuse a month or a year as the day on which a source was read."""
    sources = model.sheet("sources")
    assert sources.column("read_on").guidance("en").endswith("A day: 24.04.1996 or 1996-04-24.")
    assert sources.column("issued").guidance("en") == "A day, a month or a year: 24.04.1996, 1996-04 or 1996."


def test_nodes_are_linked_by_their_keys(model: TableModel) -> None:
    """Patterns, needs and links name columns or nodes of the same sheet."""
    for sheet in model.sheets:
        keys = {column.key for column in sheet.columns} | set(sheet.nodes)
        for node in sheet.nodes.values():
            assert keys.issuperset(node.needs)
            assert keys.issuperset(target for _, target in node.links)
            assert node.entity in keys or not node.entity


def test_byte_order_mark_in_front_is_ignored(tmp_path: Path) -> None:
    """(13.5) Some editors write it into TOML, too."""
    text = (_ONTOLOGY / "sheets.toml").read_text(encoding="utf-8")
    (tmp_path / "sheets.toml").write_text("\ufeff" + text, encoding="utf-8")
    assert read_model(tmp_path, ("en", "tr")).sheets


def test_a_file_that_describes_no_sheets_is_an_error_with_its_name(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "sheets.toml").write_text("[[sheet]]\nkey = 1\n", encoding="utf-8")
    with pytest.raises(BadData, match=r"sheets\.toml"):
        read_model(tmp_path, ("en",))


def test_addresses_are_written_as_spreadsheets_write_them() -> None:
    """Letters go on with AA after Z."""
    assert [column_letters(number) for number in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert str(CellAddress("ties.xlsx", "Partner", 7, 1)) == "ties.xlsx: Partner!B7"


def test_the_documentation_has_the_columns_of_the_model() -> None:
    """(14 §2) The tables are made from it."""
    page = (_ONTOLOGY.parent / "docs" / "spreadsheets.md").read_text(encoding="utf-8")
    assert page.endswith(f"\n\n{columns_as_markdown()}\n")
