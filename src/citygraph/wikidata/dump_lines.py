"""The lines of a dump: its packing, its form and its numbered blocks. Each line has one item.

Wikimedia's dumps are lists with an item on each line. Other forms of Wikidata's JSON are small, and are read as a
whole: the response of Special:EntityData, a list on one line, and text that was indented.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

import zstandard

from citygraph.errors import UsageError
from citygraph.source.reading import check_file

_CHUNK = 1 << 20  # bytes of lines that one worker gets at a time
_HEAD = 1 << 16  # bytes by which a form is recognised
_LARGEST = 256 << 20  # bytes of a text that is read as a whole
_ENTITIES = re.compile(rb'^\{[^{}\[\]]{0,200}"entities"\s*:\s*\{')
_SUFFIXES = ".json, .ndjson, .json.gz, .json.bz2 or .json.zst"


@dataclass(frozen=True)
class Block:
    """Complete lines; `first` is the number of the first, and `unit` the counted unit: "line" or "item"."""

    first: int
    lines: tuple[bytes, ...]
    unit: str = "line"


@contextmanager
def open_dump(dump: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Opens a dump, decompressed by its suffix; yields the stream and a function for the bytes of the file read so far.

    Raises UsageError for a missing file, or a suffix that is not that of a dump.
    """
    check_file(dump)
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
            case ".json" | ".ndjson" | ".jsonl":
                stream = raw
            case _:
                raise UsageError(f"{dump}: the name of a dump ends in {_SUFFIXES}")
        # Progress counts bytes of the file, because the decompressed size is unknown.
        yield stream, raw.tell


def blocks(stream: IO[bytes]) -> Iterator[Block]:
    """Yields the lines of a dump in blocks. Raises ValueError if the dump is cut, or is not JSON."""
    head = stream.read(_HEAD).removeprefix(codecs.BOM_UTF8)
    if not _has_item_on_each_line(head):
        yield Block(1, tuple(json.dumps(item).encode() for item in _whole(head, stream)), "item")
        return
    first = 1
    for chunk in _chunks(head, stream):
        lines = tuple(chunk.split(b"\n"))
        yield Block(first, lines)
        first += len(lines)


def _has_item_on_each_line(head: bytes) -> bool:
    text = head.lstrip()
    if text.startswith(b"["):
        after, _, text = text[1:].partition(b"\n")
        if after.strip():
            return False
        text = text.lstrip()
    if _ENTITIES.match(text):
        return False
    line, newline, _ = text.partition(b"\n")
    # The end of a long line is not in the head.
    return not newline or not line.startswith(b"{") or line.strip().removesuffix(b",").endswith(b"}")


def _whole(head: bytes, stream: IO[bytes]) -> list[Any]:
    """Returns the items of a text that is one JSON value."""
    text = head + stream.read(_LARGEST)
    if len(text) > _LARGEST:
        raise ValueError(f"JSON without an item on each line may have {_LARGEST >> 20} MiB: write a line for each item")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the JSON cannot be read, perhaps because it is cut: {error}") from None
    if isinstance(value, dict):
        entities = value.get("entities")
        value = list(entities.values()) if isinstance(entities, dict) else [value]
    return list(value) if isinstance(value, list) else []


def _chunks(head: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """Yields whole lines, without the last line end. Raises ValueError if the end is missing."""
    rest = b""
    begin = end = b""
    for block in chain([head] if head else [], iter(lambda: stream.read(_CHUNK), b"")):
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
    is_list = begin == b"["
    if not end or (is_list and end != b"]") or (not is_list and not end.removesuffix(b",").endswith(b"}")):
        raise ValueError("the dump is cut: its list has no end" if is_list else "the dump is cut, or is not JSON")
