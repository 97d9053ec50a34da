"""The pages of places and agreements: what they tell, how they are sorted, and that they ask no more for more."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from citygraph.charts.projection import Azimuthal, GeoPoint
from citygraph.charts.svg import outlines
from citygraph.graph.description import Description, describe
from citygraph.rdf.partial_dates import UNKNOWN_DATE
from citygraph.rdf.terms import CG, ID, RDF, RDFS, SCHEMA, SOURCE, XSD
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.kinds.drawing import land
from citygraph.web.kinds.layouts import layout_of
from citygraph.web.kinds.page_context import Layout, PageContext
from citygraph.web.kinds.tenures import read_mayors
from citygraph.web.kinds.ties import Tie, view_of
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text
from tests.grounds import context_of
from tests.world import publish, small_world

_GRAPHS = (NamedNode(SOURCE + "page"), DefaultGraph())


def hub(partners: int) -> list[Quad]:
    """A city with as many partners, each in a country of its own for every five, and every seventh undated."""
    triples: list[tuple[NamedNode, NamedNode, NamedNode | Literal]] = []
    here = NamedNode(ID + "city/hub")
    triples += [*_city(here, "Hub", 40.0, 20.0), (here, CG("country"), NamedNode(ID + "country/land-0"))]
    for number in range(partners):
        city, tie = NamedNode(f"{ID}city/p-{number}"), NamedNode(f"{ID}agreement/hub-p-{number}")
        land = NamedNode(f"{ID}country/land-{number // 5}")
        triples += [
            *_city(city, f"Partner {number}", -60 + number % 120, number * 7 % 360 - 180),
            (city, CG("country"), land), (land, RDF("type"), CG("Country")),
            (land, RDFS("label"), Literal(f"Land {number // 5}", language="en")),
            (tie, RDF("type"), CG("Agreement")), (tie, CG("party"), here), (tie, CG("party"), city),
        ]  # fmt: skip
        if number % 7:
            triples.append((tie, CG("councilActDate"), Literal(str(1960 + number % 60), datatype=XSD("gYear"))))
    return [*small_world(), *(Quad(s, p, o, graph) for s, p, o in triples for graph in _GRAPHS)]


def _city(
    iri: NamedNode, name: str, north: float, east: float
) -> list[tuple[NamedNode, NamedNode, NamedNode | Literal]]:
    return [
        (iri, RDF("type"), CG("City")), (iri, RDFS("label"), Literal(name, language="en")),
        (iri, SCHEMA("latitude"), Literal(str(north), datatype=XSD("decimal"))),
        (iri, SCHEMA("longitude"), Literal(str(east), datatype=XSD("decimal"))),
    ]  # fmt: skip


def laid_out(release: Release, iri: str, **view: str) -> tuple[PageContext, Layout]:
    """The layout of a thing's page, and the ground on which it was made."""
    context = context_of(release, view=view)
    found: Description = describe(context.opened.store, iri, context.opened.labels)
    layout = layout_of(context, found)
    assert layout is not None
    return context, layout


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A reader of a city with 31 partners."""
    root = tmp_path_factory.mktemp("places")
    publish(hub(31), root)
    return create_app(Settings(), Releases(root)).test_client()


def page(client: FlaskClient, path: str) -> str:
    """A page's source."""
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 200
    return response.text


def rows(html: str) -> list[str]:
    """The partners in the table of ties, in order."""
    table = html[html.index('id="ties"') :]
    return re.findall(r'<th scope="row"><a [^>]*>([^<]+)</a>', table[: table.index("</section>")])


needs_land = pytest.mark.skipif(not land().rings, reason="the outlines are not built: Node is missing (docs/web.md)")


@needs_land
def test_a_page_names_the_land_of_its_map(client: FlaskClient) -> None:
    """Its file has the outlines of the view, and is kept for ever, as its address has their version (16 §7)."""
    address, near = re.findall(r'<use class="land" href="([^"#]+)#land"/>', page(client, "/doc/city/hub"))
    assert client.get(near).status_code == 200
    response = client.get(address)
    assert response.content_type.startswith("image/svg+xml")
    assert "immutable" in response.headers["Cache-Control"]
    latitude, longitude, reach, radius = map(float, address.rpartition("/")[2].removesuffix(".svg").split("_"))
    view = Azimuthal(GeoPoint(latitude, longitude), reach, radius)
    path = fromstring(response.text).find("{http://www.w3.org/2000/svg}path[@id='land']")  # noqa: S314 - our own
    assert path is not None
    assert path.get("d") == outlines(view.outlines(land()))
    again = client.get(address, headers={"If-None-Match": response.headers["ETag"], "Accept-Encoding": "br"})
    assert again.status_code == 304
    assert "immutable" not in client.get(re.sub("/land/[^/]+", "/land/older", address)).headers["Cache-Control"]


