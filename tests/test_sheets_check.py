"""Checking spreadsheets: every problem with its cell, and the results of the shapes at the cells that cause them."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pyoxigraph import Literal, NamedNode

from citygraph.build.build import build
from citygraph.cli.main import main
from citygraph.errors import NotFound, UsageError
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, CG, ID
from citygraph.release.releases import Releases
from citygraph.sheets.cell_problems import CellAddress
from citygraph.sheets.check import CheckedSheets, Checker, choices_of
from citygraph.sheets.importing import preview, undo_import, write_import
from citygraph.sheets.merging import MergedSources, SheetRows
from citygraph.sheets.problem_report import as_members
from citygraph.sheets.shape_results import ShapeResults
from citygraph.sheets.table_model import read_model
from citygraph.text import csv_line
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
    checked,
    checker_of,
    exported_sheets,
    new_instance,
)
from tests.workbooks import xlsx


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance whose home is Bremen, with its first release."""
    return new_instance(tmp_path_factory.mktemp("sheets") / "instance")


def test_sheets_without_errors_make_the_statements_of_their_cells(instance: Instance, tmp_path: Path) -> None:
    """The partner has another name there, the home city is implied, and the graph is that of the source."""
    result = checked(instance, tmp_path, [("agreements", AGREEMENTS), ("places", PLACES), ("sources", SOURCES)])
    assert cells(result) == []
    statements = {str(one.quad) for one in result.statements}
    agreement, graph = f"<{ID}agreement/bremen-gdansk>", f"<{BASE}source/page>"
    cg = "https://w3id.org/citygraph/ontology#"
    assert {
        f"{agreement} <{cg}party> <{ID}city/bremen> {graph}",
        f"{agreement} <{cg}party> <{ID}city/gdansk> {graph}",
        f'{agreement} <{cg}protocolDate> "1976-04-12"^^<http://www.w3.org/2001/XMLSchema#date> {graph}',
        f"<{ID}city/gdansk> <{cg}country> <{ID}country/poland> {graph}",
    } <= statements


def test_all_problems_are_reported_at_once_with_their_cells(instance: Instance, tmp_path: Path) -> None:
    """Unknown names, ambiguous dates, missing sources and wrong choices, of all files."""
    rows = ";Nowhere;Poland;sister-city agreement;;03/04/1995;page\n;Danzig;Poland;friendship;1995-13;;other\n"
    result = checked(instance, tmp_path, [("agreements", AGREEMENTS + rows), ("places", PLACES), ("sources", SOURCES)])
    assert sorted(cells(result)) == [
        ("agreements", "B3", "name-unknown"),
        ("agreements", "D4", "choice"),
        ("agreements", "E4", "date-calendar"),
        ("agreements", "F3", "date-ambiguous"),
        ("agreements", "G4", "source-unknown"),
    ]


def test_a_wrong_choice_is_answered_with_the_drop_down_and_a_former_label_is_accepted(
    instance: Instance, tmp_path: Path
) -> None:
    """(14 §2) The choices are in the first language of the instance, as in its template."""
    sources, release = instance
    path = tmp_path / "orte.csv"
    path.write_text("Name (de);Art;Quelle\nPolen;Staat;page\nRiga;Dorf;page\n", encoding="utf-8")
    checker = Checker(read_model(sources.ontology, ("de", "en")), sources, release, f"{ID}city/bremen")
    problems = [one for one in checker.check([path], Progress()).errors if one.rule.name == "choice"]
    assert [(one.address.name, str(one.values["choices"]).split(", ")[-1]) for one in problems] == [("B3", "Land")]


def test_the_code_of_a_country_is_no_language(instance: Instance, tmp_path: Path) -> None:
    """The remedy names the main language of the country; other text gets an example."""
    for typed, rule, language in (("gr", "language-country", "el"), ("Greek", "language", ""), ("xx", "language", "")):
        result = check_csv(instance, tmp_path, ("sources", SOURCES.replace(";en;", f";{typed};")))
        assert cells(result) == [("sources", "E2", rule)]
        assert result.errors[0].values.get("language", "") == language
    assert cells(check_csv(instance, tmp_path, ("sources", SOURCES.replace(";en;", ";el;")))) == []


