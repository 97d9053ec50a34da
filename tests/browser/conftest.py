"""A real browser before a real server: Debian's Chromium, and `citygraph serve` over the İzmir release on loopback.

A test asks for `visit`, which opens an address as somebody sees it (how wide, how dark, in which language, with or
without JavaScript). When the test ends, every page that it opened must have been quiet: no error in the console, no
fault in a script, no answer of 4xx or 5xx, and no request to another host. What a test means to provoke, it forgives
first: `visit.forgive("status of 400")`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests.running import PATIENCE, Running, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Page, Request, Response

# They come with the extra `dev`; without Playwright these tests are left out, not failed.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]
REPOSITORY = Path(__file__).parents[2]
AXE = REPOSITORY / "web" / "node_modules" / "axe-core" / "axe.min.js"
BUILT = REPOSITORY / "src" / "citygraph" / "web" / "static" / "built" / "manifest.json"
# BROWSER_SHOTS=folder: each `visit.shot("name")` writes a picture there, for people to look at.
SHOTS = os.environ.get("BROWSER_SHOTS", "")
WIDE, NARROW = 1440, 390
# Milliseconds until what a test waits for must be there; usually it takes a tenth of a second.
_PATIENCE = 60_000
_HEIGHTS = {WIDE: 900, NARROW: 844}
_LOCALES = {"en": "en-GB", "tr": "tr-TR", "az": "az-AZ", "de": "de-DE"}
# The only schemes that need no host.
_INNER = ("data:", "blob:", "about:")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site(built: tuple[Releases, Release, Report]) -> Iterator[Running]:
    """The site, served as `citygraph serve` serves it. Do not write to it."""
    with serving(built[0].root, time_limit=120, engines=2) as running:
        yield running


class Look(NamedTuple):
    """How somebody sees pages."""

    width: int
    dark: bool
    language: str
    javascript: bool
    still: bool


class Windows:
    """Windows of a browser, in which tests open pages one after the other.

    To open a window takes a second of processor time, to load a page in an open one a fifth.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[Look, list[Page]] = {}

    def take(self, look: Look) -> Page:
        """An empty window, perhaps one that another test had: it has the cache of that test, and no more."""
        idle = self._idle.setdefault(look, [])
        return idle.pop() if idle else self.open(look)

    def give_back(self, look: Look, page: Page) -> None:
        """Leave the page, so that the next test can have the window."""
        # By a script, so that it stays in its process: to start one takes as long as to open a window.
        page.evaluate("location.replace('about:blank')")
        page.wait_for_url("about:blank")
        page.mouse.move(0, 0)
        self._idle.setdefault(look, []).append(page)

    def open(self, look: Look) -> Page:
        """A window with nothing remembered from before."""
        context = self._browser.new_context(
            viewport={"width": look.width, "height": _HEIGHTS.get(look.width, 900)},
            color_scheme="dark" if look.dark else "light",
            reduced_motion="reduce" if look.still else "no-preference",
            locale=_LOCALES.get(look.language, look.language),
            java_script_enabled=look.javascript,
            has_touch=look.width <= NARROW,
        )
        context.set_default_timeout(_PATIENCE)
        return context.new_page()


