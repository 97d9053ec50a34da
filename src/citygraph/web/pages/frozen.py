"""What a frozen site (static files) shows in place of what needs a server, and what it says of itself."""

from __future__ import annotations

from citygraph.release import Release
from citygraph.web.answering.addresses import Addresses
from citygraph.web.finding.search import KINDS
from citygraph.web.pages.render import Pages, Reader
from citygraph.web.pages.words import Words


class FrozenPages(Pages):
    """The pages and notes of one frozen site: `root` is the path in front of its addresses."""

    def __init__(self, release: Release, base: str, root: str) -> None:
        super().__init__()
        self._release = release
        self._addresses = Addresses(base, root)

    @property
    def searches(self) -> bool:
        """Whether the search in the browser was built: without Node it was not."""
        return self._assets.has("frozen-search.js")

    def search(self, language: str, index: str, pages: str) -> str:
        """The search page, whose script reads `index` and links to what stands below `pages`."""
        kinds = {kind: Words(language).named(f"kind_{kind}") for kind in KINDS}
        return self._page("frozen-search.html", language, index=index, pages=pages, kinds=kinds, searches=self.searches)

    def stand_in(self, language: str, name: str) -> str:
        """A page instead of the query editor or of reconciliation: what is not here, and what is instead."""
        return self._page("frozen.html", language, name=name)

    def moved(self, language: str, target: str) -> str:
        """A page that leads on at once: where no host can send a 303."""
        return self._page("moved.html", language, target=target)

    def foot(self, language: str) -> str:
        """What stands at the foot of each page."""
        words = Words(language)
        said = words("A copy as static files of one release: documents, downloads and search work without a server.")
        return f'<p class="frozen">{said}</p>'

    def note(self, language: str) -> str:
        """What stands on a page that has lost something."""
        words = Words(language)
        said = words(
            "This is a frozen copy: what only a server can do (filters, other days, queries) is left out here."
        )
        return f'<p class="past">{said}</p>'

    def _page(self, template: str, language: str, **values: object) -> str:
        return self._render(template, Reader(Words(language), self._addresses), self._release, **values)
