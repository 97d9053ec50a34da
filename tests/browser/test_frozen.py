"""A frozen site in a real browser: it searches by itself, in the reader's language, and asks no other host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from citygraph.freeze.frozen_site import FreezeOptions, freeze
from citygraph.progress import Progress
from citygraph.settings import Settings
from tests.browser.conftest import Visit, Windows, overflow, violations
from tests.past import three_releases
from tests.test_frozen_site import plainly_served

pytestmark = pytest.mark.usefixtures("front_end")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The small world as files, below a path, behind a server that knows nothing of it."""
    root: Path = tmp_path_factory.mktemp("frozen")
    three_releases(root / "releases")
    settings = Settings(releases=root / "releases")
    freeze(settings, FreezeOptions(root / "host" / "repo", "http://localhost/repo", ("html",)), Progress())
    with plainly_served(root / "host") as address:
        yield f"{address}/repo"


@pytest.fixture
def visit(served: str, browser: Windows) -> Iterator[Visit]:
    """Opens pages of the frozen site; they must have been quiet when the test ends."""
    visit = Visit(browser, served)
    yield visit
    visit.close()
    assert visit.troubles() == []


@pytest.mark.parametrize("typed", ["izmir", "Izmir", "\u0130ZM\u0130R", "\u0131zm\u0131r"])
def test_the_browser_searches_as_the_server_would(visit: Visit, typed: str) -> None:
    """From any page's field to the thing, in the language of the page."""
    page = visit("/tr/")
    field = page.locator("form.find input[name=q]")
    field.fill(typed)
    field.press("Enter")
    page.locator("#found li a").first.click()
    page.wait_for_url("**/tr/doc/city/izmir/")
    assert page.locator("html").get_attribute("lang") == "tr"


@pytest.mark.parametrize("path", ["/search?q=izmir", "/explore", "/sparql", "/doc/city/izmir"])
def test_frozen_pages_are_sound(visit: Visit, path: str) -> None:
    """What was taken out leaves neither holes nor things without names."""
    page = visit(path, 390)
    page.wait_for_load_state("networkidle")
    assert violations(page) == []
    assert overflow(page) == []


def test_a_thing_leads_on_to_its_document(visit: Visit) -> None:
    """Where no 303 can be sent."""
    page = visit("/id/city/izmir")
    page.wait_for_url("**/doc/city/izmir/")
    assert page.locator("h1").inner_text() == "\u0130zmir"
