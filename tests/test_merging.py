"""Imports into sources that exist: empty cells, deletions, missing rows, and changes since an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import Quad

from citygraph.build.build import build
from citygraph.errors import NotFound, UsageError
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, ID
from citygraph.release.releases import Releases
from citygraph.sheets.check import CheckedSheets, choices_of
from citygraph.sheets.export_rows import ExportedSheets, SheetExporter
from citygraph.sheets.export_state import read_state, state_lines, state_of
from citygraph.sheets.importing import imported, preview, undo_import, undone_on_error, write_import
from citygraph.sheets.problem_report import difference_members
from citygraph.sheets.table_model import SheetColumn, read_model
from citygraph.sheets.xlsx_files import write_rows
from tests.sheet_files import (
    AGREEMENTS,
    PEOPLE,
    PLACES,
    SOURCES,
    Instance,
    Unvalidated,
    cells,
    check_csv,
    checked,
    checker_of,
    new_instance,
)

GDANSK = f"<{ID}city/gdansk>"
SHEETS = [("agreements", AGREEMENTS), ("places", PLACES), ("people", PEOPLE), ("sources", SOURCES)]
STATUS = """Partner;Kind;Status;Status since;Source;Identifier
Danzig;sister-city agreement;{};{};page;agreement/bremen-gdansk
"""
Change = Callable[[ExportedSheets], None]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance after an import of places, a person, an agreement and their source."""
    folder = tmp_path_factory.mktemp("merging")
    new = new_instance(folder / "instance")
    first = checked(new, folder, SHEETS)
    assert cells(first) == []
    write_import(first, new[0], folder / "journal")
    release, _ = build(new[0], Releases(new[1].path.parent), Progress())
    return new[0], release


@pytest.fixture
def filled(instance: Instance) -> Iterator[Instance]:
    """The instance, whose imported file is restored afterwards."""
    path = instance[0].data / "sheets" / "page.trig"
    text = path.read_text(encoding="utf-8")
    yield instance
    path.write_text(text, encoding="utf-8")


def said(quads: tuple[Quad, ...]) -> set[tuple[str, str]]:
    """Property and value of each statement, without namespaces."""
    return {
        (
            quad.predicate.value.replace("/", "#").rpartition("#")[2],
            str(getattr(quad.object, "value", "")).removeprefix(ID),
        )
        for quad in quads
    }


def rules(result: CheckedSheets) -> dict[str, str]:
    """The cell of each rule, without those of the shapes."""
    return {one.rule.name: one.address.name for one in result.problems if one.rule.name.islower()}


def change(instance: Instance, old: str, new: str) -> None:
    """Changes a statement of the imported file, as another officer's import does."""
    path = instance[0].data / "sheets" / "page.trig"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def exported(
    instance: Instance, folder: Path, *changes: Change, meanwhile: tuple[str, str] = ("", "")
) -> CheckedSheets:
    """The check of an exported workbook in which rows were changed, after another's change of the graph."""
    sources, release = instance
    model, choices, quads = (
        read_model(sources.ontology, ("en", "de")),
        choices_of(sources),
        imported(checker_of(instance)),
    )
    export = SheetExporter(model, choices, f"{ID}city/bremen").rows(quads)
    assert export.left == ()
    state = state_of(release.id, export.keys, quads)
    for one in changes:
        one(export)
    write_rows(folder / "export.xlsx", model, choices, export.rows, state_lines(state))
    if meanwhile[0]:
        change(instance, *meanwhile)
    return Unvalidated(**checker_of(instance).__dict__).check([folder / "export.xlsx"], Progress())


def cell(sheet: str, name: str, column: str, text: str) -> Change:
    """Returns the change of a cell in the row of an entity."""

    def apply(export: ExportedSheets) -> None:
        for row in export.rows[sheet]:
            if any(one.key == "id" and value.endswith(f"/{name}") for one, value in row.items()):
                key = next(one for one in _columns(export, sheet) if f"{one.key} {one.language}".strip() == column)
                row[key] = text

    return apply


def _columns(export: ExportedSheets, sheet: str) -> list[SheetColumn]:
    return [column for row in export.rows[sheet] for column in row]


def without(sheet: str, name: str) -> Change:
    """Returns the removal of the rows of an entity."""

    def apply(export: ExportedSheets) -> None:
        rows = export.rows[sheet]
        rows[:] = [row for row in rows if not any(value.endswith(f"/{name}") for value in row.values())]

    return apply


