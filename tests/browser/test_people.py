"""The pages of persons, organisations, posts and events, as somebody sees them."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, WIDE, Visit, focused


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_one_line_of_years_is_seen(visit: Visit, width: int) -> None:
    """The wide one on a screen, the narrow one on a telephone."""
    page = visit("/doc/organisation/izmir-metropolitan-municipality", width)
    assert page.locator("svg.axis:visible").count() == 1
    title = page.locator("svg.axis:visible title").first.text_content()
    assert title == "Holders of the posts of İzmir Metropolitan Municipality"


def test_partner_is_said_beside_its_sign(visit: Visit) -> None:
    """The sign is a line as on the map; the words say since when, and lead to the agreement."""
    page = visit("/doc/event/turkey-germany-mayors-roundtable", javascript=False)
    row = page.locator("table.guests tbody tr", has_text="Andreas Bovenschulte")
    assert row.locator(".office").inner_text() == "Mayor of Bremen"
    assert row.locator(".sign").evaluate("sign => getComputedStyle(sign).borderTopStyle") == "solid"
    row.get_by_role("link", name="partner of İzmir since 1993").click()
    page.wait_for_url("**/doc/agreement/izmir-bremen")


def test_keyboard_reaches_an_office_from_the_line(visit: Visit) -> None:
    """A bar is a link: it can be reached and followed without a pointer."""
    page = visit("/doc/person/cemil-tugay")
    page.locator("svg.axis:visible a").first.focus()
    assert (focused(page).get_attribute("href") or "").endswith("/id/post/mayor-of-karsiyaka")
    page.keyboard.press("Enter")
    page.wait_for_url("**/doc/post/mayor-of-karsiyaka")
