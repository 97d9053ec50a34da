"""The import of Wikidata's JSON dump as a source graph of the world: a stream, in constant memory, on all cores."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Semaphore
from typing import IO, Any, Protocol

import zstandard
from pyoxigraph import Quad

from citygraph.errors import BadData, UsageError
from citygraph.rdf.terms import SOURCE
from citygraph.text import ALL_LANGUAGES
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.entity import read_entity, reduce_entity
from citygraph.wikidata.item_names import IriMinter, read_existing
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import HEAD_OF_GOVERNMENT, INSTANCE_OF, SUBCLASS_OF, TWINNED, countries_of
from citygraph.wikidata.source_file import SourceDescription, WrittenSource, write_source
from citygraph.wikidata.spool import ItemSpool, ProgressCounter
from citygraph.wikidata.world import LANGUAGES, Selection, World, name_items

SLUG = "wikidata"

_CHUNK = 1 << 20  # bytes of lines that one worker gets at a time
_QUEUED = 3  # chunks that wait for each worker: more would only fill the memory
# The id is near the beginning of a line since 2017, so that most lines need no parsing; older dumps are parsed whole.
_LINE_START = re.compile(rb'\{"type":"item","id":"(Q\d+)"')
_ENGLISH_ONLY = ("en", ALL_LANGUAGES)

ReducedItems = list[tuple[str, str]]  # id of an item, and its reduced JSON
LineFilter = Callable[[Iterable[bytes]], ReducedItems]


class Engine(Protocol):
    """The interface of an engine: runs a line filter over a dump in parallel and yields the results in any order."""

    def scan(self, dump: str, line_filter: LineFilter) -> Iterator[tuple[str, str]]:
        """Yields the filter's results. Raises BadData for a file that is not a dump."""


