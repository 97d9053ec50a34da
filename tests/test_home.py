"""The home page: the place with the most agreements, its ties, what is coming, what changed last."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from citygraph.rdf.nquads import open_gzip_text
from citygraph.rdf.partial_dates import in_year, is_past, midnight
from citygraph.rdf.terms import CG, ID, SOURCE, XSD
from citygraph.release.changes import DELETED, THINGS
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.documents.representation import select
from citygraph.web.http.messages import RELEASE, Request
from citygraph.web.pages.home import Home, read_home
from citygraph.web.view.time_spans import span, span_between
from tests.grounds import context_of
from tests.past import VISIT, three_releases
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home page of the small world, on a day in 2026."""
    root = tmp_path_factory.mktemp("home")
    release = publish(small_world(), root)
    return read_home(context_of(release, today="2026-04-24"), [release])


def test_city_with_most_agreements_is_in_the_middle(home: Home) -> None:
    """İzmir has two, the others one."""
    assert home.hub == ID + "city/izmir"
    assert home.point == (38.4361, 27.1518)


def test_ties_are_numbered_in_order_of_their_acts(home: Home) -> None:
    """Baku 1985, Bremen 1993; the partner is the party that is not the city itself."""
    told = [(tie.number, tie.partners[0].name.text, tie.year, tie.state) for tie in home.ties]
    assert told == [(1, "Baku", "1985", "act"), (2, "Bremen", "1993", "signed")]


def test_figures_are_counted(home: Home) -> None:
    """Partners, countries, the first year, documents."""
    assert (home.partners, home.countries, home.first_year, home.documents) == (2, 2, "1985", 3)


def test_round_anniversaries_of_this_year_and_the_next_are_coming(home: Home) -> None:
    """A multiple of five, of the act or of the protocol; on its day it is not past."""
    told = {year.year: [(a.date, a.ordinal, a.of, a.is_past) for a in year.anniversaries] for year in home.coming}
    assert told == {2026: [("2026-04-24", 30, "protocol", False)], 2027: []}


def test_first_release_is_news_without_things(home: Home) -> None:
    """What came with the first release did not change."""
    assert [(news.release.manifest.parent, news.things) for news in home.news] == [(None, ())]


def test_store_without_agreements_has_a_home_page(tmp_path: Path) -> None:
    """Nothing is not an error."""
    label = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    quad = [Quad(NamedNode(ID + "city/x"), label, Literal("X", language="en"), g)
            for g in (NamedNode(SOURCE + "s"), DefaultGraph())]  # fmt: skip
    home = read_home(context_of(publish(quad, tmp_path)), [])
    assert (home.hub, home.ties, home.coming, home.news) == ("", (), (), ())


@pytest.mark.parametrize(
    ("lexical", "days"), [("1996-04-24", 1), ("1991-09", 30), ("1992-02", 29), ("1984", 366), ("1984-05-06", 1)]
)
def test_imprecise_date_has_a_width(lexical: str, days: int) -> None:
    """A month is as long as a month, never a false point."""
    found = span(lexical)
    assert found is not None
    assert round((found.end - found.start) * 365.25) == days
    assert found.is_point == (days == 1)


def test_what_is_no_date_has_no_span() -> None:
    """A text is no point in time, nor is a day that there is not."""
    assert span("long ago") is span("2025-02-30") is span_between("", "") is None


def test_time_between_two_dates_holds_both() -> None:
    """From the first day of the one to the last of the other."""
    found = span_between("2020-03", "2021-12")
    assert found is not None
    assert (round(found.start, 2), round(found.end, 2)) == (2020.16, 2022.0)


def test_anniversary_is_as_precise_as_its_date() -> None:
    """Of a leap day in a common year the month is known, no day is invented."""
    assert [in_year(d, 2027) for d in ("1987-07-03", "1991-09", "1986", "1996-02-29")] == [
        "2027-07-03", "2027-09", "2027", "2027-02",
    ]  # fmt: skip
    assert [is_past(d, "2026-11-22") for d in ("2026-11-21", "2026-11-22", "2026-11", "2026-10", "2026")] == [
        True, False, False, True, False,
    ]  # fmt: skip


def test_page_is_another_every_day(tmp_path: Path) -> None:
    """What is coming changes though the release does not: a page that a client has is checked against the day."""
    publish(small_world(), tmp_path)
    days = iter([date(2026, 4, 24), date(2026, 4, 24), date(2026, 4, 25)])
    site = create_app(Settings(), Releases(tmp_path), today=lambda: next(days)).wsgi_app
    tags = [_tag(site) for _ in range(3)]
    assert tags[0] == tags[1] != tags[2]


def test_release_at_its_own_address_knows_no_today() -> None:
    """It never changes, so its pages are written as of the day it was made."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_ACCEPT": "text/html", "SERVER_NAME": "x",
               "SERVER_PORT": "80", "wsgi.url_scheme": "http"}  # fmt: skip
    today = midnight(date(2026, 4, 24), "Europe/Istanbul")
    assert select(Request(environ), "", Settings().base, 0, lambda: today).today == "2026-04-24"
    assert select(Request({**environ, RELEASE: "r"}), "", Settings().base, 0, lambda: today).today == ""


def test_shown_are_the_roundest_of_many(tmp_path: Path) -> None:
    """Of more anniversaries than there is room for, forty years go before thirty-five."""
    graphs = (NamedNode(SOURCE + "s"), DefaultGraph())
    izmir, day = NamedNode(ID + "city/izmir"), XSD("date")
    quads = list(small_world())
    for number in range(12):
        iri = NamedNode(f"{ID}agreement/izmir-{number}")
        act = Literal(f"{1986 if number < 6 else 1991}-0{1 + number % 6}-01", datatype=day)
        for graph in graphs:
            quads += [Quad(iri, CG("party"), izmir, graph), Quad(iri, CG("councilActDate"), act, graph)]
    release = publish(quads, tmp_path)
    year = read_home(context_of(release, today="2026-01-01"), [release]).coming[0]
    assert (year.total, len(year.anniversaries)) == (13, 8)
    assert sorted(a.ordinal for a in year.anniversaries) == [30, 35, *[40] * 6]


def _tag(site: Any) -> str:
    headers: dict[str, str] = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_ACCEPT": "text/html", "SERVER_NAME": "x",
               "SERVER_PORT": "80", "wsgi.url_scheme": "http"}  # fmt: skip
    list(site(environ, lambda _, sent, __=None: headers.update(sent)))
    return headers["ETag"]


def test_a_deleted_entity_leads_to_its_history(tmp_path: Path) -> None:
    """Its document is in earlier releases only."""
    last = three_releases(tmp_path)[2]
    (last.path / THINGS).parent.mkdir()
    with open_gzip_text(last.path / THINGS) as out:
        out.write(f"{DELETED}\t{VISIT}\n")
    manifest = json.loads((last.path / "manifest.json").read_text())
    (last.path / "manifest.json").write_text(json.dumps({**manifest, "removed": 1}))
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    page = client.get("/", headers={"Accept": "text/html"})
    assert 'href="/doc/event/visit?history"' in page.text
    assert client.get("/doc/event/visit?history", headers={"Accept": "text/html"}).status_code == 200
