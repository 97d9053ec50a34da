"""The writer of a frozen site: requests pages in every language, documents in every format, and previews, and writes
them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlencode

from citygraph.errors import CitygraphError, UsageError
from citygraph.freeze.folder import copy, write, write_twice
from citygraph.freeze.inprocess import InProcessEngine
from citygraph.freeze.local_client import LocalClient, LocalResponse
from citygraph.freeze.plan import STAND_INS, Plan, Rewriter, application_address
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses
from citygraph.web.search.search_page import KINDS
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

_HTML = "text/html"
_OK, _GONE, _FAULT = 200, 410, 500
# Pages whose main function needs a server: they always have the note.
_NOTED = ("explore", "network", "api", "cite", "queries")
# Documents that are not about an entity below /id/.
_NO_THINGS = ("source/", "graph/", "ontology", "dataset", ".well-known/", "page-")
# Documents of many entities have no preview card.
_WITHOUT_CARD = ("ontology", "shapes", "ontology/shapes")
# After the address of the site. The IRI of the stream itself stays as the server has it.
_STREAM_PAGE = r"/feed/ldes(?:/[^<>#\s]+)?)(?!#stream>)(#[^<>\s]*)?>"


@dataclass
class WriteSummary:
    """The written files, the further files that they need, and the omitted addresses by reason."""

    files: int = 0
    size: int = 0
    pages: set[str] = field(default_factory=set)
    needed_files: set[str] = field(default_factory=set)
    omitted: Counter[str] = field(default_factory=Counter)

    def add(self, other: WriteSummary) -> None:
        """Adds the summary of another batch."""
        self.files += other.files
        self.size += other.size
        self.pages |= other.pages
        self.needed_files |= other.needed_files
        self.omitted += other.omitted


class PageWriter:
    """A writer of the files of one release to a stage."""

    def __init__(self, settings: Settings, plan: Plan, release: Release, stage: Path) -> None:
        # Nothing is requested twice, and a copy in memory has no lasting order.
        settings = settings.with_changes(cache_size=0, held_quads=0, engine_socket="", writer_socket="")
        releases = Releases(settings.releases)
        app = create_app(settings, releases, InProcessEngine(releases))
        self._client = LocalClient(app.wsgi_app, plan.site, release.id)
        self._plan = plan
        self._release = release
        self._stage = stage
        self._own = FrozenPages(release, settings.base, plan.root)
        self._summary = WriteSummary()

    def pages(self, paths: list[str]) -> WriteSummary:
        """Writes these pages with their other formats and previews."""
        self._summary = WriteSummary()
        for path in paths:
            try:
                self._page(path)
            except UsageError as error:
                self._skip(str(error))
        return self._summary

    def files(self, names: list[str]) -> WriteSummary:
        """Writes these files."""
        self._summary = WriteSummary()
        for name in names:
            self._file(name)
        return self._summary

    def _page(self, path: str) -> None:
        for language in self._plan.languages:
            if path in STAND_INS:
                self._write_page(path, language, self._stand_in(path, language))
            else:
                self._request_page(path, language)
        name, number = application_address(path)
        if self._plan.is_document(name) and not number:
            self._forms(name)

    def _request_page(self, path: str, language: str) -> None:
        name, number = application_address(path)
        query = "&".join(filter(None, [number, urlencode({"lang": language})]))
        answer = self._client.get(name, query, _HTML)
        if answer.status in (_OK, _GONE):
            self._write_page(path, language, answer.body.decode())
        elif answer.location:
            self._write_moved(self._plan.page_files(path, language), answer.location, path, language)
        else:
            self._failed("pages", answer.status, path)

    def _write_page(self, path: str, language: str, html: str) -> None:
        rewriter = Rewriter(self._plan, path, language)
        note = self._own.note(language)
        html = rewriter.rewrite(html, self._own.foot(language), note, path.partition("/")[0] in _NOTED)
        self._keep(self._plan.page_files(path, language), html.encode())
        self._summary.pages.update(rewriter.pages())
        self._summary.needed_files.update(target.file for target in rewriter.targets if target.file)

    def _stand_in(self, name: str, language: str) -> str:
        if name == "search":
            return self._own.search(language, self._plan.address("search-index.json"), self._plan.address("", language))
        return self._own.stand_in(language, name)

    def _forms(self, path: str) -> None:
        """Writes the other formats of a document, its preview in every language, and the redirect from its entity."""
        for form in self._plan.forms:
            if form not in ("html", "png"):
                answer = self._client.get(f"{path}.{form}")
                body = without_views(answer.body) if form == "linkset.json" and answer.status == _OK else answer.body
                self._keep_response(f"{path}.{form}", answer, body)
        rest = path.removeprefix("doc/")
        if "png" in self._plan.forms and path not in _WITHOUT_CARD:
            for language in self._plan.languages:
                name = f"preview/{rest}.png"
                # A source has two addresses but one picture.
                if not (self._stage / self._plan.prefix(language) / name).exists():
                    self._keep_response(self._plan.prefix(language) + name, self._client.get(name, f"lang={language}"))
        if rest != path and not rest.startswith(_NO_THINGS):
            self._write_moved((f"id/{rest}/index.html",), f"{self._plan.root}/{path}", path, self._plan.languages[0])

    def _write_moved(self, names: tuple[str, ...], location: str, here: str, language: str) -> None:
        target = self._plan.target(location, here, language)
        if target is None:
            self._skip("addresses that redirect to pages that are not frozen", here)
            return
        if target.page is not None:
            self._summary.pages.add(target.page)
        self._keep(names, self._own.moved(language, target.href).encode())

    def _file(self, name: str) -> None:
        if name in self._release.manifest.outputs:
            self._summary.files += 1
            self._summary.size += copy(self._stage, name, self._release.path / name)
        elif name.startswith("feed/ldes"):
            self._stream(name.removesuffix(".ttl"))
        elif name.startswith("queries/"):
            stem, _, form = name.rpartition(".")
            self._keep_response(name, self._client.get(stem, f"format={form}"))
        else:
            address = "feed" if name == "feed.xml" else name
            self._keep_response(name, self._client.get(address, "", "text/turtle" if name.endswith("void") else "*/*"))

    def _stream(self, name: str) -> None:
        """Writes the event stream. Its pages become files with an extension, so the links between them get it too."""
        pages = re.compile(f"<({re.escape(self._plan.site)}{_STREAM_PAGE}")
        waiting, visited = [name], {name}
        while waiting:
            here = waiting.pop()
            answer = self._client.get(here, "format=nt")
            body = answer.body.decode()
            self._keep_response(f"{here}.ttl", answer, pages.sub(r"<\1.ttl\2>", body).encode())
            for address, _ in pages.findall(body):
                other = unquote(address.removeprefix(self._plan.site + "/"))
                if other not in visited:
                    visited.add(other)
                    waiting.append(other)

    def _keep_response(self, name: str, answer: LocalResponse, body: bytes | None = None) -> None:
        if answer.status in (_OK, _GONE):
            self._keep((name,), answer.body if body is None else body)
        elif not answer.location:
            self._failed("files", answer.status, name)

    def _keep(self, names: tuple[str, ...], data: bytes) -> None:
        self._summary.size += (
            write_twice(self._stage, names, data) if len(names) > 1 else write(self._stage, names[0], data)
        )
        self._summary.files += len(names)

    def _failed(self, what: str, status: int, name: str) -> None:
        """Records a missing page. Raises CitygraphError for a server error: a site with gaps must not be published."""
        if status >= _FAULT:
            raise CitygraphError(f"/{name} returns status {status}: nothing is frozen")
        self._skip(f"{what} with status {status}", name)

    def _skip(self, why: str, what: str = "") -> None:
        self._summary.omitted[f"{why}: {what}" if what else why] += 1


def without_views(body: bytes) -> bytes:
    """Returns a linkset without links to the other profiles of a document, which need a server."""
    linkset = json.loads(body)
    for context in linkset["linkset"]:
        for relation, targets in list(context.items()):
            if isinstance(targets, list):
                context[relation] = [target for target in targets if "_profile=" not in target["href"]]
    return (json.dumps(linkset, ensure_ascii=False, indent=1) + "\n").encode()


@lru_cache(1)
def writer(settings: Settings, plan: Plan, release_id: str, stage: Path) -> PageWriter:
    """Returns the writer of this process; each worker process has one."""
    return PageWriter(settings, plan, Releases(settings.releases).get(release_id), stage)


def batches(paths: list[str], size: int = 40) -> Iterator[list[str]]:
    """Yields lists of at most `size` paths."""
    for begin in range(0, len(paths), size):
        yield paths[begin : begin + size]


class FrozenPages(Templates):
    """The pages and notes that only a frozen site has; `root` is the path in front of its addresses."""

    def __init__(self, release: Release, base: str, root: str) -> None:
        super().__init__()
        self._release = release
        self._addresses = Addresses(base, root)

    @property
    def searches(self) -> bool:
        """Whether the search script was built, which needs Node."""
        return self._assets.has("frozen-search.js")

    def search(self, language: str, index: str, pages: str) -> str:
        """Returns the search page, whose script reads `index` and links to addresses below `pages`."""
        kinds = {kind: Translations(language).named(f"kind_{kind}") for kind in KINDS}
        return self._page("frozen-search.html", language, index=index, pages=pages, kinds=kinds, searches=self.searches)

    def stand_in(self, language: str, name: str) -> str:
        """Returns the page that replaces the query editor or reconciliation."""
        return self._page("frozen.html", language, name=name)

    def moved(self, language: str, target: str) -> str:
        """Returns a page that redirects at once, for hosts that cannot send a 303."""
        return self._page("moved.html", language, target=target)

    def foot(self, language: str) -> str:
        """Returns the note at the foot of each page."""
        words = Translations(language)
        text = words("A copy as static files of one release: documents, downloads and search work without a server.")
        return f'<p class="frozen">{text}</p>'

    def note(self, language: str) -> str:
        """Returns the note on pages that have lost a form."""
        words = Translations(language)
        text = words(
            "This is a static copy: features that need a server (filters, other dates, queries) are not available."
        )
        return f'<p class="past">{text}</p>'

    def _page(self, template: str, language: str, **values: object) -> str:
        return self.page(template, PageRequest(Translations(language), self._addresses), self._release, **values)
