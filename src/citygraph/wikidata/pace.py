"""How far a long pull is: how many of how many, how many a second, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable


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
