"""The board on which engine processes write what they are doing, in memory that their nursery shares.

An engine writes only its own slot and the nursery only reads, so there is no lock: the state is written last when a
query begins and first when it ends.
"""

from __future__ import annotations

import mmap
import struct
import time
from dataclasses import dataclass

STARTING = 0
IDLE = 1
RUNNING = 2

_TEXT_KEPT = 4096
# state, queries answered, start, query id, client, length of the text kept
_SLOT = struct.Struct("<BxxxId32s64sI")
_QUERIES = struct.Struct("<I")
_SIZE = _SLOT.size + _TEXT_KEPT


@dataclass(frozen=True)
class Entry:
    """What one engine is doing; `started` is of time.monotonic(), which all processes of a machine share."""

    state: int
    queries: int
    started: float
    query_id: str
    client: str
    text: str


class Board:
    """Slots of engines; make it before forking them."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SIZE)

    def reset(self, slot: int) -> None:
        """Prepare a slot for a new engine."""
        self._memory[slot * _SIZE : slot * _SIZE + _SLOT.size] = bytes(_SLOT.size)

    def begin(self, slot: int, query_id: str, client: str, text: str) -> None:
        """The engine of this slot begins to evaluate."""
        at = slot * _SIZE
        kept = text[:_TEXT_KEPT].encode("utf-8", "replace")[:_TEXT_KEPT]
        self._memory[at + _SLOT.size : at + _SLOT.size + len(kept)] = kept
        head = (query_id.encode()[:32], client.encode("utf-8", "replace")[:64], len(kept))
        _SLOT.pack_into(self._memory, at, IDLE, self._queries(at), time.monotonic(), *head)
        self._memory[at] = RUNNING

    def rest(self, slot: int) -> None:
        """The engine of this slot has finished, or is ready for the first time."""
        at = slot * _SIZE
        was_running = self._memory[at] == RUNNING
        self._memory[at] = IDLE
        _QUERIES.pack_into(self._memory, at + 4, self._queries(at) + was_running)

    def state(self, slot: int) -> tuple[int, float]:
        """State and start of a slot; cheap."""
        state, _, started, *_ = _SLOT.unpack_from(self._memory, slot * _SIZE)
        return state, started

    def read(self, slot: int) -> Entry:
        """All that a slot says."""
        at = slot * _SIZE
        state, queries, started, query_id, client, length = _SLOT.unpack_from(self._memory, at)
        text = self._memory[at + _SLOT.size : at + _SLOT.size + min(length, _TEXT_KEPT)]
        return Entry(state, queries, started, _text(query_id), _text(client), text.decode("utf-8", "ignore"))

    def _queries(self, at: int) -> int:
        queries: int = _QUERIES.unpack_from(self._memory, at + 4)[0]
        return queries


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "ignore")
