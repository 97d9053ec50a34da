"""The flow: crawl our own pages from the sitemap, write each as files, and put the whole in its place at once."""

from __future__ import annotations

import json
import multiprocessing
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyoxigraph import DefaultGraph, NamedNode, Store

from citygraph.build.feeds import addresses
from citygraph.errors import UsageError
from citygraph.freeze.folder import MARKER, check_target, copy, staged, write
from citygraph.freeze.host_files import host_files
from citygraph.freeze.local_client import Door
from citygraph.freeze.page_writer import FrozenPages, Tally, batches, writer
from citygraph.freeze.plan import FORMS, STAND_INS, Plan, Rewriter
from citygraph.graph.withdrawals import read_withdrawals
from citygraph.index.facts import ENTITY
from citygraph.index.names import names
from citygraph.progress import Progress
from citygraph.rdf.terms import CG
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.text import fold, nfc
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.assets import BUILT, STATIC
from citygraph.web.http.negotiation import LANGUAGES

_FIRST_PAGES = ("explore", "network", "about", "api", "cite", "shapes", "ontology/shapes", *STAND_INS)
_FIRST_FILES = (
    "robots.txt", "context.jsonld", "feed.xml", "feed/ldes.ttl", ".well-known/void", "releases.json", "releases.ttl",
    "queries.json",
)  # fmt: skip
# What no file can do; told at the end, and in the marker.
NOT_FROZEN = (
    "SPARQL, reconciliation and writing: they need a server",
    "other days (?at=), histories, filters, sorting by a link, other views (?_profile=), queries with other values",
    "the pages of earlier releases; those releases themselves and what changed between them are listed",
    "content negotiation and 303 where the host cannot: see _redirects, .htaccess and nginx.conf in the folder",
)


@dataclass(frozen=True)
class Order:
    """What is to be frozen: to which folder, for which address, in which forms, by how many processes."""

    folder: Path
    site: str = "http://localhost:8000"
    forms: tuple[str, ...] = FORMS
    jobs: int = 1
    force: bool = False


@dataclass(frozen=True)
class Frozen:
    """What was written: files, bytes, pages, and what was left out for which reason."""

    files: int
    size: int
    pages: int
    left: tuple[str, ...]


def freeze(settings: Settings, order: Order, progress: Progress) -> Frozen:
    """Write the current release's site to a folder. Raises UsageError for a folder that must not be replaced."""
    site = _site(order.site)
    check_target(order.folder, order.force, (Path.cwd(), settings.releases, settings.data, settings.ontology))
    release = Releases(settings.releases).current()
    forms = tuple(form for form in FORMS if form in order.forms)
    plan = Plan(site, LANGUAGES, forms, frozenset(release.manifest.outputs))
    with staged(order.folder) as stage:
        tally, pages = _crawl(settings, plan, release, stage, order.jobs, progress)
        with progress.step("files") as step:
            tally.add(_beside(settings, plan, release, stage))
            tally.add(writer(settings, plan, release.id, stage).files(sorted(tally.needed | _first_files(release))))
            step.result = f"{tally.files:,} files, {tally.size / 1e6:,.1f} MB"
        frozen = Frozen(tally.files, tally.size, pages, _reasons(tally))
        write(stage, MARKER, _marker(frozen, plan, release))
    return frozen


def _crawl(
    settings: Settings, plan: Plan, release: Release, stage: Path, jobs: int, progress: Progress
) -> tuple[Tally, int]:
    """Write all pages: those of the sitemap, and all that these lead to."""
    whole = Tally()
    waiting = [path for path in (*addresses(release.open_store()), *_FIRST_PAGES) if path not in STAND_INS]
    waiting += STAND_INS
    seen = set(waiting)
    done = 0
    with progress.step("pages") as step:
        while waiting:
            for tally, count in _written(settings, plan, release, stage, jobs, sorted(set(waiting))):
                done += count
                whole.add(tally)
                step.result = f"{done:,} of {len(seen):,} pages, {whole.files:,} files"
                progress.moved(step)
            waiting = sorted(whole.pages - seen)
            seen |= whole.pages
            whole.pages.clear()
    return whole, done


def _written(
    settings: Settings, plan: Plan, release: Release, stage: Path, jobs: int, paths: list[str]
) -> Iterator[tuple[Tally, int]]:
    """The pages, a batch at a time, by as many processes."""
    parts = list(batches(paths))
    if jobs < 2 or len(parts) < 2:
        for part in parts:
            yield _pages(settings, plan, release.id, stage, part), len(part)
        return
    # A fresh interpreter each: the store's threads do not survive a fork.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = [(pool.submit(_pages, settings, plan, release.id, stage, part), len(part)) for part in parts]
        for future, count in futures:
            yield future.result(), count


def _pages(settings: Settings, plan: Plan, release_id: str, stage: Path, paths: list[str]) -> Tally:
    return writer(settings, plan, release_id, stage).pages(paths)


def _first_files(release: Release) -> set[str]:
    return {*_FIRST_FILES, *release.manifest.outputs}


