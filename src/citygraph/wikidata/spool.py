"""A file of items, because a pull of the world must not fill the memory, and the progress of a pull."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from os import SEEK_END
from pathlib import Path

from citygraph.wikidata.item_names import by_number
from citygraph.wikidata.model import Item

# Twice the places of the world as of 2016: each is read for its names, its ties and the ties of its partners.
_MAX_PARSED = 20_000


class ItemSpool(Mapping[str, Item]):
    """Items by id, in a file; memory holds only the offset of each, and the items parsed last. Use it in a `with`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._offsets: dict[str, int] = {}
        # Keyed by offset, so that an item that was written again is parsed again.
        self._parsed = lru_cache(_MAX_PARSED)(self._read)

    def put(self, item: Item) -> None:
        """Writes an item; it replaces an earlier one with its id."""
        self._file.seek(0, SEEK_END)
        self._offsets[item.qid] = self._file.tell()
        pickle.dump(item, self._file)

    def discard(self, qid: str) -> None:
        """Removes an item."""
        self._offsets.pop(qid, None)

    def __getitem__(self, qid: str) -> Item:
        return self._parsed(self._offsets[qid])

    def __contains__(self, qid: object) -> bool:
        return qid in self._offsets

    def __iter__(self) -> Iterator[str]:
        return iter(by_number(self._offsets))

    def __len__(self) -> int:
        return len(self._offsets)

    def __enter__(self) -> ItemSpool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self, offset: int) -> Item:
        self._file.seek(offset)
        # Pickle is safe here: the file is temporary, and only `put` writes it.
        item: Item = pickle.load(self._file)  # noqa: S301
        return item


class ProgressCounter:
    """A counter towards a total that reports at most once a second, and at the end."""

    def __init__(
        self, label: str, total: int, progress: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._label = label
        self._total = total
        self._progress = progress
        self._clock = clock
        self._started = self._reported = clock()
        self._done = 0

    def advance(self, by: int = 1) -> None:
        """Adds to the count."""
        self._done += by
        now = self._clock()
        # Nothing has been done yet of what is smaller than the unit, such as a file of less than a MiB.
        if self._done and (now - self._reported >= 1 or (by and self._done == self._total)):
            self._reported = now
            self._progress(self.text())

    def text(self) -> str:
        """Returns text such as "places: 1,200 of 45,000, 35/s, 20 min left"; without a total, count and rate."""
        seconds = self._clock() - self._started
        rate = self._done / seconds if seconds > 0 else 0.0
        of = f" of {self._total:,}" if self._total else ""
        speed = f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s" if rate else ""
        left = f", {duration((self._total - self._done) / rate)} left" if rate and self._total > self._done else ""
        return f"{self._label}: {self._done:,}{of}{speed}{left}"


def duration(seconds: float) -> str:
    """Returns seconds in words: "45 s", "20 min", "1 h 40 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
