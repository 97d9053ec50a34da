"""The titles and names of sources in sheets: the language of the document, and those of the instance."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pyoxigraph import Literal, Quad

from citygraph.rdf.terms import CATALOG_GRAPH, DCTERMS, RDFS, SOURCE
from citygraph.sheets.importing import write_import
from tests.sheet_files import PLACES, Instance, cells, check_csv, checked, exported_sheets, new_instance

TITLE = "Städtepartnerschaften"
_SOURCES = """Short name;Title;Publisher;Language;Date;Language of the title;Name (en);Name (de)
page;Städtepartnerschaften;City Hall;de;2025-03;{};{};{}
"""


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance in English and German after its first build."""
    return new_instance(tmp_path_factory.mktemp("sources") / "instance")


@pytest.fixture
def instance(new: Instance) -> Iterator[Instance]:
    """The instance, without imported files."""
    yield new
    shutil.rmtree(new[0].data / "sheets", ignore_errors=True)


def _sheets(title_language: str = "", english: str = "", german: str = "") -> list[tuple[str, str]]:
    return [("places", PLACES), ("sources", _SOURCES.format(title_language, english, german))]


def _texts(quads: Iterable[Quad]) -> dict[str, set[str]]:
    texts: dict[str, set[str]] = {"title": set(), "label": set()}
    for quad in quads:
        if quad.subject == SOURCE("page") and quad.predicate in (DCTERMS("title"), RDFS("label")):
            texts[quad.predicate.value.rpartition("/")[2].rpartition("#")[2]].add(str(quad.object))
    return texts


@pytest.mark.parametrize(
    ("columns", "title", "labels"),
    [
        (("", "", ""), "de", {("en", TITLE)}),
        (("", "Twin towns", ""), "de", {("en", "Twin towns")}),
        (("", "Twin towns", TITLE), "de", {("en", "Twin towns"), ("de", TITLE)}),
        (("el", "Twin towns", ""), "el", {("en", "Twin towns")}),
        (("en", "", ""), "en", {("en", TITLE)}),
    ],
)
def test_a_title_is_in_the_language_of_its_document(
    instance: Instance, tmp_path: Path, columns: tuple[str, str, str], title: str, labels: set[tuple[str, str]]
) -> None:
    """Another column may name another language. Without a name, the title is the one in the first language.

    An export has the same statements.
    """
    result = check_csv(instance, tmp_path, *_sheets(*columns))
    assert cells(result) == []
    assert _texts(result.after) == {
        "title": {str(Literal(TITLE, language=title))},
        "label": {str(Literal(text, language=language)) for language, text in labels},
    }
    again = check_csv(instance, tmp_path, *exported_sheets(instance, result.after))
    assert {one.quad for one in again.statements} == {one.quad for one in result.statements}


def test_a_title_of_an_earlier_import_is_replaced_by_that_in_its_language(instance: Instance, tmp_path: Path) -> None:
    """Imports gave all titles the first language of the instance."""
    write_import(check_csv(instance, tmp_path, *_sheets("en")), instance[0], tmp_path)
    assert _texts(check_csv(instance, tmp_path, *_sheets()).after)["title"] == {str(Literal(TITLE, language="de"))}


@pytest.mark.parametrize(("former", "document"), [("el", "de"), ("en", "en")])
def test_the_same_title_in_another_language_stays(
    instance: Instance, tmp_path: Path, former: str, document: str
) -> None:
    """Only the first language of the instance may be there by mistake, and not if the document is in it."""
    texts = [("places", PLACES), ("sources", _SOURCES.format(former, "", "").replace(";de;", f";{document};"))]
    write_import(check_csv(instance, tmp_path, *texts), instance[0], tmp_path)
    texts[1] = ("sources", texts[1][1].replace(f";{former};;", ";de;;"))
    assert _texts(check_csv(instance, tmp_path, *texts).after)["title"] == {
        str(Literal(TITLE, language=language)) for language in (former, "de")
    }


def test_the_advice_on_two_titles_names_no_column_of_places(instance: Instance, tmp_path: Path) -> None:
    """A source has no other names."""
    two = _SOURCES.format("", "", "") + "page;Twin towns;City Hall;de;2025-03;;;\n"
    (problem,) = [
        one
        for one in checked(instance, tmp_path, [("places", PLACES), ("sources", two)]).problems
        if one.rule.name == "OneLabelPerLanguage"
    ]
    assert (problem.address.name, "B3" in problem.message(str)) == ("B2", True)
    assert problem.remedy(str) == "Correct the text that is wrong, so that these cells have the same."


def test_an_export_of_several_languages_of_a_document_has_one_title(instance: Instance, tmp_path: Path) -> None:
    """A document in two languages has two rows, which both have the title and its language."""
    quads = {one.quad for one in check_csv(instance, tmp_path, *_sheets("", "Twin towns")).statements}
    quads.add(Quad(SOURCE("page"), DCTERMS("language"), Literal("tr"), CATALOG_GRAPH))
    again = check_csv(instance, tmp_path, *exported_sheets(instance, quads))
    assert {one.quad for one in again.statements} == quads


def test_sources_in_another_language_are_valid(instance: Instance, tmp_path: Path) -> None:
    """The shapes require a label in the first language, and no other title."""
    assert cells(checked(instance, tmp_path, _sheets())) == []


def test_a_wrong_language_is_an_error_at_its_cell(instance: Instance, tmp_path: Path) -> None:
    """It is not that of the document instead."""
    assert cells(check_csv(instance, tmp_path, *_sheets("german"))) == [("sources", "F2", "language")]
