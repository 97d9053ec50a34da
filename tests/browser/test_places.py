"""The home page and the pages of places and agreements, as somebody sees them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Visit, focused, overflow


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_one_map_is_seen(visit: Visit, width: int) -> None:
    """The whole map on a screen, its nearer half on a telephone."""
    page = visit("/", width)
    assert page.locator("svg.map:visible").count() == 1
    assert page.locator(".far").is_visible() == (width == NARROW)


def test_map_and_register_stand_at_one_height(visit: Visit) -> None:
    """Side by side, beginning on one line; the list may be longer than the map, never shorter than most of it."""
    page = visit("/")
    chart, acts = page.locator(".mapped").bounding_box(), page.locator(".acts").bounding_box()
    assert chart is not None
    assert acts is not None
    assert abs(chart["y"] - acts["y"]) < 2
    assert acts["height"] > chart["height"] - 80
    assert acts["x"] > chart["x"] + chart["width"]


@pytest.mark.parametrize(
    "path", ["/doc/city/izmir", "/doc/city/bremen", "/doc/organisation/izmir-metropolitan-municipality"]
)
@pytest.mark.parametrize("width", [641, 800, 1000])
def test_a_table_is_no_wider_than_a_window_of_medium_width(visit: Visit, path: str, width: int) -> None:
    """German headings are the longest: the dates wrap, and the rest of the table is reached by scrolling it alone."""
    assert overflow(visit(path, width, language="de")) == []


@pytest.mark.usefixtures("front_end")
def test_row_lights_its_ray_and_the_ray_its_row(visit: Visit) -> None:
    """By pointer and by keyboard, in both directions; nothing stays lit."""
    page = visit("/")
    row, ray = page.locator('.acts li[data-n="2"]'), page.locator('.whole a.tie[data-n="2"]')
    lit = re.compile(r"\blit\b")
    row.hover()
    expect(ray).to_have_class(lit)
    page.mouse.move(2, 2)
    expect(ray).not_to_have_class(lit)
    ray.focus()
    expect(row).to_have_class(lit)
    row.locator("a").first.focus()
    expect(ray).to_have_class(lit)


def test_table_is_sorted_and_filtered_without_a_script(visit: Visit) -> None:
    """Heading and search field are a link and a form."""
    page = visit("/doc/city/izmir", javascript=False)
    page.locator("#ties thead").get_by_role("link", name="Distance").click()
    expect(page.locator("#ties tbody th").first).to_have_text("Kardzhali")
    page.locator("#sift").fill("china")
    page.locator("#sift").press("Enter")
    # With two cities there are two agreements.
    names = ["Chengdu", "Chengdu", "Tianjin", "Wuhan", "Xiamen", "Xiamen"]
    expect(page.locator("#ties tbody th")).to_have_text([re.compile(rf"^\s*{name}\b") for name in names])


def test_keyboard_reaches_a_partner_from_the_map(visit: Visit) -> None:
    """A ray is a link: it can be reached and followed without a pointer."""
    page = visit("/doc/city/bremen")
    page.locator(".mapped a.tie").first.focus()
    assert focused(page).get_attribute("data-n") == "1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/doc/city/izmir")
