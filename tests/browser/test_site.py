"""What holds for the site in a browser, whatever a page shows."""

from __future__ import annotations

import re
from collections import deque

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Visit, focused, overflow, violations

_MOST = 200_000  # bytes of the first page, as they are sent
_STEPS = 120  # strokes of Tab after which a walk is lost
KINDS = {
    "home": "/",
    "city": "/doc/city/bremen",
    "country": "/doc/country/germany",
    "agreement": "/doc/agreement/izmir-bremen",
    "person": "/doc/person/cemil-tugay",
    "organisation": "/doc/organisation/izmir-metropolitan-municipality",
    "event": "/doc/event/turkey-germany-mayors-roundtable",
    "source": "/source/izmir-sister-cities",
    "explore": "/explore",
    "network": "/network",
    "search": "/search?q=izmir",
    "dataset": "/dataset",
    "about": "/about",
    "api": "/api",
    "releases": "/releases",
}
MORE = {
    "home": "/",
    "home on a telephone": "/",
    "hub": "/doc/city/izmir",
    "a day": "/doc/city/izmir?at=1995-01-01",
    "province": "/doc/area/ancona-province",
    "another country": "/doc/country/turkiye",
    "undated": "/doc/agreement/izmir-cape-town",
    "association": "/doc/organisation/izmir-azerbaijan-association",
    "post on a day": "/doc/post/mayor-of-izmir?at=2021-06-01",
    "tenure": "/doc/tenure/cemil-tugay-mayor-of-izmir",
    "anniversary": "/doc/event/izmir-baku-40th-anniversary",
    "ties": "/network?city=city/izmir",
    "way": "/network?from=city/bremen&to=city/baku",
    "filtered": "/explore?type=agreement&decade=1990",
}
# Each width, each scheme and each language, for every kind of page; the home page and the others have the other pairs.
LOOKS = [(WIDE, False, "en"), (NARROW, True, "tr")]
OTHERS = [(WIDE, True, "tr"), (NARROW, False, "en")]


@pytest.fixture(scope="module")
def read() -> dict[str, str]:
    """What each kind of page says to who opens it as `visit` does by default, as far as it has been opened so."""
    return {}


@pytest.mark.parametrize(("width", "dark", "language"), LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_page_is_quiet_fits_and_is_accessible(
    visit: Visit, read: dict[str, str], kind: str, width: int, dark: bool, language: str
) -> None:
    """No error, no request elsewhere, nothing beyond the window or kept in it, and nothing that axe finds."""
    page = visit(KINDS[kind], width, dark=dark, language=language)
    if (width, dark, language) == LOOKS[0]:
        read[kind] = said_by(page)
    assert page.locator("html").get_attribute("lang") == language
    assert overflow(page) == []
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
    assert violations(page) == []
    visit.shot(page, f"{kind}-{width}-{'dark' if dark else 'light'}-{language}")


@pytest.mark.parametrize(("number", "kind"), list(enumerate(MORE)))
def test_more_pages_fit_and_are_accessible(visit: Visit, number: int, kind: str) -> None:
    """The same of pages that have more, or less, than others of their kind."""
    width, dark, language = OTHERS[number % len(OTHERS)]
    page = visit(MORE[kind], width, dark=dark, language=language)
    assert overflow(page) == []
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/doc/city/izmir", "/queries/partners?city=Baku"])
def test_tables_fit_on_paper(visit: Visit, path: str) -> None:
    """Paper does not scroll: no table is wider than a page of A4 within its margins."""
    page = visit(path, language="de")
    page.set_viewport_size({"width": 718, "height": 1000})
    page.emulate_media(media="print")
    wide = "one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('table')].filter({wide}).map(one => one.innerText)") == []


@pytest.mark.parametrize("kind", KINDS)
def test_page_says_as_much_without_a_script(visit: Visit, read: dict[str, str], kind: str) -> None:
    """What is read with JavaScript is read without it."""
    texts = [read.get(kind) or said_by(visit(KINDS[kind])), said_by(visit(KINDS[kind], javascript=False))]
    with_script, without = ({line.strip() for line in text.splitlines() if line.strip()} for text in texts)
    assert len(with_script - without) <= len(with_script) / 50, sorted(with_script - without)[:10]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_first_page_is_light(visit: Visit, width: int) -> None:
    """With fonts, styles, scripts and pictures it weighs less than 200 kB as it is sent."""
    page = visit("/", width, new=True)
    sizes = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(entry => [entry.name, entry.transferSize])"
    )
    assert sum(size for _, size in sizes) < _MOST, sizes


def test_keyboard_leads_from_the_first_page_to_the_result_of_a_query(visit: Visit, front_end: None) -> None:
    """Tab and Enter alone: home, the workbench, an example, its answer."""
    page = visit("/")
    walk(page, "nav a", "SPARQL")
    page.wait_for_url("**/sparql*")
    walk(page, "a", "Partners of a city")
    page.wait_for_url("**example=partners*")
    expect(page.locator("#status")).to_contain_text(re.compile(r"\d\d rows"))
    # The example is shown as a map about the city that was asked for: all but Hamyang County have coordinates.
    expect(page.locator("svg.drawn-map .place")).to_have_count(35)
    expect(page.locator("svg.drawn-map .middle")).to_have_text("İzmir")


def said_by(page: Page) -> str:
    """The text of a page that is seen, without what stands around it on every page."""
    return page.locator("main").inner_text()


def walk(page: Page, selector: str, name: str) -> None:
    """Press Tab until the element of that name has the keyboard, opening what is folded on the way, then Enter."""
    before: deque[str] = deque(maxlen=3)
    for _ in range(_STEPS):
        page.keyboard.press("Tab")
        here = focused(page)
        text = (here.inner_text() if here.count() else "").strip()
        before.append(text)
        if here.count() and here.evaluate("(e, s) => e.matches(s)", selector) and text == name:
            page.keyboard.press("Enter")
            return
        if here.count() and here.evaluate("e => e.matches('summary') && !e.parentElement.open"):
            page.keyboard.press("Enter")
    raise AssertionError(f"{name!r} was not reached by keyboard; last were {list(before)}")