def test_yes_and_no_are_read_in_turkish_capitals(instance: Instance, tmp_path: Path) -> None:
    """HAYIR has a dotless I, which Python's lower case would give a dot."""
    places = PLACES.replace("Wikidata;Source", "Population;Population is approximate;Wikidata;Source")
    places = places.replace(";;;;Q36", ";;;;;;Q36").replace("18.65;Q1792", "18.65;486000;HAYIR;Q1792")
    result = checked(instance, tmp_path, [("places", places), ("sources", SOURCES)])
    assert cells(result) == []
    assert any('approximate> "false"' in str(one.quad) for one in result.statements)


def test_a_result_of_a_shape_names_the_cell_that_causes_it(instance: Instance, tmp_path: Path) -> None:
    """The latitude is a number, and no latitude."""
    places = PLACES.replace("54.35", "154.35")
    result = checked(instance, tmp_path, [("places", places), ("sources", SOURCES)])
    assert cells(result) == [("places", "E3", "LatitudeRange")]
    members = as_members(result.errors[0], str)
    assert (members["value"], members["severity"]) == ("154.35", "error")


def test_a_result_of_a_query_is_at_the_cell_that_the_query_reads(instance: Instance, tmp_path: Path) -> None:
    """Not at the name, with the IRI of its type, nor at another cell that happens to have the other entity."""
    places = PLACES.replace("18.65;Q1792", ";Q36")
    result = checked(instance, tmp_path, [("places", places), ("sources", SOURCES)])
    found = {(one.address.name, one.rule.name, one.value) for one in result.errors}
    assert found == {
        ("E3", "CoordinatePair", "54.35"),
        ("G2", "OneEntityPerQid", "Q36"),
        ("G3", "OneEntityPerQid", "Q36"),
    }


def test_a_name_of_an_entity_of_another_kind_is_not_called_unknown(instance: Instance, tmp_path: Path) -> None:
    """The workbook has Poland, but a country is no partner."""
    sheets = [("agreements", AGREEMENTS.replace("Danzig;", "Poland;")), ("places", PLACES), ("sources", SOURCES)]
    problem = next(one for one in checked(instance, tmp_path, sheets).errors if one.rule.name == "name-unknown")
    assert (problem.address.name, problem.value) == ("B2", "Poland")
    assert "of the kind of this column" in problem.message(str)


def test_a_name_without_a_similar_one_gets_no_list_of_similar_ones(instance: Instance, tmp_path: Path) -> None:
    """The remedy ended with an empty list."""
    sheets = [("agreements", AGREEMENTS.replace("Danzig;", "Xqzzw;")), ("places", PLACES), ("sources", SOURCES)]
    problem = next(one for one in checked(instance, tmp_path, sheets).errors if one.rule.name == "name-unknown")
    assert problem.remedy(str) == "Correct the name, or describe the entity in a row of its own."


def test_a_name_in_a_row_with_an_error_is_not_called_unknown(instance: Instance, tmp_path: Path) -> None:
    """The kind of the place is wrong: the error is there, not where the place is named."""
    sheets = [("agreements", AGREEMENTS), ("places", PLACES.replace(";city;", ";town;")), ("sources", SOURCES)]
    assert {rule for _, _, rule in cells(checked(instance, tmp_path, sheets))} == {"choice"}


def test_the_value_of_a_problem_is_what_the_cell_says(instance: Instance, tmp_path: Path) -> None:
    """The partner's name as it is written, and the home city's own for a cell that is left empty."""
    agreements = AGREEMENTS.replace(";12.04.1976", ";")
    sheets = [("agreements", agreements), ("places", PLACES), ("sources", SOURCES)]
    undated = [one for one in checked(instance, tmp_path, sheets).problems if one.rule.name == "AgreementUndated"]
    assert [one.value for one in undated] == ["Danzig"]
    assert not [one for one in checked(instance, tmp_path, sheets).problems if "://" in one.value]


