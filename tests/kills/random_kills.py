"""Kills what chance chooses, at any moment, and looks at what is left of the commits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.kills.ground import Ground
from tests.process_tree import descendants, family

# Kinds with their weights. "server" is all processes at once, "build" one that goes on beside the server.
_WEIGHTS = {"engine": 20, "supervisor": 12, "host": 12, "web": 14, "writer": 12, "committer": 20, "main": 6,
            "server": 2, "build": 2}  # fmt: skip
_WHOLE = ("main", "server")
_WRITERS = 3
_PAUSE = 0.5
# So often the next kill waits for a commit, after one that interrupts commits; else it may meet a process that starts.
_PATIENT = 0.7


def run(folder: Path, kills: int, seed: int, checked: int = 100) -> Ground:
    """Kills so many processes while clients write. After each `checked` kills all commits are checked."""
    ground = Ground(folder, random.Random(seed))  # noqa: S311 - it chooses moments
    ground.make()
    try:
        while (done := sum(ground.killed.values())) < kills:
            goal = min(kills, done + checked)
            with ground.writers(_WRITERS):
                while sum(ground.killed.values()) < goal:
                    _kill_any(ground)
            ground.wait_for_a_commit()
            try:
                ground.check()
            except AssertionError as error:
                raise AssertionError(f"after {goal} kills, seed {seed}: {error}") from error
            print(json.dumps(ground.figures()), flush=True)  # noqa: T201
    finally:
        ground.stop()
    assert ground.leavings() == []
    return ground


def _kill_any(ground: Ground) -> None:
    time.sleep(ground.random.uniform(0.0, _PAUSE))
    assert ground.process is not None
    assert ground.process.poll() is None, f"the server has ended by itself: {ground.why()}"
    kind = ground.random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    before = len(ground.acknowledged)
    if kind == "build":
        _kill_build(ground)
    elif kind in _WHOLE:
        _kill_whole(ground, with_children=kind == "server")
    elif victims := family(ground.pid)[kind]:
        with suppress(ProcessLookupError):
            ground.kill(ground.random.choice(victims), kind)
    if kind in {*_WHOLE, "writer"} and ground.random.random() < _PATIENT:
        deadline = time.monotonic() + 60
        while len(ground.acknowledged) == before:
            assert time.monotonic() < deadline, f"no commit for 60 s after a kill of {kind}: {ground.why()}"
            time.sleep(0.05)


def _kill_whole(ground: Ground, with_children: bool) -> None:
    assert ground.process is not None
    for pid in (ground.pid, *(list(descendants(ground.pid)) if with_children else ())):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            ground.killed["main" if pid == ground.pid else "with main"] += 1
    ground.process.wait()
    ground.start()


def _kill_build(ground: Ground) -> None:
    command = [sys.executable, "-m", "citygraph.cli", "build", "--force", "--quiet"]
    build = subprocess.Popen(command, env=ground.environment(), stderr=subprocess.DEVNULL, start_new_session=True)
    with suppress(subprocess.TimeoutExpired):
        build.wait(ground.random.uniform(0.3, 4.5))
    if build.poll() is None:
        os.killpg(build.pid, signal.SIGKILL)
        ground.killed["build"] += 1
    build.wait()
