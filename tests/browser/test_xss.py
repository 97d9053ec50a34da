"""In a real browser nothing that was written runs: the markup becomes no element, the policy has nothing to refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.browser.conftest import Visit, Windows
from tests.test_stored_markup import MARK, PAGES, UPDATE
from tests.writing import Writable

_PICTURE = f"() => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror={MARK}()>')"


@pytest.fixture(scope="module")
def written(site_to_write: Writable) -> Writable:
    """The site with markup in labels, links, the name of a graph and the message of a commit."""
    reply = site_to_write.update(UPDATE, "?message=" + quote(f"<script>{MARK}()</script>"))
    assert reply.status == 200, reply.body.decode()
    return site_to_write


@pytest.fixture
def visit_written(browser: Windows, written: Writable) -> Iterator[Visit]:
    visit = Visit(browser, f"http://127.0.0.1:{written.port}")
    yield visit
    visit.close()


# A browser takes seconds for what test_stored_markup reads of every page: here those on which most of it stands.
_MOST = ("/doc/city", "/graph/", "/releases", "/search?q=%5C", "/sparql", "/%3C", "/reconcile/preview")


@pytest.mark.parametrize("path", [path for path in PAGES if path.startswith(_MOST)])
def test_nothing_runs_in_a_browser(visit_written: Visit, path: str) -> None:
    """No handler is called, no picture asked for, no script refused by the policy; and no link would run."""
    visit_written.forgive("Failed to load resource")
    visit_written.forgive(r"status of 40\d: " + re.escape(quote(path.partition("?")[0], safe="/%'()*~")))
    page = visit_written(path)
    page.wait_for_timeout(50)
    assert visit_written.troubles() == []
    for link in page.locator(f"a[href*='{MARK}']").all()[:20]:
        assert re.match(r"https?:|[/?#]|mailto:", link.get_attribute("href") or "")


def test_the_browser_would_tell(visit_written: Visit) -> None:
    """Were the markup an element, the test above would see it."""
    page = visit_written("/cite")
    with (
        page.expect_response(lambda response: response.status == 404),
        page.expect_console_message(lambda message: "Content Security Policy" in message.text),
    ):
        page.evaluate(_PICTURE)
    assert any("status of 404" in said for said in visit_written.troubles())
    assert any("Content Security Policy" in said for said in visit_written.troubles())