def _beside(settings: Settings, plan: Plan, release: Release, stage: Path) -> Tally:
    """What is no answer to one address: assets, the search index, the sitemap, the page for errors, hosts' files."""
    tally = Tally()
    store = release.open_store()
    for name, source in _assets():
        tally.size += copy(stage, name, source)
        tally.files += 1
    releases = Releases(settings.releases)
    door = Door(create_app(settings.with_changes(cache_size=0, held_quads=0), releases).wsgi_app, plan.site, release.id)
    own = FrozenPages(release, settings.base, plan.root)
    missing = Rewriter(plan, "404", plan.languages[0])
    html = missing.rewrite(door.get("doc/404", "", "text/html").body.decode(), own.foot(plan.languages[0]))
    moved, gone = _withdrawn(store, settings.base)
    made = {
        **host_files(plan.root, moved, gone),
        **dict(_sitemaps(door)),
        "search-index.json": index(store),
        "404.html": html.encode(),
    }
    for name, data in made.items():
        tally.size += write(stage, name, data)
        tally.files += 1
    return tally


def _assets() -> Iterator[tuple[str, Path]]:
    """The static files; fonts of previews and notes of the build are the server's own."""
    for path in sorted(STATIC.rglob("*")):
        name = path.relative_to(STATIC).as_posix()
        if path.is_file() and not name.startswith((f"{BUILT}/cards/", f"{BUILT}/problem.txt")):
            yield f"static/{name}", path


def _sitemaps(door: Door) -> Iterator[tuple[str, bytes]]:
    """The sitemap, and its parts if it has any."""
    first = door.get("sitemap.xml").body
    yield "sitemap.xml", first
    for number in range(1, first.count(b"<sitemap>") + 1):
        yield f"sitemap-{number}.xml", door.get(f"sitemap-{number}.xml").body


def _withdrawn(store: Store, base: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Paths of what was merged with what they became, and paths of what was withdrawn."""
    site = Addresses(base)
    moved: dict[str, str] = {}
    gone: list[str] = []
    for iri, stone in sorted(read_withdrawals(store).items()):
        path = unquote(site.local(iri).lstrip("/"))
        document = site.document(iri).removeprefix(base)
        if stone.merged_into:
            target = site.document(stone.merged_into).removeprefix(base)
            moved |= {path: target, document: target}
        else:
            gone += [path, document]
    return moved, tuple(gone)


def _reasons(tally: Tally) -> tuple[str, ...]:
    return tuple(f"{why}{f' ({number} times)' if number > 1 else ''}" for why, number in sorted(tally.left.items()))


def _marker(frozen: Frozen, plan: Plan, release: Release) -> bytes:
    value = {
        "made_by": "citygraph freeze", "release": release.id, "site": plan.site, "languages": plan.languages,
        "forms": list(plan.forms), "files": frozen.files, "bytes": frozen.size, "pages": frozen.pages,
        "left_out": [*NOT_FROZEN, *frozen.left],
    }  # fmt: skip
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _site(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{address!r} is no address of a site, such as https://example.org/cities")
    return address.rstrip("/")


def known_forms(text: str) -> tuple[str, ...]:
    """Forms from a list with commas. Raises UsageError for one that there is not."""
    forms = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown: Iterable[str] = [form for form in forms if form not in FORMS]
    if unknown or not forms:
        raise UsageError(f"--only takes {', '.join(FORMS)}; not {', '.join(unknown) or 'nothing'}")
    return forms


# Letters that somebody may type although no name has them: Latin, Greek, Cyrillic, and what stands between words.
_TYPED = ((0x80, 0x250), (0x370, 0x530), (0x1E00, 0x2000), (0x2010, 0x2050))


def index(store: Store) -> bytes:
    """The index as JSON: `things` are path, country (a path or ""), and names with language, rank and search form."""
    found: dict[str, list[tuple[int, str, str, str]]] = {}
    for entity, text, language, preferred, folded in names(store):
        found.setdefault(entity, []).append((-preferred, language, text, folded))
    countries = dict(_countries(store))
    things = [
        [_path(entity), countries.get(entity, ""), [[text, language, -rank, "" if folded == text else folded]
                                                     for rank, language, text, folded in sorted(set(said))]]
        for entity, said in sorted(found.items()) if "#" not in entity
    ]  # fmt: skip
    texts = (text for said in found.values() for _, _, text, _ in said)
    value = {"version": 1, "letters": letters(texts), "things": things}
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def letters(texts: Iterable[str]) -> dict[str, str]:
    """What becomes of each letter beyond ASCII in `text.fold`, which goes letter by letter: the browser's own table."""
    known = {chr(code) for begin, end in _TYPED for code in range(begin, end)}
    for text in texts:
        if not text.isascii():
            known.update(letter for letter in nfc(text) if letter >= "\x80")
    # A letter folds with its neighbours only through NFC, which the browser does first, and through spaces.
    return {letter: _alone(letter) for letter in sorted(known) if unicodedata.normalize("NFC", letter) == letter}


def _alone(letter: str) -> str:
    """The form of a letter between two others, with its spaces."""
    return fold(f"x{letter}x")[1:-1]


def _countries(store: Store) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for quad in store.quads_for_pattern(None, CG("country"), None, DefaultGraph()):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
            found.setdefault(quad.subject.value, []).append(_path(quad.object.value))
    return ((entity, min(paths)) for entity, paths in found.items())


def _path(iri: str) -> str:
    return iri.partition(ENTITY)[2]
