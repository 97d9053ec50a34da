"""Killed at any moment: every acknowledged commit is there, no other is half there, and all goes on by itself."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.kills.each_kind import KINDS, kill_one
from tests.kills.ground import Ground
from tests.running import PATIENCE


def test_a_kill_loses_and_leaves_nothing() -> None:
    """(18) One kill of each kind under load. Twenty each, and a thousand: tests/kills, `python -m tests.kills`."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:  # the path of a socket must be short
        ground = Ground(Path(folder), random.Random(), queue_wait=PATIENCE)  # noqa: S311 - other moments in each run
        ground.listen()
        ground.make()
        try:
            with ground.load() as clients, ground.writers(1):
                for kind in KINDS:
                    kill_one(ground, kind, clients, ending=PATIENCE, complete=PATIENCE)
            ground.wait_for_a_commit()
            ground.check()
        finally:
            ground.stop()
        assert set(ground.killed) == set(KINDS)
        assert ground.leavings() == []
