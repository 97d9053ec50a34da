"""Explore, network, search and about in a browser: by keyboard, on a telephone, in the dark, without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.browser.conftest import NARROW, WIDE, focused, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Visits(Protocol):
    """What the fixture `visit` gives."""

    def __call__(
        self, path: str, width: int = WIDE, *, dark: bool = False, language: str = "en", javascript: bool = True
    ) -> Page: ...

    def forgive(self, pattern: str) -> None: ...

    def shot(self, page: Page, name: str) -> None: ...


@pytest.mark.usefixtures("front_end")
def test_the_keyboard_chooses_a_suggestion(visit: Visits) -> None:
    """Arrows move through the list, Escape closes it, Enter goes to what is chosen."""
    page = visit("/about")
    field = page.get_by_role("combobox").first
    field.press_sequentially("ızm")
    options = page.get_by_role("option")
    options.first.wait_for()
    assert field.get_attribute("aria-expanded") == "true"
    assert "İzmir" in options.first.inner_text()
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    assert options.first.get_attribute("aria-selected") == "true"
    visit.shot(page, "suggestions")
    assert violations(page) == []
    field.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    assert field.input_value() == "ızm"
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/city/izmir")


@pytest.mark.usefixtures("front_end")
def test_two_cities_are_chosen_by_suggestion(visit: Visits) -> None:
    """The address then has their identifiers; what is typed anew counts again."""
    page = visit("/network")
    for name, text in (("from", "brem"), ("to", "bak")):
        field = page.locator(f"input[name={name}]")
        field.press_sequentially(text)
        page.get_by_role("option").first.wait_for()
        focused(page).press("ArrowDown")
        focused(page).press("Enter")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/network?from=city%2Fbremen&to=city%2Fbaku")
    assert page.locator("ol.way li.stop").count() == 3


@pytest.mark.parametrize("query", ["", "?city=city/bremen"])
def test_the_network_fits_a_telephone(visit: Visits, query: str) -> None:
    """The whole picture and all its names are in the window (13.27)."""
    page = visit(f"/network{query}", NARROW)
    figure = page.locator("figure.network")
    assert figure.evaluate("figure => figure.scrollWidth <= figure.clientWidth")
    edges = figure.evaluate("""figure => [...figure.querySelectorAll('svg, circle, rect, text')].flatMap(part => {
        const box = part.getBoundingClientRect();
        return [box.left, box.right];
    })""")
    assert min(edges) >= 0
    assert max(edges) <= NARROW
    # A name is at least seven pixels high.
    assert figure.locator("text").first.evaluate("text => text.getBoundingClientRect().height") > 7


def test_filters_and_search_need_no_script(visit: Visits) -> None:
    """Links filter, forms submit, names are found."""
    page = visit("/explore", javascript=False)
    page.locator(".facet a", has_text="Germany").click()
    assert page.url.endswith("?country=germany")
    page.locator(".chips a", has_text="Germany").click()
    page.locator("header.site input[type=search]").fill("smyrna")
    page.locator("header.site button").click()
    assert page.locator(".found a").first.inner_text() == "İzmir"


def test_a_page_that_is_not_there_helps_on(visit: Visits) -> None:
    """It says so, and the search box finds what was meant."""
    visit.forgive("404")
    page = visit("/doc/city/izmur", NARROW)
    assert violations(page) == []
    page.locator("main input[type=search]").fill("izmir")
    page.locator("main button", has_text="Search").click()
    assert page.locator(".found a").first.inner_text() == "İzmir"
