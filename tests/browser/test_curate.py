"""/curate in a browser: a person uploads, corrects, publishes and undoes, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Visit, Windows, overflow, violations
from tests.small import small_site
from tests.test_curate_page import GOOD, PLACES, current
from tests.writing import Writable

WAIT = 60_000  # milliseconds: a check validates the whole graph


@pytest.fixture(scope="module")
def writable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    """A site of its own to write to."""
    with small_site(tmp_path_factory.mktemp("curate")) as running:
        yield running


@pytest.fixture
def open_page(writable: Writable, browser: Windows) -> Iterator[Visit]:
    """Opens pages of it; they must have been quiet when the test ends."""
    visit = Visit(browser, f"http://127.0.0.1:{writable.port}")
    yield visit
    visit.close()
    assert visit.troubles() == []


def files(folder: Path, **changed: str) -> list[str | Path]:
    """The files to choose."""
    for name, text in {**GOOD, **{f"{stem}.csv": text for stem, text in changed.items()}}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in GOOD]


def upload(page: Page, chosen: list[str | Path], token: str) -> None:
    page.locator("input[type=file]").set_input_files(chosen)
    if not page.locator("input[type=password]").input_value():
        page.locator("input[type=password]").fill(token)
    page.get_by_role("button", name="Check").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_curator_corrects_publishes_and_undoes(
    open_page: Visit, writable: Writable, tmp_path: Path, scripts: bool
) -> None:
    """The whole way, and each page is accessible (14 §2)."""
    open_page.forgive("status of 422")
    before = current(writable).id
    page = open_page("/curate", javascript=scripts)
    upload(page, files(tmp_path, places=PLACES.replace("54.35", "154.35")), writable.token)
    expect(page.locator(".report").first).to_contain_text("Errors: 1", timeout=WAIT)
    expect(page.get_by_role("button", name="Publish these changes")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a copy with marked cells").click()
    assert download.value.suggested_filename == "problems.xlsx"
    upload(page, files(tmp_path), writable.token)
    expect(page.locator(".report").last).to_contain_text("Removed statements: 0", timeout=WAIT)
    if scripts:
        assert violations(page) == []
    assert current(writable).id == before
    page.get_by_label("Note for the history of releases").fill("Twin towns")
    page.get_by_role("button", name="Publish these changes").click()
    expect(page.locator("p.conforms")).to_contain_text("Published in the release", timeout=WAIT)
    assert current(writable).manifest.message == "Twin towns"
    assert writable.token not in page.url
    page.get_by_role("button", name="Undo this import").click()
    expect(page.locator("p.conforms")).to_contain_text("Undone", timeout=WAIT)


def test_the_page_fits_a_phone_and_is_accessible(open_page: Visit, writable: Writable, tmp_path: Path) -> None:
    """Wide tables scroll on their own."""
    open_page.forgive("status of 422")
    page = open_page("/curate", width=NARROW)
    assert violations(page) == []
    upload(page, files(tmp_path, places=PLACES.replace("54.35", "154.35")), writable.token)
    expect(page.locator(".report").first).to_contain_text("Errors: 1", timeout=WAIT)
    assert overflow(page) == []
    assert violations(page) == []


@pytest.mark.usefixtures("front_end")
def test_a_reader_cites_a_result_and_runs_it_again(open_page: Visit, writable: Writable) -> None:
    """From the workbench to the citation, on accessible pages that fit a phone (17, Citation)."""
    query = "SELECT ?city ?country { ?city cg:country ?country } ORDER BY ?city"
    page = open_page(f"/sparql?query={quote(query)}", width=NARROW)
    button = page.get_by_role("button", name="Cite this result")
    expect(page.locator("#status")).to_contain_text("2 rows")
    assert violations(page) == []
    button.click()
    expect(page.locator("h1")).to_have_text("Result of a query: city, country")
    expect(page.locator(".citation")).to_contain_text("2 rows, SHA-256")
    expect(page.locator("table.answer tbody tr")).to_have_count(2)
    page.get_by_text("BibTeX", exact=True).click()
    expect(page.get_by_text("@misc{")).to_be_visible()
    assert overflow(page) == []
    assert violations(page) == []
    open_page.shot(page, "cited-result")
    page.get_by_role("button", name="Run again on today’s graph").click()
    expect(page.get_by_text("Nothing has changed")).to_be_visible()
    assert overflow(page) == []
    assert violations(page) == []
    page.go_back()
    with page.expect_download() as download:
        page.get_by_role("link", name="Record (JSON)").click()
    assert download.value.suggested_filename.startswith("citygraph-result-")
