"""The state of a server's exchange of releases with a folder or a bucket, and when it is tried again."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from citygraph.saving import replace_text

Direction = Literal["following", "pushing"]

# Servers that were started together must not ask at the same time.
_JITTER = 0.25
# After failures, the next attempt waits twice as long each time, and so many times the interval at most.
_LONGEST = 8


@dataclass(frozen=True)
class ExchangeState:
    """When releases were last exchanged, which one is at both places, and why it is not the newest, if so."""

    checked: str = ""
    release: str = ""
    problem: str = ""
    since: str = ""  # when the problem began


class Schedule:
    """Attempts at an interval in seconds, and after failures at longer ones."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._failures = 0
        self._due = 0.0

    def is_due(self) -> bool:
        """Returns whether the next attempt may begin."""
        return time.monotonic() >= self._due

    def record(self, succeeded: bool) -> None:
        """Sets when the next attempt is due."""
        self._failures = 0 if succeeded else self._failures + 1
        wait = self._interval * min(2**self._failures, _LONGEST)
        self._due = time.monotonic() + wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311


def read_exchange_state(releases: Path, direction: Direction) -> ExchangeState:
    """Returns the state in a folder of releases."""
    try:
        return ExchangeState(**json.loads(_file(releases, direction).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        never = "the releases of the publisher were not looked for yet"
        return ExchangeState(problem=never if direction == "following" else "no release was pushed yet")


def note_exchange(releases: Path, direction: Direction, release: str, problem: str) -> ExchangeState:
    """Replaces the state, whose release is unchanged without a `release`. Returns the former state."""
    before = read_exchange_state(releases, direction)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    since = (before.since or now) if problem else ""
    with suppress(OSError):
        text = json.dumps(asdict(ExchangeState(now, release or before.release, problem, since)), ensure_ascii=False)
        replace_text(_file(releases, direction), text + "\n")
    return before


def _file(releases: Path, direction: Direction) -> Path:
    return releases / f".{direction}.json"
