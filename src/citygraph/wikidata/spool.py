"""Items on disk: a pull of the world must not fill the memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from citygraph.wikidata.entity import read_entity, write_entity
from citygraph.wikidata.item_names import by_number
from citygraph.wikidata.model import Item

# The places of the world twice over as of 2016: each is read for its names, its ties and those of its partners.
_KEPT_IN_MEMORY = 20_000


class Spool(Mapping[str, Item]):
    """Items by id, in a file; in memory stands only where each begins. Use it in a `with`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._places: dict[str, int] = {}
        self._end = 0
        self._parsed = lru_cache(_KEPT_IN_MEMORY)(self._read)

    def put(self, item: Item) -> None:
        """Keep an item, in place of an earlier one with its id."""
        self.put_entity(item.qid, write_entity(item))

    def put_entity(self, qid: str, entity: Mapping[str, Any]) -> None:
        """Keep an item that is JSON already."""
        line = json.dumps(entity, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._file.seek(self._end)
        self._file.write(line)
        self._places[qid] = self._end
        self._end += len(line)

    def discard(self, qid: str) -> None:
        """Forget an item."""
        self._places.pop(qid, None)

    def __getitem__(self, qid: str) -> Item:
        return self._parsed(self._places[qid])

    def __contains__(self, qid: object) -> bool:
        return qid in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(by_number(self._places))

    def __len__(self) -> int:
        return len(self._places)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self, place: int) -> Item:
        self._file.seek(place)
        return read_entity(json.loads(self._file.readline()))


class Pace:
    """Counts towards a total, and tells it at most once a second."""

    def __init__(
        self, what: str, total: int, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what = what
        self._total = total
        self._tell = tell
        self._clock = clock
        self._begun = self._told = clock()
        self._done = 0

    def advance(self, by: int = 1) -> None:
        """So many more are done."""
        self._done += by
        now = self._clock()
        if now - self._told >= 1 or self._done == self._total:
            self._told = now
            self._tell(self.text())

    def text(self) -> str:
        """Such as "places: 1,200 of 45,000, 35/s, 20 min left"; without a total only count and rate."""
        seconds = self._clock() - self._begun
        rate = self._done / seconds if seconds > 0 else 0.0
        of = f" of {self._total:,}" if self._total else ""
        speed = f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s" if rate else ""
        left = f", {duration((self._total - self._done) / rate)} left" if rate and self._total > self._done else ""
        return f"{self._what}: {self._done:,}{of}{speed}{left}"


def duration(seconds: float) -> str:
    """Seconds in words: "45 s", "20 min", "1 h 40 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
