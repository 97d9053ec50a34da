"""From Wikidata's JSON dump to a source graph of the world: a stream, in constant memory, on all cores."""

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
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.entity import read_entity, reduce_entity
from citygraph.wikidata.item_names import Namer, read_known
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import HEAD_OF_GOVERNMENT, INSTANCE_OF, SUBCLASS_OF, TWINNED, countries_of
from citygraph.wikidata.source_file import Description, Written, write_source
from citygraph.wikidata.spool import Pace, Spool
from citygraph.wikidata.world import LANGUAGES, Selection, World, name_items

SLUG = "wikidata"

_CHUNK = 1 << 20  # bytes of lines that one worker gets at a time
_WAITING = 3  # chunks that wait for each worker: more would only fill the memory
# An item's id stands near the beginning of its line since 2017; older dumps are read whole.
_BEGIN = re.compile(rb'\{"type":"item","id":"(Q\d+)"')
_ENGLISH_ONLY = ("en",)

Kept = list[tuple[str, str]]  # id of an item, and what is kept of its JSON
Glance = Callable[[Iterable[bytes]], Kept]


class Engine(Protocol):
    """Runs a glance over all lines of a dump, in parallel, and yields what it keeps in any order."""

    def scan(self, dump: str, glance: Glance) -> Iterator[tuple[str, str]]:
        """Yield what the glance keeps of the dump's lines. Raises BadData for a file that is no dump."""


@dataclass(frozen=True)
class LocalEngine:
    """All cores of this machine; the parent reads and splits the file. `workers` of 0 is one for each core."""

    workers: int = 0
    tell: Callable[[str], None] = lambda _: None

    def scan(self, dump: str, glance: Glance) -> Iterator[tuple[str, str]]:
        """Yield what the glance keeps of the dump's lines.

        Raises BadData for a file that is no dump or is cut, UsageError for one that is not there.
        """
        path = Path(dump)
        workers = self.workers or os.cpu_count() or 1
        try:
            with open_dump(path) as (stream, position):
                chunks = _told(_chunks(stream), position, Pace("dump: MiB", path.stat().st_size >> 20, self.tell))
                at_block = partial(_at_block, glance)
                kept = map(at_block, chunks) if workers == 1 else _in_parallel(at_block, chunks, workers)
                yield from chain.from_iterable(kept)
        # A worker's error crosses a process: only a plain one arrives whole.
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
) -> Written:
    """Write what a JSON dump says of all twinned places to the folder `into`, ready to build.

    `dump` is a file, or an address that the engine reads; `data` gives the quads of our data (whose IRIs are
    kept), `retrieved` is the time of the dump (ISO 8601, UTC), `sha256` its digest where that is known.
    Raises BadData for a file that is no dump, UsageError for one that is not there.
    """
    with TemporaryDirectory(prefix="citygraph-") as folder, Spool(Path(folder) / "items") as items:
        _read_passes(dump, engine, items, retrieved)
        selection, _ = select(items)
        graph = SOURCE(SLUG)
        world = World(items, selection, read_known(data(), graph), graph, retrieved[:10], languages)
        namer = Namer(world.known.taken)
        findings = list(name_items(world, namer))
        description = Description(
            slug=SLUG,
            of=("the world", "dünya"),
            about=(),
            retrieved=retrieved,
            sha256=sha256 or digest_of(dump),
            languages=languages,
        )
        return write_source(into, description, map_world(world, namer), findings)


def select(items: Spool) -> tuple[Selection, frozenset[str]]:
    """Which of the items a world is made of, and the classes of its places, whether they are there or not."""
    seeds = frozenset(qid for qid in items if items[qid].of(TWINNED))
    places = seeds | {q for seed in seeds for q in items[seed].links(TWINNED)}
    here = [items[place] for place in places if place in items]
    countries = frozenset(q for item in here for q in countries_of(item))
    people = frozenset(q for seed in seeds for q in items[seed].links(HEAD_OF_GOVERNMENT))
    classes = frozenset(q for item in here for q in item.links(INSTANCE_OF))
    return Selection(seeds, frozenset(places), countries, people), classes


def first_glance(lines: Iterable[bytes]) -> Kept:
    """Of each line that is a twinned item, all we read; of a class or a mayor's post, its English name."""
    kept = []
    for line in lines:
        # Most lines are ruled out by their bytes, a hundred times faster than by reading their JSON.
        if b'"P190"' not in line and b'"P279"' not in line and b"ayor of " not in line:
            continue
        entity = _entity(line)
        if entity is None:
            continue
        claims = entity.get("claims") or {}
        if TWINNED in claims:
            kept.append(_kept(reduce_entity(entity)))
        elif _is_named_class(entity, claims):
            kept.append(_kept(_only_name(entity)))
    return kept


