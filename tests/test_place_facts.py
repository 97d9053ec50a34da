"""Facts about places from the gazetteer: what is taken, what the sheet says itself, and contradictions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad

from citygraph.build.build import build
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, CG, ID, RDF, SOURCE
from citygraph.release.releases import Releases
from citygraph.sheets.cell_names import Names
from citygraph.sheets.cell_problems import CellAddress
from citygraph.sheets.cell_statements import CellStatement
from citygraph.sheets.check import CheckedSheets
from citygraph.sheets.gazetteer import PATH, SHA256, read_gazetteer
from citygraph.sheets.importing import imported, preview, write_import
from citygraph.sheets.merging import SheetRows
from citygraph.sheets.place_facts import PlaceFacts
from tests.sheet_files import SOURCES, Instance, cells, check_csv, checked, checker_of, new_instance

HEAD = "Name (en);Name (de);Other names;Kind;Country;Latitude;Longitude;Wikidata;Source\n"
POLAND = "Poland;Polen;;country;;;;;page\n"
NATURAL_EARTH = f"<{BASE}source/natural-earth>"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance whose home is Bremen."""
    return new_instance(tmp_path_factory.mktemp("gazetteer") / "instance")


def check(instance: Instance, folder: Path, *rows: str, **options: bool) -> CheckedSheets:
    """The check of places, together with Poland and their source."""
    places = HEAD + POLAND + "".join(f"{row};page\n" for row in rows)
    return check_csv(instance, folder, ("places", places), ("sources", SOURCES), **options)


def taken(result: CheckedSheets, name: str) -> dict[str, str]:
    """What the gazetteer says about a city, by the local name of the property."""
    quads = [q for q in result.after if str(q.graph_name) == NATURAL_EARTH and str(q.subject) == f"<{ID}city/{name}>"]
    return {_local(str(q.predicate)): str(getattr(q.object, "value", "")).removeprefix(ID) for q in quads}


def _local(iri: str) -> str:
    return iri.strip("<>").replace("/", "#").rpartition("#")[2]


def notes(result: CheckedSheets) -> dict[str, str]:
    """The cell of each problem by its rule."""
    return {one.rule.name: one.address.name for one in result.problems}


def test_an_item_gives_coordinates_and_country(instance: Instance, tmp_path: Path) -> None:
    """In a graph of its own source, with its licence and digest; the note names the cell (14 §2)."""
    result = check(instance, tmp_path, "Gdańsk;Danzig;;city;;;;Q1792")
    assert cells(result) == []
    assert taken(result, "gdansk") == {
        "latitude": "54.35998",
        "longitude": "18.64004",
        "country": "country/poland",
        "type": "https://w3id.org/citygraph/ontology#City",
    }
    assert notes(result)["gazetteer"] == "H3"
    description = {str(q) for q in result.after if str(q.subject) == NATURAL_EARTH}
    assert any("license> <https://creativecommons.org/publicdomain/mark/1.0/>" in text for text in description)
    assert any(f'sha256> "{SHA256}"' in text for text in description)
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == SHA256


@pytest.mark.parametrize(
    ("row", "matches"),
    [
        ("Gdansk;;;city;Poland;;;", True),  # a name in search form
        ("Stettin;;;city;Polen;;;", True),  # a German name, and the other name of the country
        ("GDAŃSK;;;city;Poland;;;", True),
        ("Somewhere;;Danzig;city;Poland;;;", True),  # another name
        ("Gdansk;;;city;;;;", False),  # no country
        ("Gdansk;;;city;Poland;;;Q64", False),  # the item of Berlin: another place
        ("Gdanska;;;city;Poland;;;", False),
        ("Gdansk;;;administrative area;Poland;;;", False),
    ],
)
def test_a_name_needs_its_country_and_no_other_item(
    instance: Instance, tmp_path: Path, row: str, matches: bool
) -> None:
    """A name alone would be a guess (14 §2)."""
    result = check(instance, tmp_path, row)
    assert cells(result) == []
    found = [q for q in result.after if str(q.graph_name) == NATURAL_EARTH and "latitude" in str(q.predicate)]
    berlin = [q for q in found if str(q.object).startswith('"52.')]
    assert bool(set(found) - set(berlin)) is matches


def test_turkish_names_of_places_and_countries_are_known() -> None:
    """With dotted and dotless letters; a name of two places in a country is none (14 §2)."""
    gazetteer = read_gazetteer()
    codes = gazetteer.country_codes({"turkiye"})
    assert codes == gazetteer.country_codes({"turkey"}) == {"TR"}
    for name in ("İZMİR", "izmir", "IZMIR", "İzmir"):
        place = gazetteer.named([name], codes)
        assert place
        assert place.qid == "Q35997"
    assert gazetteer.named(["Springfield"], {"US"}) is None
    assert gazetteer.identified(["Q2450325"]) is None  # the item of two places


