"""Names in sheets in scripts other than Latin."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from citygraph.matching.lookup import Lookup
from citygraph.progress import Progress
from citygraph.rdf.terms import ID, SKOS
from citygraph.sheets.cell_names import Names, name_for_identifier
from citygraph.sheets.table_model import read_model
from citygraph.text import slug
from tests.sheet_files import PLACES, SOURCES, Instance, Unvalidated, cells, check_csv, checker_of, new_instance


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance in English and German after its first build."""
    return new_instance(tmp_path_factory.mktemp("names") / "instance")


@pytest.mark.parametrize("semicolon", ["；", "؛"])
def test_semicolons_of_other_scripts_separate_values(instance: Instance, tmp_path: Path, semicolon: str) -> None:
    """Those of Chinese, Japanese and Arabic text."""
    places = PLACES.replace("Danzig; Gedanum", f"Danzig{semicolon}Gedanum")
    result = check_csv(instance, tmp_path, ("places", places), ("sources", SOURCES))
    assert cells(result) == []
    wanted = f"<{ID}city/gdansk> {SKOS('altLabel')} "
    names = [str(one.quad.object) for one in result.statements if str(one.quad).startswith(wanted)]
    assert sorted(names) == ['"Danzig"@en', '"Gedanum"@en']


@pytest.mark.parametrize(
    ("names", "identifier"),
    [
        (["金沢市", "Kanazawa"], "kanazawa"),
        (["תל אביב", "Tel Aviv"], "tel-aviv"),
        (["القاهرة", "12", "Le Caire"], "le-caire"),
        (["バッファロー市", "水牛", "Buffalo"], "buffalo"),
        (["金沢市"], "jinzeshi"),
        (["Łódź", "Lodsch"], "lodz"),
        (["Львів", "Lemberg"], "lviv"),
        (["Αθήνα", "Athens"], "athina"),
        (["12", "Dozen"], "12"),
    ],
)
def test_a_name_in_latin_letters_makes_the_identifier_if_the_first_is_in_another_script(
    names: list[str], identifier: str
) -> None:
    """Japanese names would be read as Chinese, for ever. Greek and Cyrillic letters are transliterated."""
    assert slug(name_for_identifier(names)) == identifier


PLACES_IN_JAPANESE = """Name (ja);Name (en);Kind;Source
金沢市;Kanazawa;city;page
福島市;Fukushima;city;page
吹島市;Fukushima;city;page
ブレーメン市;Bremen;city;page
"""


def _identifiers(instance: Instance, folder: Path, home: str) -> dict[str, str]:
    path = folder / "places.csv"
    path.write_text(PLACES_IN_JAPANESE, encoding="utf-8")
    sources, _ = instance
    model = read_model(sources.ontology, ("ja", "en"))
    checker = replace(Unvalidated(**checker_of(instance).__dict__), model=model, home=f"{ID}{home}", gazetteer=False)
    quads = [str(one.quad) for one in checker.check([path], Progress()).statements]
    pattern = re.compile(rf'<{ID}(\S+)> <\S+#label> "(.*)"@ja')
    return {match[2]: match[1] for quad in quads if (match := pattern.match(quad))}


def test_names_with_the_same_latin_name_are_different_entities(instance: Instance, tmp_path: Path) -> None:
    """The second one, and one whose identifier the graph has, get the identifier of their own name."""
    assert _identifiers(instance, tmp_path, "city/bremen") == {
        "金沢市": "city/kanazawa",
        "福島市": "city/fukushima",
        "吹島市": f"city/{slug('吹島市')}",
        "ブレーメン市": f"city/{slug('ブレーメン市')}",
    }


def test_the_home_city_keeps_its_identifier(instance: Instance, tmp_path: Path) -> None:
    """The settings have it, as `citygraph init` made it of the name."""
    assert _identifiers(instance, tmp_path, "city/jinzeshi")["金沢市"] == "city/jinzeshi"


def test_an_entity_keeps_the_identifier_that_the_graph_has(instance: Instance) -> None:
    """Such as that of the publisher, which `citygraph init` made of the name, with another class."""
    release = instance[1]
    assert release is not None
    names = Names(Lookup(release.path / "search.sqlite"))
    own, latin = f"{ID}organisation/city-hall", f"{ID}organisation/municipality"
    assert names.new_iri(own, latin, "市役所") == own
    assert names.new_iri(f"{ID}organisation/shiyisuo", latin, "市役所") == latin