@pytest.fixture(scope="session")
def browser() -> Iterator[Windows]:
    """Debian's Chromium, without a screen; its tests are skipped where it or Playwright is absent."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install -e '.[dev]'")
    executable = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    api.expect.set_options(timeout=_PATIENCE)
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=executable, args=list(_ARGUMENTS), timeout=PATIENCE * 1000
        )
        yield Windows(launched)
        launched.close()


@pytest.fixture
def visit(site: Running, browser: Windows) -> Iterator[Visit]:
    """Opens pages of the site; they must have been quiet when the test ends."""
    visit = Visit(browser, site.url)
    yield visit
    visit.close()
    assert visit.troubles() == []


@pytest.fixture(scope="session")
def front_end() -> None:
    """For tests of what is bundled by Node: they are skipped where it has not been."""
    if not BUILT.is_file():
        pytest.skip("the front end is not built: Node is missing, or npm could not install (docs/web.md)")


@dataclass
class Visit:
    """Pages as somebody sees them, and what went wrong on them."""

    browser: Windows
    root: str
    _seen: list[str] = field(default_factory=list)
    _forgiven: list[str] = field(default_factory=list)
    _opened: list[tuple[Look, Page]] = field(default_factory=list)

    def __call__(
        self,
        path: str,
        width: int = WIDE,
        *,
        dark: bool = False,
        language: str = "en",
        javascript: bool = True,
        still: bool = True,
        new: bool = False,
    ) -> Page:
        """A page that has been opened in a window of its own; with `new`, in one that has no cache."""
        look = Look(width, dark, language, javascript, still)
        page = self.browser.open(look) if new else self.browser.take(look)
        self._opened.append((look, page))
        for event, listen in self._listeners().items():
            page.on(event, listen)  # type: ignore[call-overload]  # one overload for each event
        page.goto(self.root + path, wait_until="load")
        return page

    def forgive(self, pattern: str) -> None:
        """Let pass, in this test, what matches a regular expression."""
        self._forgiven.append(pattern)

    def troubles(self) -> list[str]:
        """What went wrong, without what was forgiven."""
        return [said for said in self._seen if not any(re.search(p, said) for p in self._forgiven)]

    def close(self) -> None:
        """Leave all pages."""
        for look, page in self._opened:
            self.browser.give_back(look, page)
            for event, listen in self._listeners().items():
                page.remove_listener(event, listen)

    def shot(self, page: Page, name: str, *, whole: bool = True) -> None:
        """A picture of the page for people to look at, if BROWSER_SHOTS names a folder."""
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)

    def _listeners(self) -> dict[str, Any]:
        return {"console": self._heard, "pageerror": self._threw, "request": self._asked,
                "requestfailed": self._failed, "response": self._answered}  # fmt: skip

    def _threw(self, error: Error) -> None:
        self._note(f"fault in a script: {error}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.root, *_INNER)):
            self._note(f"request off the host: {request.url}")

    def _failed(self, request: Request) -> None:
        # A page that is left, or a script that has changed its mind, ends its own requests.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"failed: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._note(f"status of {response.status}: {urlsplit(response.url).path}")

    def _note(self, said: str) -> None:
        self._seen.append(said)


def violations(page: Page, *, within: str = "html", but: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and good practice, one line each; `but` leaves rules out."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in web/")
    page.evaluate(AXE.read_text(encoding="utf-8") + "\n;0")
    options = {
        "runOnly": {"type": "tag", "values": _RULES},
        "rules": {rule: {"enabled": False} for rule in but},
        "resultTypes": ["violations"],
    }
    # What passed is thousands of nodes, which would be described and sent here for nobody.
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run({json.dumps(within)}, {json.dumps(options)}).then(results => results.violations)"
    )
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}".replace("\n", " ")
        for one in found
        for node in one["nodes"]
    ]


def overflow(page: Page, *, within: str = "body") -> list[str]:
    """What stands out of the page at its right, so that a telephone would have to scroll sideways."""
    found: list[str] = page.evaluate(_OVERFLOW, within)
    return found


def focused(page: Page) -> Locator:
    """The element that has the keyboard."""
    return page.locator(":focus")


# What an element clips or scrolls within the window does not stand out of it.
_OVERFLOW = """(within) => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const clips = e => getComputedStyle(e).overflowX !== 'visible' && e.getBoundingClientRect().right <= width + 1;
  const isClipped = e => e && e !== document.body && (clips(e) || isClipped(e.parentElement));
  return [...document.querySelectorAll(`${within} *`)]
    .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > width + 1)
    .filter(e => !isClipped(e.parentElement))
    .slice(0, 8)
    .map(e => `${e.tagName.toLowerCase()}.${e.getAttribute('class') || ''}`);
}"""