def next_glance(lines: Iterable[bytes], wanted: frozenset[str]) -> Kept:
    """Of each line whose item is wanted, all we read."""
    kept = []
    for line in lines:
        begin = _BEGIN.match(line)
        if begin and begin.group(1).decode() not in wanted:
            continue
        entity = _entity(line)
        if entity is not None and entity["id"] in wanted:
            kept.append(_kept(reduce_entity(entity)))
    return kept


@contextmanager
def open_dump(dump: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """The text of a dump, unpacked by the file's ending, and how many of the file's bytes were read so far.

    Raises UsageError for a missing file, or an ending that is not .json, .gz, .bz2 or .zst.
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
                stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            case ".json":
                stream = raw
            case _:
                raise UsageError(f"{dump}: a dump ends in .json, .json.gz, .json.bz2 or .json.zst")
        yield stream, raw.tell


def digest_of(dump: str) -> str:
    """The SHA-256 of the file, in hexadecimal: Wikimedia publishes those of its dumps.

    Raises UsageError for a file that is not on this machine.
    """
    if not Path(dump).is_file():
        raise UsageError(f"{dump} is not on this machine: give its SHA-256")
    with Path(dump).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_passes(dump: str, engine: Engine, items: Spool, retrieved: str) -> None:
    """Twice over the dump: which items are twinned, then the items that they name.

    A third time only for a country in which nothing but partners lie.
    """
    whole = _keep(engine.scan(dump, first_glance), items, retrieved)
    selection, classes = select(items)
    # A class whose name is kept need not be read again; a place that looks like a class must.
    wanted = (selection.places | selection.countries | selection.people | (classes - set(items))) - whole
    while wanted:
        _keep(engine.scan(dump, partial(next_glance, wanted=wanted)), items, retrieved)
        whole |= wanted
        wanted = select(items)[0].countries - whole


def _keep(found: Iterable[tuple[str, str]], items: Spool, retrieved: str) -> frozenset[str]:
    """Put what was found into the spool; answers the items that were kept whole, not by name only."""
    whole = set()
    for qid, text in found:
        entity = json.loads(text)
        items.put_entity(qid, entity | {"retrieved": retrieved})
        if entity["claims"]:
            whole.add(qid)
    return frozenset(whole)


def _is_named_class(entity: dict[str, Any], claims: dict[str, Any]) -> bool:
    label = _only_name(entity)["labels"].get("en", {}).get("value", "")
    is_class = SUBCLASS_OF in claims and kinds.kind_of_class(entity["id"], label) is not None
    return is_class or bool(kinds.place_of_mayor(label))


def _only_name(entity: dict[str, Any]) -> dict[str, Any]:
    return reduce_entity({**entity, "claims": {}, "aliases": {}}, _ENGLISH_ONLY)


def _kept(entity: dict[str, Any]) -> tuple[str, str]:
    return entity["id"], json.dumps(entity, ensure_ascii=False)


def _entity(line: bytes) -> dict[str, Any] | None:
    """The item on a line; brackets of the list, properties and lexemes are none. Raises ValueError."""
    text = line.strip().removesuffix(b",")
    if not text.startswith(b"{"):
        return None
    try:
        entity = json.loads(text)
        if entity.get("type") != "item":
            return None
        read_entity(reduce_entity(entity))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no entity: {text[:80].decode(errors='replace')}… ({error!r})") from None
    return dict(entity)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Blocks of whole lines. Raises ValueError if the list that was begun has no end."""
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
    # An archive that was cut between two blocks unpacks without an error.
    end = rest.strip() or end
    if not end or (begin == b"[" and end != b"]"):
        raise ValueError("the dump is cut: its list has no end")


def _at_block(glance: Glance, block: bytes) -> Kept:
    return glance(block.split(b"\n"))


def _told(chunks: Iterator[bytes], position: Callable[[], int], pace: Pace) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        yield chunk
        read = position() >> 20
        pace.advance(read - done)
        done = read


def _in_parallel(glance: Callable[[bytes], Kept], chunks: Iterator[bytes], workers: int) -> Iterator[Kept]:
    """Results in any order. A pool takes all its input at once, so a semaphore holds the reader back."""
    free = Semaphore(workers * _WAITING)
    stopped = Event()

    def held_back() -> Iterator[bytes]:
        for chunk in chunks:
            free.acquire()
            if stopped.is_set():
                return
            yield chunk

    with get_context("spawn").Pool(workers) as pool:
        try:
            for kept in pool.imap_unordered(glance, held_back()):
                free.release()
                yield kept
        finally:
            # Otherwise the thread that reads would wait for ever, and the pool for it.
            stopped.set()
            free.release()
