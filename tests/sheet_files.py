"""Spreadsheets for tests, and a small instance that they are checked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pyoxigraph import Quad

from citygraph.build.build import build
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, ID
from citygraph.release.releases import Release, Releases
from citygraph.sheets.cell_problems import CellProblem
from citygraph.sheets.check import CheckedSheets, Checker, choices_of
from citygraph.sheets.export_rows import SheetExporter
from citygraph.sheets.table_model import read_model
from citygraph.source.files import Sources
from citygraph.starter import start_instance
from citygraph.text import csv_line
from tests.made_once import made_once
from tests.small import keep_patterns

REPOSITORY = Path(__file__).parents[1]
SOURCES = "Short name;Title;Publisher;Address on the web;Language;Date\npage;Twin towns;City Hall;https://www.example.com/;en;2025-03\n"
PLACES = """Name (en);Other names;Kind;Country;Latitude;Longitude;Wikidata;Source
Poland;;country;;;;Q36;page
Gdańsk;Danzig; Gedanum;city;Poland;54.35;18.65;Q1792;page
""".replace("Danzig; Gedanum", '"Danzig; Gedanum"')
PEOPLE = """Name (en);Title;Office;Organisation;In office from;In office until;Wikidata;Source
Erika Example;Dr.;mayor;City Hall;2019-08;;;page
"""
AGREEMENTS = """City;Partner;Country of the partner;Kind;Date of the council act;Date of the protocol;Source
;Danzig;Poland;sister-city agreement;;12.04.1976;page
"""


Instance = tuple[Sources, Release]


def new_instance(folder: Path) -> Instance:
    """A new instance whose home is Bremen, with its first release: a copy of what was built once."""
    shutil.copytree(made_once("bremen", _make_instance) / "instance", folder, symlinks=True)
    return _sources_in(folder), Releases(folder / "var" / "releases").current()


def _make_instance(shared: Path) -> None:
    quoted = {
        name: f'"{value}"'
        for name, value in {"home_label": "Bremen", "title_label": "T", "publisher_label": "City Hall"}.items()
    }
    plain = {
        "iri": BASE,
        "language": "en",
        "home_slug": "bremen",
        "plain_home": "Bremen",
        "publisher_slug": "city-hall",
        "plain_title": "T",
    }
    unused = dict.fromkeys(("base", "languages", "home", "timezone", "title", "publisher", "contact"), '""')
    folder = shared / "instance"
    start_instance(folder, {**unused, **quoted, **plain, "today": "2026-11-29"})
    releases = Releases(folder / "var" / "releases")
    build(_sources_in(folder), releases, Progress())
    keep_patterns(releases.root)


def _sources_in(folder: Path) -> Sources:
    return Sources(folder / "data", REPOSITORY / "ontology", REPOSITORY / "queries")


def checked(instance: Instance, folder: Path, sheets: Iterable[tuple[str, str]], date_order: str = "") -> CheckedSheets:
    """The check of these sheets, as CSV files of their names."""
    paths = []
    for name, text in sheets:
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    return checker_of(instance, date_order).check(paths, Progress())


def checker_of(instance: Instance, date_order: str = "") -> Checker:
    """The checker of the command line, in English."""
    sources, release = instance
    model = read_model(sources.ontology, ("en", "de"))
    return Checker(model, sources, release, f"{ID}city/bremen", "en", date_order)


def cells(result: CheckedSheets) -> list[tuple[str, str, str]]:
    """The errors: file, cell and rule."""
    return [(Path(p.address.file).stem, p.address.name, p.rule.name) for p in result.errors]


class Unvalidated(Checker):
    """A checker without the shapes, which take a second."""

    def _validated(self, *_: object) -> list[CellProblem]:
        return []


def check_csv(
    instance: Instance, folder: Path, *sheets: tuple[str, str], complete: bool = False, gazetteer: bool = True
) -> CheckedSheets:
    """The check of CSV files of these names."""
    for name, text in sheets:
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    checker = replace(Unvalidated(**checker_of(instance).__dict__), complete=complete, gazetteer=gazetteer)
    return checker.check([folder / f"{name}.csv" for name, _ in sheets], Progress())


def exported_sheets(instance: Instance, quads: Iterable[Quad]) -> list[tuple[str, str]]:
    """The sheets of these statements, all of which are in cells."""
    model = read_model(instance[0].ontology, ("en", "de"))
    exported = SheetExporter(model, choices_of(instance[0]), f"{ID}city/bremen").rows(quads)
    assert exported.left == ()
    texts = []
    for sheet in model.sheets:
        if rows := exported.rows[sheet.key]:
            titles = csv_line((column.title("en") for column in sheet.columns), ";")
            lines = [csv_line((row.get(column, "") for column in sheet.columns), ";") for row in rows]
            texts.append((sheet.key, titles + "".join(lines)))
    return texts
