"""What holds for pages in a browser, whatever they show."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, WIDE, Visit, overflow, violations


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("dark", [False, True])
def test_home_is_quiet(visit: Visit, width: int, dark: bool) -> None:
    """The first page opens without an error and fits its window, light and dark."""
    page = visit("/", width, dark=dark)
    assert overflow(page) == []
    visit.shot(page, f"home-{width}-{'dark' if dark else 'light'}")


def test_axe(visit: Visit) -> None:
    """axe."""
    assert violations(visit("/")) == []
