"""Asks for addresses and writes what is answered: pages in every language, documents in every form, previews."""

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
from citygraph.freeze.inprocess import InProcess
from citygraph.freeze.local_client import Answer, Door
from citygraph.freeze.plan import STAND_INS, Plan, Rewriter, asked
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses
from citygraph.web.search.search_page import KINDS
from citygraph.web.view.page_request import Reader
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Words

_HTML = "text/html"
_OK, _GONE, _FAULT = 200, 410, 500
# Pages on which a reader looks for what a frozen site has not.
_NOTED = ("explore", "network", "api", "cite", "queries")
# What has a document and is no thing: its document's address is its own.
_NO_THINGS = ("source/", "graph/", "ontology", "dataset", ".well-known/", "page-")
# Documents of many things.
_WITHOUT_CARD = ("ontology", "shapes", "ontology/shapes")
_STREAM = re.compile(r"<([^<>\s]+/feed/ldes(?:/[^<>#\s]+)?)(#[^<>\s]*)?>")


@dataclass
class Tally:
    """What was written, what that needs to be there too, and what was left out, by reason."""

    files: int = 0
    size: int = 0
    pages: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    left: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count what another has written."""
        self.files += other.files
        self.size += other.size
        self.pages |= other.pages
        self.needed |= other.needed
        self.left += other.left


class Writer:
    """Writes the files of one release to a stage."""

    def __init__(self, settings: Settings, plan: Plan, release: Release, stage: Path) -> None:
        # Nothing is asked twice, and a copy in memory has no lasting order.
        settings = settings.with_changes(cache_size=0, held_quads=0, engine_socket="", writer_socket="")
        releases = Releases(settings.releases)
        app = create_app(settings, releases, InProcess(releases))
        self._door = Door(app.wsgi_app, plan.site, release.id)
        self._plan = plan
        self._release = release
        self._stage = stage
        self._own = FrozenPages(release, settings.base, plan.root)
        self._tally = Tally()

    def pages(self, paths: list[str]) -> Tally:
        """Write these pages, their other forms and previews."""
        self._tally = Tally()
        for path in paths:
            try:
                self._page(path)
            except UsageError as error:
                self._left(str(error))
        return self._tally

    def files(self, names: list[str]) -> Tally:
        """Write these files."""
        self._tally = Tally()
        for name in names:
            self._file(name)
        return self._tally

    def _page(self, path: str) -> None:
        for language in self._plan.languages:
            if path in STAND_INS:
                self._write_page(path, language, self._stand_in(path, language))
            else:
                self._asked_page(path, language)
        name, number = asked(path)
        if self._plan.is_document(name) and not number:
            self._forms(name)

    def _asked_page(self, path: str, language: str) -> None:
        name, number = asked(path)
        query = "&".join(filter(None, [number, urlencode({"lang": language})]))
        answer = self._door.get(name, query, _HTML)
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
        self._tally.pages.update(rewriter.pages())
        self._tally.needed.update(want.file for want in rewriter.wanted if want.file)

    def _stand_in(self, name: str, language: str) -> str:
        if name == "search":
            return self._own.search(language, self._plan.address("search-index.json"), self._plan.address("", language))
        return self._own.stand_in(language, name)

    def _forms(self, path: str) -> None:
        """The other forms of a document, its preview in every language, and the way to it from the thing."""
        for form in self._plan.forms:
            if form not in ("html", "png"):
                answer = self._door.get(f"{path}.{form}")
                body = without_views(answer.body) if form == "linkset.json" and answer.status == _OK else answer.body
                self._answered(f"{path}.{form}", answer, body)
        rest = path.removeprefix("doc/")
        if "png" in self._plan.forms and path not in _WITHOUT_CARD:
            for language in self._plan.languages:
                name = f"preview/{rest}.png"
                # A source has two addresses, and one picture.
                if not (self._stage / self._plan.prefix(language) / name).exists():
                    self._answered(self._plan.prefix(language) + name, self._door.get(name, f"lang={language}"))
        if rest != path and not rest.startswith(_NO_THINGS):
            self._write_moved((f"id/{rest}/index.html",), f"{self._plan.root}/{path}", path, self._plan.languages[0])

    def _write_moved(self, names: tuple[str, ...], location: str, here: str, language: str) -> None:
        want = self._plan.target(location, here, language)
        if want is None:
            self._left("addresses that lead to what is not here", here)
            return
        if want.page is not None:
            self._tally.pages.add(want.page)
        self._keep(names, self._own.moved(language, want.href).encode())

    def _file(self, name: str) -> None:
        if name in self._release.manifest.outputs:
            self._tally.files += 1
            self._tally.size += copy(self._stage, name, self._release.path / name)
        elif name.startswith("feed/ldes"):
            self._stream(name.removesuffix(".ttl"))
        elif name.startswith("queries/"):
            stem, _, form = name.rpartition(".")
            self._answered(name, self._door.get(stem, f"format={form}"))
        else:
            asked_for = "feed" if name == "feed.xml" else name
            self._answered(name, self._door.get(asked_for, "", "text/turtle" if name.endswith("void") else "*/*"))

    def _stream(self, name: str) -> None:
        """The event stream: its pages are files with an ending, so their own names get it too."""
        waiting, seen = [name], {name}
        while waiting:
            here = waiting.pop()
            answer = self._door.get(here, "format=nt")
            body = answer.body.decode()
            self._answered(f"{here}.ttl", answer, _STREAM.sub(r"<\1.ttl\2>", body).encode())
            for address, _ in _STREAM.findall(body):
                other = unquote(address).removeprefix(self._plan.site + "/")
                if other not in seen and not other.startswith("http"):
                    seen.add(other)
                    waiting.append(other)

    def _answered(self, name: str, answer: Answer, body: bytes | None = None) -> None:
        if answer.status in (_OK, _GONE):
            self._keep((name,), answer.body if body is None else body)
        elif not answer.location:
            self._failed("files", answer.status, name)

    def _keep(self, names: tuple[str, ...], data: bytes) -> None:
        self._tally.size += (
            write_twice(self._stage, names, data) if len(names) > 1 else write(self._stage, names[0], data)
        )
        self._tally.files += len(names)

    def _failed(self, what: str, status: int, name: str) -> None:
        """What is not there is told; a fault of ours ends the whole, for nobody should publish a site with holes."""
        if status >= _FAULT:
            raise CitygraphError(f"/{name} answers {status}: nothing is frozen")
        self._left(f"{what} that answer {status}", name)

    def _left(self, why: str, what: str = "") -> None:
        self._tally.left[f"{why}: {what}" if what else why] += 1


def without_views(body: bytes) -> bytes:
    """A linkset without the other views of a document, which only a server chooses."""
    linkset = json.loads(body)
    for context in linkset["linkset"]:
        for relation, targets in list(context.items()):
            if isinstance(targets, list):
                context[relation] = [target for target in targets if "_profile=" not in target["href"]]
    return (json.dumps(linkset, ensure_ascii=False, indent=1) + "\n").encode()


@lru_cache(1)
def writer(settings: Settings, plan: Plan, release_id: str, stage: Path) -> Writer:
    """The writer of this process: one is made in each that helps."""
    return Writer(settings, plan, Releases(settings.releases).get(release_id), stage)


def batches(paths: list[str], size: int = 40) -> Iterator[list[str]]:
    """Lists of so many."""
    for begin in range(0, len(paths), size):
        yield paths[begin : begin + size]


class FrozenPages(Templates):
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
        return self.page(template, Reader(Words(language), self._addresses), self._release, **values)
