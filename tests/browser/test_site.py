"""What holds for pages in a browser, whatever they show."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, WIDE, Visit, overflow, violations


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_home_is_quiet_and_fits(visit: Visit, width: int, dark: bool) -> None:
    """The first page opens without an error, fits its window, and axe finds nothing, light and dark."""
    page = visit("/", width, dark=dark)
    assert overflow(page) == []
    assert violations(page) == []
    visit.shot(page, f"home-{width}-{'dark' if dark else 'light'}")
