"""The import of Wikidata's JSON dump as a source graph of the world: a stream, in constant memory, on all cores."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Semaphore
from typing import Any, Protocol

import zstandard
from pyoxigraph import Quad

from citygraph.errors import BadData, UsageError
from citygraph.rdf.terms import SOURCE
from citygraph.text import ALL_LANGUAGES, visible
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.dump_lines import Block, blocks, open_dump
from citygraph.wikidata.entity import read_entity, reduce_entity
from citygraph.wikidata.item_names import IriMinter, read_existing
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import HEAD_OF_GOVERNMENT, INSTANCE_OF, SUBCLASS_OF, TWINNED, Notice, countries_of
from citygraph.wikidata.source_file import SourceDescription, WrittenSource, write_source
from citygraph.wikidata.spool import ItemSpool, ProgressCounter
from citygraph.wikidata.world import LANGUAGES, Selection, World, name_items

SLUG = "wikidata"

_MOST_SHOWN = 20  # unreadable lines in an error
_QUEUED = 3  # chunks that wait for each worker: more would only fill the memory
# The id is near the beginning of a line since 2017, so that most lines need no parsing; older dumps are parsed whole.
_LINE_START = re.compile(rb'\{"type":"item","id":"(Q\d+)"')
_ENGLISH_ONLY = ("en", ALL_LANGUAGES)

_NO_ITEMS = frozenset({b"", b"[", b"]"})
_ID = re.compile(r"Q[1-9]\d*")


@dataclass(frozen=True)
class UnreadableItem:
    """A line of a dump that is not an item: `index` is its number in a block of lines, `place` that in the dump."""

    index: int
    text: str
    reason: str
    place: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}not an item, and left out: {self.text}… ({self.reason})"


ScanResult = tuple[str, str] | UnreadableItem  # id of an item and its reduced JSON, or the error
LineFilter = Callable[[Iterable[bytes]], list[ScanResult]]


class Engine(Protocol):
    """The interface of an engine: runs a line filter over a dump in parallel and yields the results in any order."""

    def scan(self, dump: str, line_filter: LineFilter) -> Iterator[ScanResult]:
        """Yields the filter's results. Raises BadData for a file that is not a dump."""


@dataclass(frozen=True)
class LocalEngine:
    """The engine for one machine: this process reads and splits the file, `workers` others parse (0: one per core)."""

    workers: int = 0
    progress: Callable[[str], None] = lambda _: None

    def scan(self, dump: str, line_filter: LineFilter) -> Iterator[ScanResult]:
        """Yields the filter's results for the dump's lines.

        Raises BadData for a file that is not a dump or is cut, UsageError for a missing file.
        """
        path = Path(dump)
        workers = self.workers or os.cpu_count() or 1
        try:
            with open_dump(path) as (stream, position):
                chunks = _with_progress(
                    blocks(stream), position, ProgressCounter("dump, MiB", path.stat().st_size >> 20, self.progress)
                )
                on_block = partial(_filter_block, line_filter)
                results = map(on_block, chunks) if workers == 1 else _in_parallel(on_block, chunks, workers)
                yield from chain.from_iterable(results)
        # Workers raise ValueError, because an error of ours would not survive pickling between processes.
        except (ValueError, EOFError, zstandard.ZstdError, zlib.error, gzip.BadGzipFile) as error:
            raise BadData(str(error), path.name) from None