def test_what_the_sheet_says_wins_and_contradictions_are_warned_of(instance: Instance, tmp_path: Path) -> None:
    """Another country, and coordinates that are more than 50 km away, each at its cell (14 §2)."""
    rows = ("Gdańsk;Danzig;;city;Germany;;;Q1792", "Szczecin;Stettin;;city;Poland;54.35;18.65;Q393")
    near = "Kraków;;;city;Poland;50.06;19.95;"
    germany = "Germany;Deutschland;;country;;;;"
    result = check(instance, tmp_path, germany, *rows, near)
    assert cells(result) == []
    places = notes(result)
    assert (places["gazetteer-country"], places["gazetteer-far"]) == ("E4", "F5")
    assert taken(result, "gdansk").keys() == {"latitude", "longitude", "type"}
    assert taken(result, "szczecin") == taken(result, "krakow") == {}
    assert sum(one.rule.name.startswith("gazetteer-") for one in result.problems) == 2


def test_a_second_import_changes_nothing_and_own_coordinates_displace_those_of_the_gazetteer(
    instance: Instance, tmp_path: Path
) -> None:
    """An export has no rows of the gazetteer; a place that no row describes any more leaves it (14 §2)."""
    sources, release = instance
    rows = ("Gdańsk;Danzig;;city;Poland;;;Q1792", "Kraków;Krakau;;city;Poland;;;")
    places = HEAD + POLAND + "".join(f"{row};page\n" for row in rows)
    first = checked(instance, tmp_path, [("places", places), ("sources", SOURCES)])
    assert cells(first) == []
    assert [path.name for path in write_import(first, sources, tmp_path)] == ["natural-earth.trig", "page.trig"]
    assert not any(str(quad.graph_name) == NATURAL_EARTH for quad in imported(checker_of(instance)))
    built, _ = build(sources, Releases(release.path.parent), Progress())
    after = (sources, built)
    assert not preview(check(after, tmp_path, *rows))
    own = preview(check(after, tmp_path, rows[0].replace(";;;Q", ";54.35;18.65;Q")))
    assert _properties(own.removed) == {"latitude", "longitude"}
    lost = preview(check(after, tmp_path, rows[0], complete=True))
    assert {str(quad.subject) for quad in lost.removed if str(quad.graph_name) == NATURAL_EARTH} == {
        f"<{ID}city/krakow>"
    }
    for path in (sources.data / "sheets").glob("*"):
        path.unlink()


def _properties(quads: tuple[Quad, ...]) -> set[str]:
    return {_local(str(quad.predicate)) for quad in quads if str(quad.graph_name) == NATURAL_EARTH}


def test_the_gazetteer_can_be_left_out_and_its_name_is_reserved(instance: Instance, tmp_path: Path) -> None:
    """A row cannot write to its graph (14 §2)."""
    row = "Gdańsk;Danzig;;city;Poland;;;Q1792"
    result = check(instance, tmp_path, row, gazetteer=False)
    assert taken(result, "gdansk") == {}
    sources = SOURCES.replace("page;", "natural-earth;")
    places = HEAD + POLAND.replace(";page", ";natural-earth")
    wrong = check_csv(instance, tmp_path, ("places", places), ("sources", sources))
    assert [rule for _, _, rule in cells(wrong)] == ["source-reserved"]


class _CountedCity:
    """Stands for the class of cities, and counts with how many values it is compared."""

    def __init__(self) -> None:
        self.comparisons = 0

    def __eq__(self, other: object) -> bool:
        self.comparisons += 1
        return other == CG("City")

    __hash__ = None  # type: ignore[assignment]


def test_each_row_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet of 100,000 rows about one tie took hours, because each row was compared with all rows."""
    city, count = _CountedCity(), 50
    monkeypatch.setattr("citygraph.sheets.place_facts._CITY", city)
    tie = Quad(NamedNode(f"{ID}agreement/bremen-danzig"), RDF("type"), CG("SisterCityAgreement"), SOURCE("page"))
    rows = [CellStatement(tie, CellAddress("list.csv", "", row, 0)) for row in range(count)]
    facts = PlaceFacts(SheetRows(tuple(rows)), Names(None), None, ("de",)).facts()
    assert facts.statements == []
    assert count <= city.comparisons <= 2 * count
