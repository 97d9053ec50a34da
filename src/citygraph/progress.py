"""Progress reporting: timed steps, delivered to a listener."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Step:
    """A step of a flow; `result` is its summary, such as "3 files, 512 statements"."""

    name: str
    result: str = ""
    seconds: float = 0.0


class Progress:
    """A listener that ignores all steps; the command line overrides its methods."""

    def started(self, step: Step) -> None:
        """Receives the beginning of a step."""

    def moved(self, step: Step) -> None:
        """Receives the progress of a step, as its result so far."""

    def finished(self, step: Step) -> None:
        """Receives the successful end of a step, with its result and duration."""

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Times a step; a step that raises is not reported as finished."""
        step = Step(name)
        self.started(step)
        begun = time.monotonic()
        yield step
        step.seconds = time.monotonic() - begun
        self.finished(step)
