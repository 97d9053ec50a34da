"""How a long flow tells what it does: steps with counts, heard by whoever listens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Step:
    """One step of a flow; `result` is what it tells at its end, such as "3 files, 512 statements"."""

    name: str
    result: str = ""
    seconds: float = 0.0


class Progress:
    """Hears of steps and does nothing; the command line overrides both methods."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def moved(self, step: Step) -> None:
        """A step has come further; its result tells how far."""

    def finished(self, step: Step) -> None:
        """A step has ended well; it knows its result and its seconds."""

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; one that fails is not told as finished."""
        step = Step(name)
        self.started(step)
        begun = time.monotonic()
        yield step
        step.seconds = time.monotonic() - begun
        self.finished(step)
