"""The flow of freezing: crawl our pages from the sitemap, write them as files, and replace the folder in one step."""

from __future__ import annotations

import json
import multiprocessing
import os
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pyoxigraph import DefaultGraph, NamedNode, Store

from citygraph.build.feeds import addresses
from citygraph.catalogues import LANGUAGES
from citygraph.errors import UsageError
from citygraph.freeze.folder import MARKER, check_target, copy, staged, write
from citygraph.freeze.host_files import host_files
from citygraph.freeze.local_client import LocalClient
from citygraph.freeze.page_writer import FrozenPages, WriteSummary, batches, writer
from citygraph.freeze.plan import FORMS, STAND_INS, Plan, Rewriter
from citygraph.graph.withdrawals import read_withdrawals
from citygraph.index.facts import ENTITY, StoredQuads, wikidata_items
from citygraph.index.names import name_rows
from citygraph.parent import die_with_parent
from citygraph.progress import Progress
from citygraph.rdf.terms import CG
from citygraph.release.ownership import require_base
from citygraph.release.releases import Release, Releases
from citygraph.setting_rules import is_web_address
from citygraph.settings import Settings
from citygraph.text import fold, nfc
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.assets import BUILT, STATIC

_FIRST_PAGES = ("explore", "network", "about", "api", "cite", "quality", "shapes", "ontology/shapes", *STAND_INS)
_FIRST_FILES = (
    "robots.txt",
    "context.jsonld",
    "feed.xml",
    "feed/ldes.ttl",
    ".well-known/void",
    "releases.json",
    "quality.json",
    "releases.ttl",
    "queries.json",
)
# Functions that need a server; listed at the end and in the marker.
NOT_FROZEN = (
    "SPARQL, reconciliation and writing: they need a server",
    "other days (?at=), histories, filters, sorting by a link, other views (?_profile=), queries with other values",
    "the pages of earlier releases; those releases themselves and what changed between them are listed",
    "content negotiation and 303 where the host cannot: see _redirects, .htaccess and nginx.conf in the folder",
)


@dataclass(frozen=True)
class FreezeOptions:
    """The options of a run: target folder, address of the site, formats, and number of processes."""

    folder: Path
    site: str = "http://localhost:8000"
    forms: tuple[str, ...] = FORMS
    jobs: int = 1
    force: bool = False


@dataclass(frozen=True)
class FreezeResult:
    """The result of a run: files, bytes, pages, and the omitted addresses by reason."""

    files: int
    size: int
    pages: int
    omitted: tuple[str, ...]


def freeze(settings: Settings, order: FreezeOptions, progress: Progress) -> FreezeResult:
    """Writes the site of the current release to a folder. Raises UsageError for a folder that must not be replaced."""
    site = _site(order.site)
    check_target(order.folder, order.force, (Path.cwd(), settings.releases, settings.data, settings.ontology))
    release = Releases(settings.releases).current()
    require_base(release)
    forms = tuple(form for form in FORMS if form in order.forms)
    plan = Plan(site, LANGUAGES, forms, frozenset(release.manifest.outputs))
    with staged(order.folder) as stage:
        summary, pages = _crawl(settings, plan, release, stage, order.jobs, progress)
        with progress.step("files") as step:
            summary.add(_write_others(settings, plan, release, stage))
            summary.add(
                writer(settings, plan, release.id, stage).files(sorted(summary.needed_files | _first_files(release)))
            )
            step.result = f"{summary.files:,} files, {summary.size / 1e6:,.1f} MB"
        frozen = FreezeResult(summary.files, summary.size, pages, _reasons(summary))
        write(stage, MARKER, _marker(frozen, plan, release))
    return frozen


def _crawl(
    settings: Settings, plan: Plan, release: Release, stage: Path, jobs: int, progress: Progress
) -> tuple[WriteSummary, int]:
    """Writes all pages: those of the sitemap, and all that they link to."""
    whole = WriteSummary()
    waiting = [path for path in (*addresses(release.open_store()), *_FIRST_PAGES) if path not in STAND_INS]
    waiting += STAND_INS
    discovered = set(waiting)
    done = 0
    with progress.step("pages") as step:
        while waiting:
            for summary, count in _write_batches(settings, plan, release, stage, jobs, sorted(set(waiting))):
                done += count
                whole.add(summary)
                step.result = f"{done:,} of {len(discovered):,} pages, {whole.files:,} files"
                progress.moved(step)
            waiting = sorted(whole.pages - discovered)
            discovered |= whole.pages
            # Only the pages that the next round adds are new.
            whole.pages.clear()
    return whole, done