def test_a_messy_workbook_makes_the_statements_that_its_reader_sees(instance: Instance, tmp_path: Path) -> None:
    """A title above the table, merged cells, a hidden row, dates that show a month or a year, phantom rows (14 §2)."""
    sources, release = instance
    (tmp_path / "agreements.xlsx").write_bytes(xlsx(_messy))
    (tmp_path / "sources.csv").write_text(SOURCES, encoding="utf-8")
    (tmp_path / "places.csv").write_text(PLACES + "Szczecin;Stettin;city;Poland;53.4;14.5;;page\n", encoding="utf-8")
    checker = Checker(read_model(sources.ontology, ("en", "de")), sources, release, f"{ID}city/bremen")
    result = checker.check(sorted(tmp_path.iterdir()), Progress())
    assert cells(result) == []
    assert {(one.rule.name, one.address.name) for one in result.problems if one.address.sheet} >= {
        ("merged-rows", "B4"),
        ("row-hidden", "A5"),
        ("rows-empty", "A6"),
        ("cell-struck", "A5"),
    }
    dates = {
        (getattr(quad.subject, "value", "").rpartition("/")[2], quad.object.value)
        for quad in (one.quad for one in result.statements)
        if isinstance(quad.object, Literal) and quad.predicate.value.endswith("protocolDate")
    }
    assert dates == {("bremen-gdansk", "1976-04"), ("bremen-szczecin", "1985")}
    countries = [one.quad.subject for one in result.statements if one.quad.predicate.value.endswith("#country")]
    assert NamedNode(f"{ID}city/szczecin") in countries


def _messy(book: Any, sheet: Any) -> None:
    month, year = (book.add_format({"num_format": code}) for code in ("mmmm yyyy", "yyyy"))
    sheet.merge_range("A1:E1", "Partner cities of Bremen")
    sheet.write_row("A3", ["Partner", "Country of the partner", "Kind", "Date of the protocol", "Source"])
    sheet.merge_range("B4:B5", "Poland")
    for row, name in ((3, "Danzig"), (4, "Stettin")):
        sheet.write_row(row, 2, ["sister-city agreement", "", "page"])
        sheet.write_string(row, 0, name, book.add_format({"font_strikeout": row == 4}))
    sheet.write_datetime(3, 3, datetime(1976, 4, 1), month)
    sheet.write_datetime(4, 3, datetime(1985, 1, 1), year)
    sheet.set_row(4, None, None, {"hidden": True})
    sheet.write_string(4999, 0, " ")


def test_a_wrong_cell_has_one_error(instance: Instance, tmp_path: Path) -> None:
    """An error value is not reported as a wrong date as well (14 §2)."""
    sheets = [("agreements", AGREEMENTS.replace("12.04.1976", "#REF!")), ("places", PLACES), ("sources", SOURCES)]
    assert cells(checked(instance, tmp_path, sheets)) == [("agreements", "F2", "cell-error")]


def test_an_identifier_of_another_type_is_reported_at_its_cell(instance: Instance, tmp_path: Path) -> None:
    """In every sheet, and not at the name of the entity, with the rule about the form of its IRI."""
    places = PLACES.replace(";Source\n", ";Source;Identifier\n").replace("Q1792;page", "Q1792;page;person/gdansk")
    people = PEOPLE.replace(";Source\n", ";Source;Identifier\n").replace(";page", ";page;city/erika")
    agreements = AGREEMENTS.replace(";Source\n", ";Source;Identifier\n").replace("1976;page", "1976;page;city/gdansk")
    sheets = (("Sources", SOURCES), ("Places", places), ("People", people), ("Agreements", agreements))
    found = {one.value: one for one in checked(instance, tmp_path, sheets).errors if one.rule.name == "identifier-type"}
    assert {value: (one.address.name, one.values["type"]) for value, one in found.items()} == {
        "person/gdansk": ("I3", "city"),
        "city/erika": ("I2", "person"),
        "city/gdansk": ("H2", "agreement"),
    }


