"""Kills one process of a kind under load, and looks at how the site and its clients get over it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from tests.kills.clients import Client
from tests.kills.ground import Ground, wait_until_ended
from tests.process_tree import family

KINDS = ("web", "engine", "supervisor", "host", "counting", "writer", "committer", "main")
_APPEARS = 90.0
_NEXT_TRY = 5.0


def kill_one(
    ground: Ground, kind: str, clients: Sequence[Client], ending: float = 2.0, complete: float = 30.0
) -> float:
    """Kills a process of this kind. Returns the seconds until the site was complete again.

    Raises AssertionError if a child of the process outlives it by more than `ending` seconds, if the site is not
    complete after `complete` seconds, or if a client sees two failed requests.
    """
    below = _kill_any(ground, kind)
    begun = time.monotonic()
    if kind == "main":
        assert ground.process is not None
        ground.process.wait()
        # Whoever runs the server restarts it, such as systemd.
        ground.start()
    wait_until_ended(below, ending)
    while not ground.is_complete():
        assert time.monotonic() - begun < complete, f"the site is not complete after a kill of {kind}"
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    # Each client has sent a request since.
    time.sleep(0.2)
    for client in clients:
        failures = client.failures_since(begun)
        assert len(failures) <= 1, f"after a kill of {kind}, a client sees {failures}"
    return seconds


def slowdown() -> float:
    """Returns how many times longer than alone a process takes that starts now, because others use the processors."""
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", "import http.client, json, logging"])
    usage = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    return max(1.0, (time.monotonic() - begun) / (usage.ru_utime + usage.ru_stime))


def _kill_any(ground: Ground, kind: str) -> list[tuple[int, str]]:
    """Kills a process of this kind, as soon as there is one. Returns the processes below it."""
    deadline = time.monotonic() + _APPEARS
    while time.monotonic() < deadline:
        if kind == "counting":
            # It is there after each start of the engines, but only until the next commit.
            for host in _wait_for(ground, "host"):
                ground.kill(host, "host")
        if victims := _wait_for(ground, kind):
            with suppress(ProcessLookupError):  # it has ended by itself
                return ground.kill(ground.random.choice(victims), kind)
    raise AssertionError(f"there is no process of the kind {kind}")


def _wait_for(ground: Ground, kind: str) -> list[int]:
    """Returns the processes of this kind, or an empty list if there is none for some seconds."""
    deadline = time.monotonic() + _NEXT_TRY
    while not (processes := family(ground.pid)[kind]) and time.monotonic() < deadline:
        time.sleep(0.005)
    return processes