def import_dump(
    dump: str,
    data: Callable[[], Iterable[Quad]],
    into: Path,
    *,
    retrieved: str,
    engine: Engine,
    languages: tuple[str, ...] = LANGUAGES,
    sha256: str = "",
) -> WrittenSource:
    """Writes the data of all twinned places in a JSON dump to the folder `into`, ready to build.

    `dump` is a file, or an address that the engine reads. `data` returns the quads of our data, whose IRIs are reused.
    `retrieved` is the time of the dump (ISO 8601, UTC), `sha256` its digest if known. A line that is not an item is
    left out and reported. Raises BadData for a file that is not a dump, is cut or has no twinned place, UsageError for
    a missing one; an older source is then kept.
    """
    with TemporaryDirectory(prefix="citygraph-") as folder, ItemSpool(Path(folder) / "items") as items:
        unreadable = _read_passes(dump, engine, items, retrieved)
        selection, _ = select(items)
        if not selection.places:
            raise BadData(_no_places(unreadable), Path(dump).name)
        graph = SOURCE(SLUG)
        world = World(items, selection, read_existing(data(), graph), graph, retrieved[:10], languages)
        namer = IriMinter(world.existing.used_iris)
        notices = [*(Notice("not-an-item", "", str(one)) for one in unreadable), *name_items(world, namer)]
        description = SourceDescription(
            slug=SLUG,
            of="",
            about=(),
            retrieved=retrieved,
            sha256=sha256 or digest_of(dump),
            languages=languages,
        )
        return write_source(into, description, map_world(world, namer), notices)


def select(items: ItemSpool) -> tuple[Selection, frozenset[str]]:
    """Returns the selection of items that a world consists of, and the classes of its places."""
    seeds = frozenset(qid for qid in items if items[qid].of(TWINNED))
    places = seeds | {q for seed in seeds for q in items[seed].links(TWINNED)}
    here = [items[place] for place in places if place in items]
    countries = frozenset(q for item in here for q in countries_of(item))
    people = frozenset(q for seed in seeds for q in items[seed].links(HEAD_OF_GOVERNMENT))
    classes = frozenset(q for item in here for q in item.links(INSTANCE_OF))
    return Selection(seeds, frozenset(places), countries, people), classes


def filter_twinned(lines: Iterable[bytes]) -> list[ScanResult]:
    """Returns the twinned items, reduced, and of classes and mayors' posts the English name."""
    items: list[ScanResult] = []
    for index, line in enumerate(lines):
        # Most lines are ruled out by their bytes, a hundred times faster than by reading their JSON.
        if b'"P190"' not in line and b'"P279"' not in line and b"ayor of " not in line:
            continue
        entity = _entity(line, index)
        if entity is None:
            continue
        if isinstance(entity, UnreadableItem):
            items.append(entity)
            continue
        claims = entity.get("claims") or {}
        if TWINNED in claims:
            items.append(_reduced(reduce_entity(entity)))
        elif _is_named_class(entity, claims):
            items.append(_reduced(_only_name(entity)))
    return items


def filter_items(lines: Iterable[bytes], qids: frozenset[str]) -> list[ScanResult]:
    """Returns the items with these ids, reduced."""
    items: list[ScanResult] = []
    for index, line in enumerate(lines):
        begin = _LINE_START.match(line)
        if begin and begin.group(1).decode() not in qids:
            continue
        entity = _entity(line, index)
        if isinstance(entity, UnreadableItem):
            items.append(entity)
        elif entity is not None and entity["id"] in qids:
            items.append(_reduced(reduce_entity(entity)))
    return items


def digest_of(dump: str) -> str:
    """Returns the SHA-256 of the file in hexadecimal, as Wikimedia publishes it for its dumps.

    Raises UsageError for a file that is not on this machine.
    """
    if not Path(dump).is_file():
        raise UsageError(f"{dump} is not a file on this machine: give its SHA-256")
    with Path(dump).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_places(unreadable: list[UnreadableItem]) -> str:
    faults = "".join(f"\n{one}" for one in unreadable[:_MOST_SHOWN])
    return f"0 places with a sister city (P190): no source is written{faults}"