@dataclass(frozen=True)
class LocalEngine:
    """The engine for one machine: this process reads and splits the file, `workers` others parse (0: one per core)."""

    workers: int = 0
    progress: Callable[[str], None] = lambda _: None

    def scan(self, dump: str, line_filter: LineFilter) -> Iterator[tuple[str, str]]:
        """Yields the filter's results for the dump's lines.

        Raises BadData for a file that is not a dump or is cut, UsageError for a missing file.
        """
        path = Path(dump)
        workers = self.workers or os.cpu_count() or 1
        try:
            with open_dump(path) as (stream, position):
                chunks = _with_progress(
                    _chunks(stream), position, ProgressCounter("dump: MiB", path.stat().st_size >> 20, self.progress)
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
    `retrieved` is the time of the dump (ISO 8601, UTC), `sha256` its digest if known. Raises BadData for a file that is
    not a dump, UsageError for a missing one.
    """
    with TemporaryDirectory(prefix="citygraph-") as folder, ItemSpool(Path(folder) / "items") as items:
        _read_passes(dump, engine, items, retrieved)
        selection, _ = select(items)
        graph = SOURCE(SLUG)
        world = World(items, selection, read_existing(data(), graph), graph, retrieved[:10], languages)
        namer = IriMinter(world.existing.taken)
        notices = list(name_items(world, namer))
        description = SourceDescription(
            slug=SLUG,
            of=("the world", "dünya"),
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


def filter_twinned(lines: Iterable[bytes]) -> ReducedItems:
    """Returns the twinned items, reduced, and of classes and mayors' posts the English name."""
    items = []
    for line in lines:
        # Most lines are ruled out by their bytes, a hundred times faster than by reading their JSON.
        if b'"P190"' not in line and b'"P279"' not in line and b"ayor of " not in line:
            continue
        entity = _entity(line)
        if entity is None:
            continue
        claims = entity.get("claims") or {}
        if TWINNED in claims:
            items.append(_reduced(reduce_entity(entity)))
        elif _is_named_class(entity, claims):
            items.append(_reduced(_only_name(entity)))
    return items


def filter_items(lines: Iterable[bytes], qids: frozenset[str]) -> ReducedItems:
    """Returns the items with these ids, reduced."""
    items = []
    for line in lines:
        begin = _LINE_START.match(line)
        if begin and begin.group(1).decode() not in qids:
            continue
        entity = _entity(line)
        if entity is not None and entity["id"] in qids:
            items.append(_reduced(reduce_entity(entity)))
    return items


@contextmanager
def open_dump(dump: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Opens a dump, decompressed by its suffix; yields the stream and a function for the bytes of the file read so far.

    Raises UsageError for a missing file, or a suffix other than .json, .gz, .bz2 or .zst.
    """
    if not dump.is_file():
        raise UsageError(f"{dump}: no such file")
    with dump.open("rb") as raw:
        stream: Any
        match dump.suffix:
            case ".gz":
                stream = gzip.GzipFile(fileobj=raw)
            case ".bz2":
                stream = bz2.BZ2File(raw)
            case ".zst":
                # Parallel compressors write several frames, and reading would end after the first.
                stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            case ".json":
                stream = raw
            case _:
                raise UsageError(f"{dump}: the name of a dump ends in .json, .json.gz, .json.bz2 or .json.zst")
        # Progress counts bytes of the file, because the decompressed size is unknown.
        yield stream, raw.tell


def digest_of(dump: str) -> str:
    """Returns the SHA-256 of the file in hexadecimal, as Wikimedia publishes it for its dumps.

    Raises UsageError for a file that is not on this machine.
    """
    if not Path(dump).is_file():
        raise UsageError(f"{dump} is not a file on this machine: give its SHA-256")
    with Path(dump).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_passes(dump: str, engine: Engine, items: ItemSpool, retrieved: str) -> None:
    """Reads the dump twice: for the twinned items, and for the items that they name.

    A third pass is needed only for a country in which there are only partners.
    """
    whole = _keep(engine.scan(dump, filter_twinned), items, retrieved)
    selection, classes = select(items)
    # Of a class the name is enough; a place that looks like a class, of which only the name was kept, is read again.
    missing = (selection.places | selection.countries | selection.people | (classes - set(items))) - whole
    while missing:
        _keep(engine.scan(dump, partial(filter_items, qids=missing)), items, retrieved)
        whole |= missing
        missing = select(items)[0].countries - whole


def _keep(results: Iterable[tuple[str, str]], items: ItemSpool, retrieved: str) -> frozenset[str]:
    """Puts results into the spool; returns the ids of the items that were kept whole, not by name only."""
    whole = set()
    for qid, text in results:
        entity = json.loads(text)
        items.put(read_entity(entity, retrieved))
        if entity["claims"]:
            whole.add(qid)
    return frozenset(whole)


def _is_named_class(entity: dict[str, Any], claims: dict[str, Any]) -> bool:
    label = read_entity(_only_name(entity)).label("en")
    is_class = SUBCLASS_OF in claims and kinds.kind_of_class(entity["id"], label) is not None
    return is_class or bool(kinds.place_of_mayor(label))


def _only_name(entity: dict[str, Any]) -> dict[str, Any]:
    return reduce_entity({**entity, "claims": {}, "aliases": {}}, _ENGLISH_ONLY)


def _reduced(entity: dict[str, Any]) -> tuple[str, str]:
    return entity["id"], json.dumps(entity, ensure_ascii=False)


def _entity(line: bytes) -> dict[str, Any] | None:
    """Returns the item on a line; None for brackets, properties and lexemes. Raises ValueError."""
    text = line.strip().removesuffix(b",")
    if not text.startswith(b"{"):
        return None
    try:
        entity = json.loads(text)
        if entity.get("type") != "item":
            return None
        # The item is only read to find errors here, where the line is known.
        read_entity(reduce_entity(entity))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an entity: {text[:80].decode(errors='replace')}… ({error!r})") from None
    return dict(entity)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yields blocks of whole lines. Raises ValueError if the end of the list is missing."""
    rest = b""
    begin = end = b""
    while block := stream.read(_CHUNK):
        whole, newline, tail = block.rpartition(b"\n")
        if not newline:
            rest += block
            continue
        chunk, rest = rest + whole, tail
        begin = begin or chunk[:2].strip()
        end = chunk.rpartition(b"\n")[2].strip() or end
        yield chunk
    if rest:
        yield rest
    # An archive that was cut between two compressed blocks decompresses without an error.
    end = rest.strip() or end
    if not end or (begin == b"[" and end != b"]"):
        raise ValueError("the dump is cut: its list has no end")


def _filter_block(line_filter: LineFilter, block: bytes) -> ReducedItems:
    return line_filter(block.split(b"\n"))


def _with_progress(chunks: Iterator[bytes], position: Callable[[], int], pace: ProgressCounter) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        yield chunk
        read = position() >> 20
        pace.advance(read - done)
        done = read


def _in_parallel(
    filter_block: Callable[[bytes], ReducedItems], chunks: Iterator[bytes], workers: int
) -> Iterator[ReducedItems]:
    """Yields results in any order. A pool takes all its input at once, so a semaphore limits the reader."""
    free = Semaphore(workers * _QUEUED)
    stopped = Event()

    def throttled() -> Iterator[bytes]:
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