def test_an_empty_cell_keeps_what_the_source_says(filled: Instance, tmp_path: Path) -> None:
    """The note names the cell and the value; columns and sheets that are missing change nothing (14 §2)."""
    places = "Name (en);Kind;Latitude;Longitude;Source\nGdańsk;city;54.36;;page\n"
    result = check_csv(filled, tmp_path, ("places", places))
    assert cells(result) == []
    difference = preview(result)
    assert said(difference.added) == {("latitude", "54.36")}
    assert said(difference.removed) == {("latitude", "54.35")}
    (members,) = difference_members(difference, {one.quad: one.address for one in result.statements}.get)
    assert (members["change"], members["old"], members["value"]) == ("changed", "54.35", "54.36")
    assert (members["subject"], members["source"]) == ("city:gdansk", "page")
    assert members["cell"].endswith("places.csv: C2")
    note = next(one for one in result.problems if one.rule.name == "cell-emptied")
    assert (note.address.name, note.values["now"]) == ("D2", "18.65")


def test_the_sign_for_a_deletion_deletes_only_its_cell(filled: Instance, tmp_path: Path) -> None:
    """In a column with several values all of them; a hyphen is not that sign, and is warned of (14 §2)."""
    places = "Name (en);Other names;Kind;Latitude;Longitude;Wikidata;Source\nGdańsk;–;city;–;–;-;page\n"
    result = check_csv(filled, tmp_path, ("places", places))
    assert cells(result) == []
    assert rules(result)["cell-dash"] == "F2"
    difference = preview(result)
    assert difference.added == ()
    assert said(difference.removed) == {
        ("altLabel", "Danzig"),
        ("altLabel", "Gedanum"),
        ("latitude", "54.35"),
        ("longitude", "18.65"),
    }
    assert [path.name for path in write_import(result, filled[0], tmp_path)] == ["page.trig"]


def test_a_deletion_may_name_another_source(filled: Instance, tmp_path: Path) -> None:
    """As a value may: the row's own source keeps what it says (14 §2)."""
    places = "Name (en);Kind;Latitude;Longitude;Source\nGdańsk;city;{};{};page\n"
    sources = SOURCES + "other;Names;City Hall;https://www.example.com/names;en;2025-03\n"
    named = (("places", places.format("54.36 [other]", "18.66 [other]")), ("sources", sources))
    first = check_csv(filled, tmp_path, *named)
    assert cells(first) == []
    (other,) = [path for path in write_import(first, filled[0], tmp_path) if path.name == "other.trig"]
    again = check_csv(filled, tmp_path, ("places", places.format("– [other]", "")), ("sources", sources))
    assert cells(again) == []
    assert [(str(quad.graph_name), str(getattr(quad.object, "value", ""))) for quad in preview(again).removed] == [
        (f"<{BASE}source/other>", "54.36")
    ]
    other.unlink()


def test_a_part_of_an_entity_goes_with_the_value_that_it_needs(filled: Instance, tmp_path: Path) -> None:
    """A period has no state of its own any more; a second state replaces the first (14 §2)."""
    dormant = check_csv(filled, tmp_path, ("agreements", STATUS.format("dormant", "2004")))
    assert cells(dormant) == []
    write_import(dormant, filled[0], tmp_path)
    other = check_csv(filled, tmp_path, ("agreements", STATUS.format("active", "")))
    assert {("from", "2004"), ("status", "agreement/bremen-gdansk#dormant-page")} <= said(preview(other).removed)
    ended = check_csv(filled, tmp_path, ("agreements", STATUS.format("–", "")))
    assert said(preview(ended).removed) == said(preview(dormant).added)
    assert preview(ended).added == ()


def test_a_value_without_the_one_that_it_belongs_to_is_an_error(instance: Instance, tmp_path: Path) -> None:
    """It would be lost: the date of a state, the year of a population, the beginning of an office (14 §2)."""
    people = PEOPLE.replace(";mayor;City Hall;", ";;;")
    sheets = [("agreements", STATUS.format("", "2004")), ("people", people), ("places", PLACES), ("sources", SOURCES)]
    assert cells(check_csv(instance, tmp_path, *sheets)) == [
        ("agreements", "D2", "value-alone"),
        ("people", "E2", "value-alone"),
    ]
    people = PEOPLE.replace(";mayor;", ";–;")
    errors = cells(check_csv(instance, tmp_path, ("people", people), ("sources", SOURCES)))
    assert ("people", "C2", "deletion-unclear") in errors


