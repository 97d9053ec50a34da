"""Kills one process of a kind under load, and looks at how the site and its clients get over it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.kills.clients import Client
from tests.kills.ground import Ground, wait_until_ended
from tests.process_tree import family

KINDS = ("web", "engine", "supervisor", "host", "counting", "writer", "committer", "main")
_APPEARS = 30.0
_COMPLETE = 30.0


def kill_one(ground: Ground, kind: str, clients: Sequence[Client]) -> float:
    """Kills a process of this kind. Returns the seconds until the site was complete again.

    Raises AssertionError if a child of the process outlives it by two seconds, or a client sees two failed requests.
    """
    victim = _victim(ground, kind)
    begun = time.monotonic()
    below = ground.kill(victim, kind)
    if kind == "main":
        assert ground.process is not None
        ground.process.wait()
        # Whoever runs the server restarts it, such as systemd.
        ground.start()
    wait_until_ended(below)
    while not ground.is_complete():
        assert time.monotonic() - begun < _COMPLETE, f"the site is not complete after a kill of {kind}"
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    # Each client has sent a request since.
    time.sleep(0.2)
    for client in clients:
        failures = client.failures_since(begun)
        assert len(failures) <= 1, f"after a kill of {kind}, a client sees {failures}"
    return seconds


def _victim(ground: Ground, kind: str) -> int:
    """Returns a process of this kind, as soon as there is one."""
    if kind == "counting":
        # It is there after each start of the engines, for a moment.
        ground.kill(family(ground.pid)["host"][0], "host")
    deadline = time.monotonic() + _APPEARS
    while not (victims := family(ground.pid)[kind]):
        assert time.monotonic() < deadline, f"there is no process of the kind {kind}"
        time.sleep(0.005)
    return ground.random.choice(victims)