def test_a_misspelt_title_suggests_the_right_one(instance: Instance, tmp_path: Path) -> None:
    """It is not ignored."""
    result = checked(instance, tmp_path, [("places", PLACES.replace("Latitude", "Lattitude")), ("sources", SOURCES)])
    problem = next(one for one in result.errors if one.rule.name == "column-unknown")
    assert (problem.address.name, problem.values["nearest"]) == ("E1", "Latitude")


def test_an_import_writes_one_file_for_a_source_and_can_be_undone(instance: Instance, tmp_path: Path) -> None:
    """Repeated, it changes nothing."""
    sources, _ = instance
    sheets = [("agreements", AGREEMENTS), ("places", PLACES), ("sources", SOURCES)]
    result = checked(instance, tmp_path, sheets)
    assert len(preview(result).added) == len({one.quad for one in result.statements})
    written = write_import(result, sources, tmp_path)
    assert [path.name for path in written] == ["page.trig"]
    again = checked(instance, tmp_path, sheets)
    assert not preview(again)
    assert write_import(again, sources, tmp_path) == []
    assert undo_import(tmp_path) == written
    assert not written[0].exists()
    with pytest.raises(NotFound, match="no import"):
        undo_import(tmp_path)


def test_an_imported_source_is_handed_over_to_the_browser_when_its_file_is_gone(
    instance: Instance, tmp_path: Path
) -> None:
    """(14 §2) A source has one owner: the message names the way to the other, on which no statement is lost."""
    own = replace(instance[0], data=tmp_path / "data")
    shutil.copytree(instance[0].data, own.data)
    sheets = [("places", PLACES), ("sources", SOURCES)]
    (written,) = write_import(checked((own, instance[1]), tmp_path, sheets), own, tmp_path)
    paths = [tmp_path / f"{name}.csv" for name, _ in sheets]
    releases = Releases(tmp_path / "releases")

    def in_browser() -> CheckedSheets:
        release, _ = build(own, releases, Progress())
        model = read_model(own.ontology, ("en", "de"))
        return Checker(model, own, release, f"{ID}city/bremen", by_commit=True).check(paths, Progress())

    refused = in_browser()
    assert {one.rule.name for one in refused.errors} == {"source-imported"}
    assert refused.errors[0].values["file"] == "data/sheets/page.trig"
    written.unlink()
    handed_over = in_browser()
    assert handed_over.errors == []
    assert {one.quad.triple for one in handed_over.statements} >= {one.quad.triple for one in refused.statements}


def test_exported_rows_are_imported_again_without_a_change(instance: Instance, tmp_path: Path) -> None:
    """Each statement stands in a cell, or follows from its row."""
    sheets = [("agreements", AGREEMENTS), ("places", PLACES), ("people", PEOPLE), ("sources", SOURCES)]
    result = checked(instance, tmp_path, sheets)
    assert cells(result) == []
    quads = {one.quad for one in result.statements}
    again = checked(instance, tmp_path, exported_sheets(instance, quads))
    assert [(problem.address.name, problem.rule.name, problem.value) for problem in again.errors] == []
    assert {one.quad for one in again.statements} == quads


def test_nothing_is_imported_with_an_error(instance: Instance, tmp_path: Path) -> None:
    """The sound rows are not imported either."""
    result = checked(instance, tmp_path, [("places", PLACES.replace("Q1792", "1792")), ("sources", SOURCES)])
    with pytest.raises(UsageError, match="nothing was imported"):
        write_import(result, instance[0], tmp_path)
    assert not list((instance[0].data / "sheets").glob("*"))


