"""Explore, network, search and about in a browser: by keyboard, on a telephone, in the dark, without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import expect

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
    # At once: on a busy machine, letters that come one by one each get a list, which takes the choice from the last.
    field.fill("ızm")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("İzmir")
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    visit.shot(page, "suggestions")
    assert violations(page) == []
    field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert field.input_value() == "ızm"
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/city/izmir")


@pytest.mark.usefixtures("front_end")
def test_two_cities_are_chosen_by_suggestion(visit: Visits) -> None:
    """The address then has their identifiers; what is typed anew counts again."""
    page = visit("/network")
    for name, text, city in (("from", "brem", "Bremen"), ("to", "bak", "Baku")):
        page.locator(f"input[name={name}]").fill(text)
        expect(page.get_by_role("option").first).to_contain_text(city)
        focused(page).press("ArrowDown")
        focused(page).press("Enter")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/network?from=city%2Fbremen&to=city%2Fbaku")
    expect(page.locator("ol.way li.stop")).to_have_count(3)


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
    page.wait_for_url("**?country=germany")
    page.locator(".chips a", has_text="Germany").click()
    page.locator("header.site input[type=search]").fill("smyrna")
    page.locator("header.site button").click()
    expect(page.locator(".found a").first).to_have_text("İzmir")


@pytest.mark.usefixtures("front_end")
def test_a_page_that_is_not_there_helps_on(visit: Visits) -> None:
    """It says so, and the search box finds what was meant; its suggestions do not cover the button."""
    visit.forgive("404")
    page = visit("/doc/city/izmur", NARROW)
    assert violations(page) == []
    page.locator("main input[type=search]").fill("izmir")
    page.get_by_role("option").first.wait_for()
    page.locator("main button", has_text="Search").click()
    expect(page.locator(".found a").first).to_have_text("İzmir")