@pytest.mark.parametrize(
    ("row", "others"),
    [
        ("Stadt Danzig;Gedanum;city;Poland;;;;page;", ["city/gdansk"]),
        ("Stadt Danzig;Gedanum;city;Poland [page];;;;page;", ["city/gdansk"]),
        ("Stadt Danzig;Gedanum;city;;;;;page;", ["city/gdansk"]),
        ("Stadt Danzig;Gedanum;city;Poland;;;;page;city/gdansk", []),
        ("Danzig;Gedanum;city;Poland;;;;page;", []),
        ("Stadt Danzig;Gedania;city;Poland;;;;page;", []),
        ("Stadt Danzig;Gedanum;country;;;;;page;", []),
        ("Stadt Danzig;Gedanum;city;Austria;;;;page;", []),
    ],
)
def test_a_new_entity_with_a_name_of_another_is_pointed_out(
    filled: Instance, tmp_path: Path, row: str, others: list[str]
) -> None:
    """A city with a changed name is else another city, and the one in the graph loses its row."""
    places = "Name (en);Other names;Kind;Country;Latitude;Longitude;Wikidata;Source;Identifier\n"
    places += f"Austria;;country;;;;;page;\n{row}\n"
    result = check_csv(filled, tmp_path, ("places", places), gazetteer=False)
    assert result.errors == []
    warnings = [one for one in result.problems if one.rule.name == "name-of-another"]
    assert [(one.value, one.values["others"], one.address.name) for one in warnings] == [
        ("Gedanum", other, "A3") for other in others
    ]


def test_entities_without_a_row_are_kept_and_named(filled: Instance, tmp_path: Path) -> None:
    """Unless the files are all that the source says (14 §2)."""
    result = check_csv(filled, tmp_path, ("places", PLACES))
    assert not preview(result)
    warning = next(one for one in result.problems if one.rule.name == "rows-kept")
    assert "agreement/bremen-gdansk" in warning.value
    difference = preview(check_csv(filled, tmp_path, ("places", PLACES), complete=True))
    assert difference.added == ()
    assert ("protocolDate", "1976-04-12") in said(difference.removed)
    # The description of the source stays: no file of the sources was given.
    assert not any(str(quad.subject) == f"<{BASE}source/page>" for quad in difference.removed)


def test_an_exported_workbook_changes_what_was_changed_in_it(filled: Instance, tmp_path: Path) -> None:
    """Unchanged, nothing; a row that was deleted goes, with the office that only it names (14 §2)."""
    assert not preview(exported(filled, tmp_path))
    result = exported(filled, tmp_path, without("people", "erika-example"))
    assert cells(result) == []
    assert "rows-removed" in rules(result)
    removed = preview(result).removed
    assert {str(quad.subject).removeprefix(f"<{ID}").partition("/")[0] for quad in removed} == {
        "person",
        "post",
        "tenure",
    }
    assert preview(result).added == ()


def test_changes_in_different_cells_are_merged(filled: Instance, tmp_path: Path) -> None:
    """What another has changed stays, and is mentioned; what the officer has changed is imported (14 §2)."""
    edit = cell("places", "gdansk", "latitude", "54.36")
    result = exported(filled, tmp_path, edit, meanwhile=('"18.65"', '"18.66"'))
    assert cells(result) == []
    assert rules(result)["merged-since-export"] == "G2"
    difference = preview(result)
    assert (said(difference.added), said(difference.removed)) == ({("latitude", "54.36")}, {("latitude", "54.35")})


@pytest.mark.parametrize("text", ["54.36", "–"])
def test_a_cell_that_both_have_changed_is_a_conflict(filled: Instance, tmp_path: Path, text: str) -> None:
    """It names the cell, both values, the source and the release; nothing is imported (14 §2)."""
    edit = cell("places", "gdansk", "latitude", text)
    result = exported(filled, tmp_path, edit, meanwhile=('"54.35"', '"54.37"'))
    assert cells(result) == [("export", "F2", "changed-since-export")]
    message = result.errors[0].message(str)
    assert all(part in message for part in (text, "54.37", "page", filled[1].id))
    assert preview(result).removed == ()


def test_the_same_change_by_both_is_no_conflict(filled: Instance, tmp_path: Path) -> None:
    """The graph has the value already (14 §2)."""
    edit = cell("places", "gdansk", "latitude", "54.36")
    result = exported(filled, tmp_path, edit, meanwhile=('"54.35"', '"54.36"'))
    assert cells(result) == []
    assert not preview(result)


def test_a_deleted_row_that_another_has_changed_is_a_conflict(filled: Instance, tmp_path: Path) -> None:
    """The other may have had a reason to go on with it (14 §2)."""
    edit = without("agreements", "bremen-gdansk")
    result = exported(filled, tmp_path, edit, meanwhile=("1976-04-12", "1976-04-13"))
    assert [rule for _, _, rule in cells(result)] == ["row-changed-since-export"]