def _write_batches(
    settings: Settings, plan: Plan, release: Release, stage: Path, jobs: int, paths: list[str]
) -> Iterator[tuple[WriteSummary, int]]:
    """Yields the summary and size of each batch of pages, written by several processes."""
    parts = list(batches(paths))
    if jobs < 2 or len(parts) < 2:
        for part in parts:
            yield _pages(settings, plan, release.id, stage, part), len(part)
        return
    # Each with a fresh interpreter: the threads of the store do not survive a fork.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawning, die_with_parent, (os.getpid(),)) as pool:
        futures = [(pool.submit(_pages, settings, plan, release.id, stage, part), len(part)) for part in parts]
        for future, count in futures:
            yield future.result(), count


def _pages(settings: Settings, plan: Plan, release_id: str, stage: Path, paths: list[str]) -> WriteSummary:
    return writer(settings, plan, release_id, stage).pages(paths)


def _first_files(release: Release) -> set[str]:
    return {*_FIRST_FILES, *release.manifest.outputs}


def _write_others(settings: Settings, plan: Plan, release: Release, stage: Path) -> WriteSummary:
    """Writes files that are not the response to one address: assets, search index, sitemap, error page, host files."""
    summary = WriteSummary()
    store = release.open_store()
    for name, source in _assets():
        summary.size += copy(stage, name, source)
        summary.files += 1
    releases = Releases(settings.releases)
    client = LocalClient(
        create_app(settings.with_changes(cache_size=0, held_quads=0), releases).wsgi_app, plan.site, release.id
    )
    own = FrozenPages(release, settings.base, plan.root)
    missing = Rewriter(plan, "404", plan.languages[0])
    html = missing.rewrite(client.get("doc/404", "", "text/html").body.decode(), own.foot(plan.languages[0]))
    moved, gone = _withdrawn(store, settings.base)
    files = {
        **host_files(plan.root, moved, gone),
        **dict(_sitemaps(client)),
        "search-index.json": index(store),
        "404.html": html.encode(),
    }
    for name, data in files.items():
        summary.size += write(stage, name, data)
        summary.files += 1
    return summary


def _assets() -> Iterator[tuple[str, Path]]:
    """Yields the static files, without the fonts of previews and the notes of the front-end build."""
    for path in sorted(STATIC.rglob("*")):
        name = path.relative_to(STATIC).as_posix()
        if path.is_file() and not name.startswith((f"{BUILT}/cards/", f"{BUILT}/problem.txt")):
            yield f"static/{name}", path


def _sitemaps(client: LocalClient) -> Iterator[tuple[str, bytes]]:
    """Yields the sitemap and its parts."""
    first = client.get("sitemap.xml").body
    yield "sitemap.xml", first
    for number in range(1, first.count(b"<sitemap>") + 1):
        yield f"sitemap-{number}.xml", client.get(f"sitemap-{number}.xml").body