@pytest.mark.parametrize("iri", [f"{ID}city/hub", f"{ID}country/land-0", f"{ID}agreement/hub-p-0"])
def test_page_asks_as_much_for_200_partners_as_for_one(tmp_path: Path, iri: str) -> None:
    """The number of queries is fixed."""
    asked = set()
    for partners in (1, 31, 200):
        context, _ = laid_out(publish(hub(partners), tmp_path / str(partners)), iri)
        asked.add(context.queries_run)
    assert len(asked) == 1
    assert asked.pop() <= 8


def test_city_shows_a_ray_for_each_partner_and_a_row_with_its_number(client: FlaskClient) -> None:
    """Picture and table carry the same numbers."""
    html = page(client, "/doc/city/hub")
    drawn = html[html.index("<svg") : html.index("</svg>")]
    table = html[html.index('id="ties"') :]
    rays, told = re.findall(r'data-n="(\d+)"', drawn), re.findall(r'<tr data-n="(\d+)"', table)
    assert sorted(rays, key=int) == told == [str(number) for number in range(1, 32)]


def test_picture_has_a_title_and_a_description(client: FlaskClient) -> None:
    """Who cannot see the map is told what it is; the two sizes of it have ids of their own."""
    html = page(client, "/doc/city/hub")
    titles = re.findall(r'<title id="([^"]+)">([^<]+)</title><desc id="([^"]+)">', html)
    assert [one[0] for one in titles] == ["atlas-title", "near-title"]
    assert titles[0][1] == "Hub and its partners"


def test_city_with_one_partner_has_the_register_beside_its_map(tmp_path: Path) -> None:
    """One map for all widths, no search in a table of one row, and what is said of it once."""
    publish(hub(1), tmp_path)
    html = page(create_app(Settings(), Releases(tmp_path)).test_client(), "/doc/city/hub")
    assert html.count('<svg class="picture map atlas"') == 1
    assert 'class="sift"' not in html
    assert html.count('<dl class="register">') == 1


def test_city_without_ties_shows_what_is_said_of_it(tmp_path: Path) -> None:
    """No empty map, no empty table."""
    quads = [Quad(s, p, o, g) for s, p, o in _city(NamedNode(ID + "city/alone"), "Alone", 1, 2) for g in _GRAPHS]
    publish([*small_world(), *quads], tmp_path)
    html = page(create_app(Settings(), Releases(tmp_path)).test_client(), "/doc/city/alone")
    assert "<svg" not in html
    assert 'id="ties"' not in html
    assert "1.00° N, 2.00° E" in html


def test_table_is_sorted_by_address(client: FlaskClient) -> None:
    """Without a script: by name as a reader sorts, by distance from far to near; the heading says which."""
    assert rows(page(client, "/doc/city/hub?sort=name"))[:2] == ["Partner 0", "Partner 1"]
    far = page(client, "/doc/city/hub?sort=-distance")
    assert rows(far) == rows(page(client, "/doc/city/hub?sort=distance"))[::-1]
    assert re.search(r'aria-sort="descending"><a href="\?sort=distance#ties"', far)


def test_table_is_filtered_by_address(client: FlaskClient) -> None:
    """A word is looked for in partners and countries; what was asked is kept, and said when nothing is found."""
    html = page(client, "/doc/city/hub?q=LAND+2")
    assert len(rows(html)) == 5
    assert "5 of 31" in html
    assert 'value="LAND 2"' in html
    assert "&lt;b&gt;" in page(client, "/doc/city/hub?q=%3Cb%3E")


def test_sorted_table_has_an_address_and_a_tag_of_its_own(client: FlaskClient) -> None:
    """A cache cannot take one order for the other."""
    plain = client.get("/doc/city/hub", headers={"Accept": "text/html"})
    by_name = client.get("/doc/city/hub?sort=name", headers={"Accept": "text/html"})
    assert plain.headers["ETag"] != by_name.headers["ETag"]
    assert by_name.headers["Content-Location"].endswith("?sort=name")


def test_table_is_sorted_in_the_alphabet_of_the_reader() -> None:
    """Azerbaijani has x after h and q after k, Turkish has neither (13.18)."""
    names = ["Xankəndi", "Qəbələ", "Lənkəran", "Goranboy"]
    ties = tuple(Tie(number, name, Text(name), (), (), (), (), (), (), ()) for number, name in enumerate(names))

    def sorted_in(language: str) -> list[str]:
        return [tie.name.text for tie in view_of(ties, {"sort": "name"}, "", Translations(language).sort_key).ties]

    assert sorted_in("az") == ["Goranboy", "Xankəndi", "Qəbələ", "Lənkəran"]
    assert sorted_in("tr") == ["Goranboy", "Lənkəran", "Qəbələ", "Xankəndi"]


