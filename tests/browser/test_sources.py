"""Who says so and at a date, as somebody sees and uses them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Visit, focused, violations


def test_source_opens_by_keyboard_without_a_script(visit: Visit) -> None:
    """Enter opens the source beside its square, Escape closes it, and the square has the keyboard again."""
    page = visit("/doc/agreement/izmir-baku", javascript=False)
    square = page.locator("button.square").first
    square.focus()
    page.keyboard.press("Enter")
    opened = page.locator(":popover-open")
    expect(opened).to_have_count(1)
    box, at = opened.bounding_box(), square.bounding_box()
    assert box
    assert at
    assert abs(box["y"] - at["y"]) < 300
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    assert "source" in (focused(page).get_attribute("aria-label") or "")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_open_source_fits_and_is_accessible(visit: Visit, width: int) -> None:
    """The popover stands within the window, wide and narrow."""
    page = visit("/doc/city/izmir", width)
    page.locator("button.square").last.click()
    box = page.locator(":popover-open").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert violations(page, within=":popover-open") == []


def test_sources_stand_in_the_margin_of_a_wide_page(visit: Visit) -> None:
    """Beside the register where there is room, below it on a telephone."""
    wide, narrow = (visit("/source/izmir-sister-cities", width) for width in (WIDE, NARROW))
    for page, beside in ((wide, True), (narrow, False)):
        margin, register = page.locator(".margin").bounding_box(), page.locator(".register").first.bounding_box()
        assert margin
        assert register
        assert (margin["x"] > register["x"] + register["width"]) is beside