def _withdrawn(store: Store, base: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the paths of merged entities with their new paths, and the paths of withdrawn entities."""
    site = Addresses(base)
    moved: dict[str, str] = {}
    gone: list[str] = []
    for iri, withdrawal in sorted(read_withdrawals(store).items()):
        path = unquote(site.local(iri).lstrip("/"))
        document = site.document(iri).removeprefix(base)
        if withdrawal.merged_into:
            target = site.document(withdrawal.merged_into).removeprefix(base)
            # Both the IRI of the entity and its document redirect.
            moved |= {path: target, document: target}
        else:
            gone += [path, document]
    return moved, tuple(gone)


def _reasons(summary: WriteSummary) -> tuple[str, ...]:
    return tuple(
        f"{why}{f' ({number} times)' if number > 1 else ''}" for why, number in sorted(summary.omitted.items())
    )


def _marker(frozen: FreezeResult, plan: Plan, release: Release) -> bytes:
    value = {
        "made_by": "citygraph freeze",
        "release": release.id,
        "site": plan.site,
        "languages": plan.languages,
        "forms": list(plan.forms),
        "files": frozen.files,
        "bytes": frozen.size,
        "pages": frozen.pages,
        "left_out": [*NOT_FROZEN, *frozen.omitted],
    }
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


_IN_PATHS = "/-._~"


def _site(address: str) -> str:
    if not is_web_address(address) or {"?", "#"} & set(address):
        raise UsageError(f"{address!r} is not the address of a site, such as https://example.org/cities")
    parts = urlsplit(address)
    path = unquote(parts.path, errors="replace").rstrip("/")
    if "//" in path or "\ufffd" in path:
        raise UsageError(f"the path of {address!r} has an empty part, or escapes that are not UTF-8")
    if any(one.isascii() and not (one.isalnum() or one in _IN_PATHS) for one in path):
        raise UsageError(f"the path of {address!r} has other signs than letters, digits and {' '.join(_IN_PATHS)}")
    # Links are URIs, in which letters beyond ASCII are escaped.
    return urlunsplit((parts.scheme, parts.netloc, quote(path, safe=_IN_PATHS), "", ""))


def parse_forms(text: str) -> tuple[str, ...]:
    """Parses a comma-separated list of formats. Raises UsageError for an unknown one."""
    forms = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown: Iterable[str] = [form for form in forms if form not in FORMS]
    if unknown or not forms:
        raise UsageError(f"--only takes {', '.join(FORMS)}; not {', '.join(unknown) or 'nothing'}")
    return forms


# Letters that a reader may type although no name has them: Latin, Greek, Cyrillic, and punctuation.
_TYPED = ((0x80, 0x250), (0x370, 0x530), (0x1E00, 0x2000), (0x2010, 0x2050))


def index(store: Store) -> bytes:
    """Returns the search index as JSON.

    For each entity, it has the path, the country (a path or ""), the names with search form, and the Wikidata items.
    """
    by_entity: dict[str, list[tuple[int, str, str, str]]] = {}
    quads = StoredQuads(store)
    for entity, text, language, preferred, folded in name_rows(quads):
        by_entity.setdefault(entity, []).append((-preferred, language, text, folded))
    countries, items = dict(_countries(store)), wikidata_items(quads)
    things = [
        [
            _path(entity),
            countries.get(entity, ""),
            [
                [text, language, -rank, "" if folded == text else folded]
                for rank, language, text, folded in sorted(set(entries))
            ],
            *([items[entity]] if entity in items else ()),
        ]
        for entity, entries in sorted(by_entity.items())
        if "#" not in entity
    ]
    texts = (text for entries in by_entity.values() for _, _, text, _ in entries)
    value = {"version": 1, "letters": letters(texts), "things": things}
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def letters(texts: Iterable[str]) -> dict[str, str]:
    """Returns the result of `text.fold` for each letter beyond ASCII, which is the folding table of the browser."""
    characters = {chr(code) for begin, end in _TYPED for code in range(begin, end)}
    for text in texts:
        if not text.isascii():
            characters.update(letter for letter in nfc(text) if letter >= "\x80")
    # Letters affect one another only through NFC, which the browser applies first, and through spaces.
    return {letter: _alone(letter) for letter in sorted(characters) if unicodedata.normalize("NFC", letter) == letter}


def _alone(letter: str) -> str:
    """Returns the folded form of a letter within a word: at the ends of a text, `fold` would strip its spaces."""
    return fold(f"x{letter}x")[1:-1]


def _countries(store: Store) -> Iterator[tuple[str, str]]:
    by_entity: dict[str, list[str]] = {}
    for quad in store.quads_for_pattern(None, CG("country"), None, DefaultGraph()):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
            by_entity.setdefault(quad.subject.value, []).append(_path(quad.object.value))
    return ((entity, min(paths)) for entity, paths in by_entity.items())


def _path(iri: str) -> str:
    return iri.partition(ENTITY)[2]