def _read_passes(dump: str, engine: Engine, items: ItemSpool, retrieved: str) -> list[UnreadableItem]:
    """Reads the dump twice: for the twinned items, and for the items that they name; returns what cannot be read.

    A third pass is needed only for a country in which there are only partners.
    """
    # A line may be read in each pass.
    unreadable: dict[UnreadableItem, None] = {}
    whole = _keep(engine.scan(dump, filter_twinned), items, retrieved, unreadable)
    selection, classes = select(items)
    # Of a class the name is enough; a place that looks like a class, of which only the name was kept, is read again.
    missing = (selection.places | selection.countries | selection.people | (classes - set(items))) - whole
    while missing:
        _keep(engine.scan(dump, partial(filter_items, qids=missing)), items, retrieved, unreadable)
        whole |= missing
        missing = select(items)[0].countries - whole
    return list(unreadable)


def _keep(
    results: Iterable[ScanResult], items: ItemSpool, retrieved: str, unreadable: dict[UnreadableItem, None]
) -> frozenset[str]:
    """Puts results into the spool; returns the ids of the items that were kept whole, not by name only."""
    whole = set()
    for result in results:
        if isinstance(result, UnreadableItem):
            unreadable[result] = None
            continue
        qid, text = result
        entity = json.loads(text)
        items.put(read_entity(entity, retrieved))
        if entity["claims"]:
            whole.add(qid)
    return frozenset(whole)


def _is_named_class(entity: dict[str, Any], claims: dict[str, Any]) -> bool:
    label = read_entity(_only_name(entity)).label("en")
    is_class = SUBCLASS_OF in claims and kinds.is_telling(entity["id"], label)
    return is_class or bool(kinds.place_of_mayor(label))


def _only_name(entity: dict[str, Any]) -> dict[str, Any]:
    return reduce_entity({**entity, "claims": {}, "aliases": {}}, _ENGLISH_ONLY)


def _reduced(entity: dict[str, Any]) -> ScanResult:
    return entity["id"], json.dumps(entity, ensure_ascii=False)


def _entity(line: bytes, index: int) -> dict[str, Any] | UnreadableItem | None:
    """Returns the item on a line; None for brackets, properties and lexemes."""
    text = line.strip().removeprefix(BOM_UTF8).removesuffix(b",")
    if text in _NO_ITEMS:
        return None
    try:
        entity = json.loads(text)
        if entity.get("type") != "item":
            return None
        if not _ID.fullmatch(str(entity["id"])):
            raise ValueError(f"the id is {entity['id']!r}")
        # The item is only read to find errors here, where the line is known.
        read_entity(reduce_entity(entity))
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        return UnreadableItem(index, visible(text[:80].decode(errors="replace")), repr(error))
    return dict(entity)


def _filter_block(line_filter: LineFilter, block: Block) -> list[ScanResult]:
    """Returns the filter's results, with the place in the dump of each item that cannot be read."""
    return [
        replace(one, place=f"{block.unit} {block.first + one.index}") if isinstance(one, UnreadableItem) else one
        for one in line_filter(block.lines)
    ]


def _with_progress(chunks: Iterator[Block], position: Callable[[], int], pace: ProgressCounter) -> Iterator[Block]:
    done = 0
    for chunk in chunks:
        yield chunk
        read = position() >> 20
        pace.advance(read - done)
        done = read


def _in_parallel(
    filter_block: Callable[[Block], list[ScanResult]], chunks: Iterator[Block], workers: int
) -> Iterator[list[ScanResult]]:
    """Yields results in any order. A pool takes all its input at once, so a semaphore limits the reader."""
    free = Semaphore(workers * _QUEUED)
    stopped = Event()

    def throttled() -> Iterator[Block]:
        for chunk in chunks:
            free.acquire()
            if stopped.is_set():
                return
            yield chunk

    with get_context("spawn").Pool(workers) as pool:
        try:
            for result in pool.imap_unordered(filter_block, throttled()):
                free.release()
                yield result
        finally:
            # Otherwise the reading thread would wait forever for a free place, and the pool for that thread.
            stopped.set()
            free.release()
