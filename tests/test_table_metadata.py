"""Sheets as CSV files with their descriptions as CSV on the Web and as a Data Package.

tests/clients/ validates both with programs of others.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from citygraph.cli.main import main
from citygraph.progress import Progress
from citygraph.rdf.terms import ID
from citygraph.sheets.check import choices_of
from citygraph.sheets.export_rows import SheetExporter
from citygraph.sheets.importing import preview
from citygraph.sheets.table_metadata import write_csv_files
from citygraph.sheets.table_model import read_model
from citygraph.source.files import Sources
from tests.sheet_files import (
    AGREEMENTS,
    PEOPLE,
    PLACES,
    REPOSITORY,
    SOURCES,
    Instance,
    Unvalidated,
    cells,
    check_csv,
    checker_of,
    new_instance,
)

# A name that a spreadsheet would execute.
FORMULA = "=1+1 twin towns"
_TYPES = {"string", "integer", "decimal", "boolean", "anyURI"}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance whose home is Bremen."""
    return new_instance(tmp_path_factory.mktemp("metadata") / "instance")


@pytest.fixture(scope="module")
def folder(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of places, a person, an agreement and their source as CSV files."""
    written = tmp_path_factory.mktemp("csv")
    sheets = [("agreements", AGREEMENTS), ("places", PLACES), ("people", PEOPLE)]
    sources = SOURCES.replace("Twin towns", FORMULA)
    result = check_csv(instance, written, *sheets, ("sources", sources), gazetteer=False)
    assert cells(result) == []
    model, choices = read_model(instance[0].ontology, ("en", "de")), choices_of(instance[0])
    exported = SheetExporter(model, choices, f"{ID}city/bremen").rows(one.quad for one in result.statements)
    write_csv_files(written / "export", model, choices, exported.rows)
    return written / "export"


def table(path: Path) -> list[list[str]]:
    """The rows of a CSV file, the titles first."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def described(folder: Path) -> dict[str, dict[str, Any]]:
    """The tables of the metadata by their files."""
    metadata = json.loads((folder / "csv-metadata.json").read_text(encoding="utf-8"))
    assert metadata["@context"][0] == "http://www.w3.org/ns/csvw"
    return {one["url"]: one["tableSchema"] for one in metadata["tables"]}


def test_exported_files_are_imported_again_without_a_change(instance: Instance, folder: Path) -> None:
    """A text that begins as a formula is guarded in the file, and read without the guard (14 §2)."""
    titles = [row[1] for row in table(folder / "sources.csv")]
    assert titles[1] == f"'{FORMULA}"
    checker = Unvalidated(**{**checker_of(instance).__dict__, "gazetteer": False})
    again = checker.check(sorted(folder.glob("*.csv")), Progress())
    assert cells(again) == []
    assert any(str(getattr(one.object, "value", "")) == FORMULA for one in preview(again).added)
    assert not any("'" in str(one.object)[:2] for one in preview(again).added)


def test_both_descriptions_have_the_titles_of_the_files_in_their_order(folder: Path) -> None:
    """Names are those that the specifications allow, and unique (14 §2)."""
    schemas = described(folder)
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert {one["path"] for one in package["resources"]} == schemas.keys() == {p.name for p in folder.glob("*.csv")}
    for resource in package["resources"]:
        header = table(folder / resource["path"])[0]
        columns = schemas[resource["path"]]["columns"]
        assert [one["titles"] for one in columns] == [one["name"] for one in resource["schema"]["fields"]] == header
        names = [one["name"] for one in columns]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)
        bases = [one["datatype"] if isinstance(one["datatype"], str) else one["datatype"]["base"] for one in columns]
        assert set(bases) <= _TYPES


def test_cells_have_the_types_and_sources_that_are_stated(folder: Path) -> None:
    """Keys of other tables exist; required cells are filled; patterns match (14 §2)."""
    schemas = described(folder)
    keys = [row[0] for row in table(folder / "sources.csv")[1:]]
    assert keys == ["page"]
    typed = 0
    for name, schema in schemas.items():
        for number, column in enumerate(schema["columns"]):
            texts = [row[number] for row in table(folder / name)[1:]]
            assert all(texts) or not column["required"]
            pattern = column["datatype"].get("format", "") if isinstance(column["datatype"], dict) else ""
            parts = [part for text in texts if text for part in text.split(column.get("separator", "\0"))]
            assert all(re.fullmatch(pattern, part) for part in parts if pattern)
            typed += bool(parts and (pattern or column["datatype"] != "string"))
            if "foreignKeys" in schema and column["name"] == "source":
                assert set(texts) <= set(keys)
    assert typed >= 5
    assert all(("foreignKeys" in schema) == (name != "sources.csv") for name, schema in schemas.items())


def test_the_template_as_a_folder_describes_what_a_person_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates in any form, and the choices of a class; another ending of the name is refused (14 §2)."""
    for name in ("data", "ontology", "queries"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(REPOSITORY / name))
    folder = tmp_path / "template"
    assert CliRunner().invoke(main, ["sheets", "template", str(folder)]).exit_code == 0
    columns = {one["name"]: one for one in described(folder)["agreements.csv"]["columns"]}
    assert columns["protocol"]["datatype"] == "string"
    assert columns["partner"]["required"]
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    kinds = [one for one in package["resources"][0]["schema"]["fields"] if one["name"] == "Kind"]
    offered = choices_of(Sources(REPOSITORY / "data", REPOSITORY / "ontology"))
    kind = read_model(REPOSITORY / "ontology", ("en", "tr")).sheet("agreements").column("kind")
    assert kinds[0]["constraints"]["enum"] == offered.of(kind, "en")
    refused = CliRunner().invoke(main, ["sheets", "template", str(tmp_path / "template.ods")])
    assert refused.exit_code == 2
    assert "FILE.xlsx" in refused.output + str(refused.exception)