def test_unknown_stands_last_in_either_direction() -> None:
    """A tie without a date is neither the oldest nor the youngest."""
    ties = tuple(
        Tie(number, f"a{number}", Text(f"A {number}"), (), acts, (), (), (), (), ())
        for number, acts in enumerate([("1990",), (), ("1980",)], 1)
    )
    assert [tie.number for tie in view_of(ties, {"sort": "act"}).ties] == [3, 1, 2]
    assert [tie.number for tie in view_of(ties, {"sort": "-act"}).ties] == [1, 3, 2]
    assert [tie.number for tie in view_of(ties, {"sort": "nonsense"}).ties] == [1, 2, 3]


def test_mayor_is_shown_only_when_a_source_shows_it(tmp_path: Path) -> None:
    """A day on which an office was held is no beginning of it."""
    mayor = read_mayors(context_of(publish(small_world(), tmp_path)), ID + "city/izmir")[0]
    assert (mayor.holder.text, mayor.start, mayor.end) == ("Cemil Tugay", "", "")
    assert [showing.start for showing in mayor.attestations] == ["2026-01-06"]


def test_agreement_tells_its_life_in_order(tmp_path: Path) -> None:
    """Act, protocol, what was done under it, the next round anniversary of each; parties on two sides."""
    release = publish(small_world(), tmp_path)
    _, layout = laid_out(release, ID + "agreement/izmir-bremen")
    steps = [(step.kind, step.when) for step in layout.values["steps"]]  # type: ignore[attr-defined]
    assert steps == [
        ("act", "1993-10-19"), ("protocol", "1996-04-24"), ("anniversary", "2028-10-19"), ("anniversary", "2031-04-24"),
    ]  # fmt: skip
    sides = [side.texts[0].text for side in layout.values["sides"]]  # type: ignore[attr-defined]
    assert sides == ["İzmir", "Bremen"]
    _, layout = laid_out(release, ID + "agreement/izmir-baku")
    assert ("event", "2026-01") in [(s.kind, s.when) for s in layout.values["steps"]]  # type: ignore[attr-defined]


def test_dates_on_which_sources_differ_stand_beside_each_other(tmp_path: Path) -> None:
    """The table has both, each with who says so; the picture draws the finer of two that agree."""
    other = Quad(NamedNode(ID + "agreement/izmir-bremen"), CG("protocolDate"),
                 Literal("1996", datatype=XSD("gYear")), NamedNode(SOURCE + "news"))  # fmt: skip
    merged = Quad(other.subject, other.predicate, other.object, DefaultGraph())
    _, layout = laid_out(publish([*small_world(), other, merged], tmp_path), ID + "agreement/izmir-bremen")
    (protocol,) = [step for step in layout.values["steps"] if step.kind == "protocol"]  # type: ignore[attr-defined]
    assert [cell.texts[0].time for cell in protocol.cells] == ["1996-04-24", "1996"]
    assert [cell.notes[0].name for cell in protocol.cells] == ["Sister cities page", "News of the visit"]
    assert str(layout.values["life"]).count('class="moment protocol"') == 2  # one in each size


def test_country_lists_its_places_with_their_partners(client: FlaskClient) -> None:
    """By number of agreements; the map is about the partner that all of them have."""
    html = page(client, "/doc/country/land-1")
    assert "Land 1, seen from Hub" in html
    assert re.search(r'<th scope="row"><a [^>]*>Partner 5</a></th><td class="number">1</td><td><a [^>]*>Hub', html)


def test_labels_say_their_language_where_it_is_another(client: FlaskClient) -> None:
    """An English name on a Turkish page is marked as English, on the map too."""
    html = page(client, "/doc/city/hub?lang=tr")
    assert '<a href="/id/city/p-1" lang="en">Partner 1</a>' in html
    assert re.search(r'<text class="name"[^>]* lang="en"', html)