def test_the_status_of_a_tie_is_a_period_of_its_source(instance: Instance, tmp_path: Path) -> None:
    """A tie that one source calls dormant since a year stays in force (14 §3)."""
    agreements = "Partner;Kind;Start;In effect on;Status;Status since;Source\n"
    agreements += "Danzig;sister-city agreement;1989;2020-08;dormant;2004;page\n"
    result = checked(instance, tmp_path, [("agreements", agreements), ("places", PLACES), ("sources", SOURCES)])
    assert cells(result) == []
    agreement, graph = f"<{ID}agreement/bremen-gdansk>", f"<{BASE}source/page>"
    period = f"{agreement[:-1]}#dormant-page>"
    cg = "https://w3id.org/citygraph/ontology"
    assert {
        f"{agreement} <{cg}#status> {period} {graph}",
        f"{period} <{cg}#state> <{cg}/statuses/dormant> {graph}",
        f'{period} <{cg}#from> "2004"^^<http://www.w3.org/2001/XMLSchema#gYear> {graph}',
        f'{agreement} <{cg}#attestedOn> "2020-08"^^<http://www.w3.org/2001/XMLSchema#gYearMonth> {graph}',
    } <= {str(one.quad) for one in result.statements}


def test_a_cell_may_name_another_source_and_several_partners(instance: Instance, tmp_path: Path) -> None:
    """A name with a source in brackets is known without the brackets; an agreement may have three parties (14 §2)."""
    places = PLACES.replace("Gdańsk;", "Gdańsk [other];") + "Gdynia;;city;Poland;;;;page\n"
    sources = SOURCES + "other;Names;City Hall;https://www.example.com/names;en;2025-03\n"
    agreements = AGREEMENTS.replace(";Danzig;", ';"Gdańsk; Gdynia";')
    sheets = [("agreements", agreements), ("places", places), ("sources", sources)]
    result = checked(instance, tmp_path, sheets)
    assert cells(result) == []
    statements = {str(one.quad) for one in result.statements}
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    assert f'<{ID}city/gdansk> {label} "Gdańsk"@en <{BASE}source/other>' in statements
    parties = [
        one for one in statements if f"<{ID}agreement/bremen-gdansk> <https://w3id.org/citygraph/ontology#party>" in one
    ]
    assert len(parties) == 3


def test_a_statement_of_two_rows_is_written_once(instance: Instance, tmp_path: Path) -> None:
    """A second list may repeat what the first has (14 §2)."""
    sources, _ = instance
    again = AGREEMENTS + AGREEMENTS.splitlines()[1] + "\n"
    result = checked(instance, tmp_path, [("agreements", again), ("places", PLACES), ("sources", SOURCES)])
    (written,) = write_import(result, sources, tmp_path)
    lines = written.read_text(encoding="utf-8").splitlines()
    assert sum("protocolDate" in line for line in lines) == 1
    undo_import(tmp_path)