def test_the_state_of_an_export_is_read_as_it_was_written(filled: Instance) -> None:
    """Without the base IRI, so that a moved instance reads it (14 §2)."""
    quads = imported(checker_of(filled))
    model = read_model(filled[0].ontology, ("en", "de"))
    keys = SheetExporter(model, choices_of(filled[0]), f"{ID}city/bremen").rows(quads).keys
    state = state_of("release-1", keys, quads)
    lines = [tuple(line) for line in state_lines(state)]
    assert read_state(lines) == state
    assert not any(BASE in text for line in lines for text in line)
    assert read_state([(), ("",), ("note", "x"), ("row",)]).digests == {}


def test_a_violation_outside_the_sheets_is_an_error(filled: Instance, tmp_path: Path) -> None:
    """A build would find it when the files are written already (14 §2)."""
    example = filled[0].data / "sources" / "example.trig"
    before = example.read_text(encoding="utf-8")
    # Written by hand, about a city that only the sheets describe.
    example.write_text(before + "\nGRAPH source:example { agreement:bremen-example-partner cg:party city:gdansk . }\n")
    poland = "".join(line for line in PLACES.splitlines(keepends=True) if not line.startswith("Gdańsk"))
    paths = [tmp_path / "places.csv", tmp_path / "sources.csv"]
    for path, text in zip(paths, (poland, SOURCES), strict=True):
        path.write_text(text, encoding="utf-8")
    try:
        result = replace(checker_of(filled), complete=True).check(paths, Progress())
    finally:
        example.write_text(before, encoding="utf-8")
    (problem, *_) = result.errors
    assert problem.rule.name == "violation-elsewhere"
    assert "example.trig" in problem.message(str)
    with pytest.raises(UsageError, match="nothing was imported"):
        write_import(result, filled[0], tmp_path)


def test_an_import_whose_build_fails_leaves_the_files_as_they_were(filled: Instance, tmp_path: Path) -> None:
    """The import before it can still be undone (14 §2)."""
    path = filled[0].data / "sheets" / "page.trig"
    texts = [path.read_text(encoding="utf-8")]
    changed = "Name (en);Kind;Latitude;Longitude;Source\nGdańsk;city;{};18.65;page\n"
    write_import(check_csv(filled, tmp_path, ("places", changed.format("54.36"))), filled[0], tmp_path)
    texts.append(path.read_text(encoding="utf-8"))
    second = check_csv(filled, tmp_path, ("places", changed.format("54.37")))

    def fail() -> None:
        with undone_on_error(tmp_path):
            assert write_import(second, filled[0], tmp_path) == [path]
            raise NotFound("what the build needs")

    with pytest.raises(NotFound, match="what the build needs"):
        fail()
    assert path.read_text(encoding="utf-8") == texts[1]
    undo_import(tmp_path)
    assert path.read_text(encoding="utf-8") == texts[0]
    assert texts[0] != texts[1]


def test_an_import_that_was_cut_off_before_its_release_is_continued(filled: Instance, tmp_path: Path) -> None:
    """Repeated after a kill, also with other cells, it can be undone as a whole; if a build fails, nothing changes."""
    sources, release = filled
    path = sources.data / "sheets" / "page.trig"
    changed = "Name (en);Kind;Latitude;Longitude;Source\nGdańsk;city;{};18.65;page\n"
    texts = [path.read_text(encoding="utf-8")]
    for latitude in ("54.36", "54.36", "54.37"):
        result = check_csv(filled, tmp_path, ("places", changed.format(latitude)))
        assert write_import(result, sources, tmp_path, release) == [path]
        texts.append(path.read_text(encoding="utf-8"))
    assert len(set(texts)) == 3

    def fail() -> None:
        with undone_on_error(tmp_path):
            result = check_csv(filled, tmp_path, ("places", changed.format("54.38")))
            assert write_import(result, sources, tmp_path, release) == [path]
            raise NotFound("what the build needs")

    with pytest.raises(NotFound, match="what the build needs"):
        fail()
    assert path.read_text(encoding="utf-8") == texts[-1]
    assert undo_import(tmp_path) == [path]
    assert path.read_text(encoding="utf-8") == texts[0]


def test_a_damaged_record_of_the_last_import_is_named(tmp_path: Path) -> None:
    """The command ended with a traceback."""
    (tmp_path / "sheets-import.json").write_text("{")
    with pytest.raises(UsageError, match=r"sheets-import\.json is damaged"):
        undo_import(tmp_path)