def tied(*dates: tuple[str, str, str]) -> list[Quad]:
    """The hub with one partner for each start and end; the end "?" is unknown, and "" is none."""
    quads = hub(0)
    here, land = NamedNode(ID + "city/hub"), NamedNode(ID + "country/land-0")
    for name, start, end in dates:
        city, tie = NamedNode(f"{ID}city/{name}"), NamedNode(f"{ID}agreement/hub-{name}")
        period = NamedNode(f"{tie.value}#period-1")
        years = [(predicate, Literal(year, datatype=XSD("gYear"))) for predicate, year in
                 (("startDate", start), ("endDate", end)) if year.isdigit()]  # fmt: skip
        triples: list[tuple[NamedNode, NamedNode, NamedNode | Literal]] = [
            *_city(city, name.title(), 10.0, 10.0), (city, CG("country"), land), (land, RDF("type"), CG("Country")),
            (land, RDFS("label"), Literal("Land", language="en")), (tie, RDF("type"), CG("Agreement")),
            (tie, CG("party"), here), (tie, CG("party"), city),
            *((tie, CG(predicate), year) for predicate, year in years),
        ]  # fmt: skip
        if end == "?":
            triples += [(tie, CG("status"), period), (period, CG("until"), UNKNOWN_DATE),
                        (period, CG("from"), Literal(start, datatype=XSD("gYear")))]  # fmt: skip
        quads += [Quad(*triple, graph) for triple in triples for graph in _GRAPHS]
    return quads


TIES = (("begun", "1980", ""), ("gone", "1980", "1999"), ("lost", "1990", "?"), ("young", "2010", ""))


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A reader of a city whose partners have a start and an end, as in Wikidata, and no act or protocol."""
    root = tmp_path_factory.mktemp("dated")
    publish(tied(*TIES), root)
    return create_app(Settings(), Releases(root)).test_client()


def told(html: str) -> dict[str, str]:
    """The partners in the table of ties, each with the rest of its row as text."""
    table = html[html.index('id="ties"') :]
    lines = re.findall(r"<tr data-n.*?</tr>", table[: table.index("</section>")], re.DOTALL)
    texts = [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", line)) for line in lines]
    return {name: text for text in texts for name in ("Begun", "Gone", "Lost", "Young") if name in text}


def test_a_start_and_an_end_are_dates_of_a_tie(dated: FlaskClient) -> None:
    """Register, map and sums know them, and a tie that has ended is marked and not counted (13.10) (13.12)."""
    html = page(dated, "/doc/city/hub")
    texts = told(html)
    assert "since 1980" in texts["Begun"]
    assert "no longer" not in texts["Begun"]
    assert "Gone no longer" in texts["Gone"]
    assert "1980 – 1999" in texts["Gone"]
    assert "Lost no longer" in texts["Lost"]
    assert "since 1990; ended, date unknown" in texts["Lost"]
    assert re.search(r"partners</dt><dd>2<", html)
    assert "undated" not in html[: html.index('id="ties"')]
    assert html.count(" ended") >= 2


@pytest.mark.parametrize(
    ("day", "standing"),
    [
        ("1950-01-01", {"Begun": "not yet", "Gone": "not yet", "Lost": "not yet", "Young": "not yet"}),
        ("1985-01-01", {"Begun": "", "Gone": "", "Lost": "not yet", "Young": "not yet"}),
        ("2005-01-01", {"Begun": "", "Gone": "no longer", "Lost": "not documented for that day", "Young": "not yet"}),
    ],
)
def test_a_day_is_compared_with_starts_and_ends(dated: FlaskClient, day: str, standing: dict[str, str]) -> None:
    """In the table of the city as on the page of the tie, in the country's table and in Explore (13.11)."""
    texts = told(page(dated, f"/doc/city/hub?at={day}"))
    words = ("not yet", "no longer", "not documented for that day")
    assert {name: next((w for w in words if w in text), "") for name, text in texts.items()} == standing
    for name, said in standing.items():
        own = page(dated, f"/doc/agreement/hub-{name.lower()}?at={day}")
        assert (f"This entry on that day: {said}." in own) == bool(said)
    country = page(dated, f"/doc/country/land-0?at={day}").partition("Places with agreements")[2]
    assert {name for name in standing if f">{name}<" in country} == {
        name for name, said in standing.items() if not said
    }
    listed = {one["name_en"] for one in dated.get(f"/explore.json?at={day}").get_json()["results"]}
    assert listed - {"Hub"} >= {name for name, said in standing.items() if not said}
    assert listed.isdisjoint(name for name, said in standing.items() if said)


def test_the_page_of_a_tie_tells_its_start_and_end(dated: FlaskClient) -> None:
    """Also an end on an unknown date, and no anniversaries of what has ended (13.10) (13.12)."""
    lost = page(dated, "/doc/agreement/hub-lost")
    assert re.search(r"End\s*<span[^>]*>ended, date unknown", lost)
    assert "upcoming" not in lost
    assert "upcoming" in page(dated, "/doc/agreement/hub-begun")
    assert "of the start" in page(dated, "/doc/agreement/hub-begun")
