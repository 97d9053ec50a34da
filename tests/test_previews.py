"""The pictures that other sites show of a page: what is drawn, in which letters, and how long it is kept."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from flask.testing import FlaskClient

from citygraph.charts.card import card, card_life, card_map, is_blank, png, probe
from citygraph.charts.lifeline import Moment
from citygraph.charts.map import MapMark, view_name
from citygraph.charts.projection import Azimuthal, GeoPoint, Land
from citygraph.charts.times import Span
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.http.assets import BUILT, STATIC
from citygraph.web.pages import previews as cards
from tests.world import publish, small_world

NOWHERE = (Path("/nowhere.ttf"),)
LONG = "İzmir–Karadeniz Ereğli Büyükşehir Belediyeleri Arasında Kardeş Şehir ve İşbirliği Protokolü " * 3


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The site of the small world."""
    root = tmp_path_factory.mktemp("cards")
    publish(small_world(), root)
    return create_app(Settings(releases=root), Releases(root)).test_client()


@pytest.mark.parametrize("path", ["city/izmir", "agreement/izmir-bremen", "person/cemil-tugay", "source/page"])
def test_each_kind_of_thing_has_a_card(client: FlaskClient, path: str) -> None:
    """1200 by 630, as PNG."""
    response = client.get(f"/preview/{path}.png")
    assert response.status_code == 200
    assert response.content_type == "image/png"
    assert struct.unpack(">II", response.data[16:24]) == (1200, 630)


def test_a_card_is_kept_until_the_next_release(client: FlaskClient) -> None:
    """Its tag costs no drawing; below a release it is kept for ever."""
    first = client.get("/preview/city/izmir.png")
    again = client.get("/preview/city/izmir.png", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert "max-age=60" in first.headers["Cache-Control"]
    release = client.get("/ready").json["release"]  # type: ignore[index]
    assert "immutable" in client.get(f"/releases/{release}/preview/city/izmir.png").headers["Cache-Control"]


def test_cards_are_in_the_language_asked_for(client: FlaskClient) -> None:
    """Each language has a card and a tag of its own."""
    english, turkish = (client.get(f"/preview/city/baku.png?lang={lang}") for lang in ("en", "tr"))
    assert english.headers["ETag"] != turkish.headers["ETag"]
    assert turkish.headers["Content-Language"] == "tr"


def test_what_is_not_there_has_no_card(client: FlaskClient) -> None:
    """404, as of its document."""
    assert client.get("/preview/city/nowhere.png").status_code == 404


def test_pages_name_their_card_by_its_whole_address(client: FlaskClient) -> None:
    """Crawlers of other sites know no paths: scheme and host stand in front."""
    page = client.get("/doc/city/izmir?lang=tr", base_url="https://example.org", headers={"Accept": "text/html"}).text
    said = dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)" content="([^"]*)">', page))
    assert said["og:image"] == "https://example.org/preview/city/izmir.png?lang=tr"
    assert said["og:url"] == "https://example.org/doc/city/izmir?lang=tr"
    assert (said["og:image:width"], said["og:image:height"]) == ("1200", "630")
    assert said["og:image:alt"]
    assert said["twitter:card"] == "summary_large_image"


@pytest.mark.parametrize(
    "view",
    [
        "91.0000_0.0000_500.0_324",
        "0.0000_0.0000_50.0_324",
        "0_0_500_324",
        "a",
        "%D9%A3%D9%A8.0000_0.0000_500.0_324",
        "a%0D%0ALink:%20b",
    ],
)
def test_what_is_no_view_has_no_land(client: FlaskClient, view: str) -> None:
    """Only views of the earth are drawn, and no client can have another one (16 §7)."""
    assert client.get(f"/land/x/{view}.svg").status_code == 404
    assert client.get(f"/land/x/{view}.svg", headers={"If-None-Match": "*"}).status_code == 404


def test_a_view_is_named_by_its_centre_and_reach() -> None:
    """The names are short, and precise to ten metres (16 §7)."""
    assert view_name(Azimuthal(GeoPoint(38.41889, -27.1), 2034.06, 324.0)) == "38.4189_-27.1000_2034.1_324"


def test_without_fonts_a_map_stands_without_words(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts draws no half card: a picture alone or, where there is none, nothing with a reason."""
    monkeypatch.setattr(cards, "_fonts", lambda: NOWHERE)
    monkeypatch.setattr(cards, "_has_letters", lambda: False)
    assert client.get("/preview/agreement/izmir-bremen.png").status_code == 200
    person = client.get("/preview/person/cemil-tugay.png")
    assert person.status_code == 404
    assert "fonts" in person.text


def test_missing_fonts_are_noticed() -> None:
    """The rasteriser leaves text out without a word; a probe tells."""
    assert is_blank(probe(), NOWHERE)


@pytest.mark.skipif(not (STATIC / BUILT / "cards").is_dir(), reason="the front end is not built")
@pytest.mark.parametrize("letters", ["İıŞşĞğÇçÖöÜü", "ƏəXxQq", "ЖжЫыЇїҚқӘә", "ŁłŻżŘřŐő"])
def test_our_fonts_have_the_letters(letters: str) -> None:
    """Turkish, Azerbaijani, Cyrillic and Central European letters are drawn, each."""
    fonts = sorted((STATIC / BUILT / "cards").glob("*.ttf"))
    without = png(card("I", ""), fonts, 300)
    for letter in letters:
        assert png(card(f"I{letter}", ""), fonts, 300) != without, letter


def test_a_card_is_whole_svg_without_styles() -> None:
    """It is drawn where no stylesheet is read: colours stand in attributes, and no text leaves the card."""
    here = MapMark(0, "", GeoPoint(38.4, 27.1))
    picture = card_map(here, [MapMark(1, "", GeoPoint(53.1, 8.8), state="act", age=0)], Land())
    svg = fromstring(card(LONG, "city", ["31 partners"], picture, side_by_side=True))  # noqa: S314 - our own
    assert "class" not in "".join(key for node in svg.iter() for key in node.attrib)
    for node in svg.iter("{http://www.w3.org/2000/svg}text"):
        size, room = float(node.attrib["font-size"]), 470 if node.text != "citygraph" else 600
        assert len(node.text or "") * size * 0.45 < room, node.text
        assert float(node.attrib["y"]) < 600


def test_a_life_line_tells_its_years() -> None:
    """Act and protocol with the year of each; what is open goes on."""
    life = card_life([Moment("act", "", Span(1985.6, 1985.6)), Moment("protocol", "", Span(2004.2, 2004.2))], 2026.9)
    assert "1985" in life
    assert "2004" in life