@pytest.mark.parametrize(
    ("data", "status", "tag", "text"),
    [
        (b"", 2, "tr", "boş bir dosya"),
        (b"", 2, "de-CH", "ist eine leere Datei"),
        (xlsx(lambda _, sheet: sheet.write_formula(1, 1, "=NA()", None, "#N/A")), 1, "tr", "S!B2: Hücrede"),
    ],
)
def test_the_command_says_in_the_language_of_the_reader_what_is_wrong(
    data: bytes, status: int, tag: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With status 2 for a file that cannot be read, and 1 for a wrong cell; nothing is written (14 §2)."""
    for name in ("data", "ontology", "queries"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(REPOSITORY / name))
    monkeypatch.setenv("CITYGRAPH_RELEASES", str(tmp_path / "releases"))
    path = tmp_path / "agreements.xlsx"
    path.write_bytes(data)
    result = CliRunner().invoke(main, ["sheets", "import", str(path), "--lang", tag])
    assert result.exit_code == status
    assert text in result.output
    assert not list(tmp_path.glob("releases/*"))


@pytest.mark.parametrize("from_1904", [False, True])
def test_days_are_read_in_both_systems_of_excel(instance: Instance, tmp_path: Path, from_1904: bool) -> None:
    """A cell with the format of a date is that day; a bare number is an error with both readings (14 §2)."""

    def fill(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_row("A1", ["Partner", "Kind", "Date of the protocol", "Date of the council act", "Source"])
        sheet.write_row("A2", ["Danzig", "sister-city agreement", "", "", "page"])
        sheet.write_datetime("C2", datetime(1976, 4, 12), day)
        sheet.write_number("D2", 27862 - (1462 if from_1904 else 0))

    (tmp_path / "agreements.xlsx").write_bytes(xlsx(fill, date_1904=from_1904))
    for name, text in (("places", PLACES), ("sources", SOURCES)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    result = Unvalidated(**checker_of(instance).__dict__).check(sorted(tmp_path.iterdir()), Progress())
    protocol = [str(one.quad.object) for one in result.statements if str(one.quad.predicate).endswith("protocolDate>")]
    assert protocol == ['"1976-04-12"^^<http://www.w3.org/2001/XMLSchema#date>']
    assert cells(result) == [("agreements", "D2", "date-serial")]
    assert "1976-04-12" in result.errors[0].values.values()


def test_recommendations_name_the_empty_cell_and_its_column(instance: Instance, tmp_path: Path) -> None:
    """In the words of the sheet, without those for which it has no column (14 §2)."""
    places = PLACES.replace("54.35;18.65;Q1792", ";;") + "Nowhere;;city;Poland;;;;page\n"
    events = "Name (en);Kind;Start;Place;Source\nVisit;meeting;2024-06;Gdańsk;page\n"
    result = checked(instance, tmp_path, [("events", events), ("places", places), ("sources", SOURCES)])
    assert cells(result) == []
    found = {(one.rule.name, one.address.name): one.remedy(str) for one in result.problems}
    assert "Latitude" in found["PlaceCoordinates", "E4"]
    assert "Wikidata" in found["PlaceQid", "G3"]
    people = next(remedy for (rule, _), remedy in found.items() if rule == "EventPeople")
    assert "cg:host" not in people
    assert "Hosts" in people
    assert not any(rule == "SourceDigest" for rule, _ in found)


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "No sheet has a column for cg:attendeeGroup."), ("de", "Kein Blatt hat eine Spalte für cg:attendeeGroup.")],
)
def test_a_remedy_says_that_no_sheet_has_a_column(instance: Instance, tmp_path: Path, language: str, told: str) -> None:
    """In the reader's language."""
    events = "Name (en);Kind;Source\nVisit;meeting;page\n"
    (tmp_path / "events.csv").write_text(events, encoding="utf-8")
    (tmp_path / "sources.csv").write_text(SOURCES, encoding="utf-8")
    checker = replace(checker_of(instance), language=language)
    result = checker.check(sorted(tmp_path.iterdir()), Progress())
    found = {one.rule.name: one.remedy(str) for one in result.problems}
    assert told in found["EventPeople"]
    assert "cg:host" not in found["EventPeople"]


def test_remedies_of_all_shapes_name_columns_or_say_that_there_is_none(instance: Instance) -> None:
    """For each sheet: what remains of the ontology's terms is named again at the end, and classes have their names."""
    checker = checker_of(instance)
    quads = [quad for file in checker.sources.shape_files() for quad in file.read()]
    remedies: set[str] = set()
    for quad in quads:
        if quad.predicate == CG("remedy") and isinstance(quad.object, Literal) and quad.object.language == "en":
            remedies.add(quad.object.value)
    merged = MergedSources()
    results = ShapeResults(
        merged,
        SheetRows(),
        "en",
        "en",
        CellAddress("f", "", 1, 0),
        {},
        choices_of(checker.sources),
        checker.model.sheets,
    )
    assert len(remedies) > 100
    for sheet in (None, *checker.model.sheets):
        for remedy in remedies:
            text, _, told = results.in_columns(remedy, sheet).partition("No sheet has a column for ")
            left = set(re.findall(r"\b(?:cg|schema|dcterms|skos|rdfs|owl|geo|rdf):[A-Za-z]\w*", text))
            assert left - {"rdf:Statement"} <= set(re.findall(r"[\w:]+", told))
            assert "^^xsd:" not in text


def test_a_contradiction_is_shown_with_both_cells(instance: Instance, tmp_path: Path) -> None:
    """In the words of the sheet: two rows about the same tie, and two about the same source."""
    agreements = AGREEMENTS + AGREEMENTS.splitlines()[1].replace("12.04.1976", "13.04.1976") + "\n"
    sources = SOURCES + SOURCES.splitlines()[1].replace("Twin towns", "Sister cities") + "\n"
    result = checked(instance, tmp_path, [("agreements", agreements), ("places", PLACES), ("sources", sources)])
    messages = {(one.address.name, one.rule.name): one.message(str) for one in result.errors}
    (date,) = (text for (_, rule), text in messages.items() if rule == "OnceInSource")
    (title,) = (text for (_, rule), text in messages.items() if rule == "OneLabelPerLanguage")
    assert "two values of Date of the protocol" in date
    assert {name for name, _ in messages} | set(re.findall(r"also in (\w+)", date + title)) == {"F2", "F3", "B2", "B3"}


def test_without_a_release_the_reader_is_told_why_names_are_unknown(instance: Instance, tmp_path: Path) -> None:
    """Before the first build only the names in the files are known (14 §2)."""
    (tmp_path / "sources.csv").write_text(SOURCES, encoding="utf-8")
    checker = replace(checker_of(instance), release=None)
    result = checker.check([tmp_path / "sources.csv"], Progress())
    assert [one.rule.name for one in result.problems] == ["name-unknown", "release-missing"]


def test_the_help_and_the_choices_of_an_older_template_are_recognised(instance: Instance, tmp_path: Path) -> None:
    """A filled workbook outlives a change of a text or of the German name of a class (14 §2)."""
    model = read_model(instance[0].ontology, ("en", "de"))
    columns = [column for column in model.sheet("places").columns if column.required or column.key == "latitude"]
    helps = [column.guidance("en") for column in columns]
    assert all(helps[:2])
    lines = [[column.title("en") for column in columns], ["As it was written before.", *helps[1:]]]
    lines.append(["Poland" if column.key == "name" else "Staat" if column.key == "kind" else "" for column in columns])
    lines[2][[column.key for column in columns].index("source")] = "page"
    text = "".join(csv_line(line, ";") for line in lines)
    result = check_csv(instance, tmp_path, ("places", text), ("sources", SOURCES))
    assert cells(result) == []
    assert any(str(one.quad.subject) == f"<{ID}country/poland>" for one in result.statements)


@pytest.mark.parametrize(
    ("command", "tag", "text"),
    [
        (["undo"], "de", "keinen Import, der rückgängig zu machen wäre"),
        (["map", "agreements.csv"], "tr", "# Sütunlar: city, partner"),
        (["export", "export.xlsx"], "de", "export.xlsx: 0 Zeilen"),
        (["check", "agreements.csv", "--html", "report.html"], "de", "auch in "),
    ],
)
def test_every_command_speaks_the_language_of_the_reader(
    command: list[str], tag: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(14 §2) Proposals, undo and export too, and the notes in a report on a web page."""
    for name in ("ontology", "queries"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(REPOSITORY / name))
    for name in ("data", "releases"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"Riga;;page;{number}\n" for number in range(5))
    Path("agreements.csv").write_text(f"Partner;Kind;Source\n{rows}", encoding="utf-8")
    result = CliRunner().invoke(main, ["sheets", *command, "--lang", tag])
    assert text in result.output
    if "--html" in command:
        assert "die überzähligen Zellen" in Path("report.html").read_text(encoding="utf-8")
        assert "surplus" not in result.output


def test_titles_of_earlier_templates_are_recognised(instance: Instance, tmp_path: Path) -> None:
    """(14 §2) A filled workbook outlives a better title."""
    titles = "Stadt;Partnerstadt;Land der Partnerstadt;Art;Datum des Ratsbeschlusses;{};Quelle\n"
    rows = AGREEMENTS.partition("\n")[2]
    model = read_model(instance[0].ontology, ("de",))
    now = model.sheet("agreements").column("protocol").title("de")
    found = []
    for title in (now, "Datum der Unterzeichnung"):
        sheets = [("agreements", titles.format(title) + rows), ("places", PLACES), ("sources", SOURCES)]
        found.append({str(one.quad) for one in check_csv(instance, tmp_path, *sheets).statements})
    assert now != "Datum der Unterzeichnung"
    assert found[0] == found[1]
    assert any("protocolDate" in statement for statement in found[1])
