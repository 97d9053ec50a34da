"""Killed at any moment: every acknowledged commit is there, no other is half there, and all goes on by itself."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from tests.kills import KINDS, run


@pytest.mark.timeout(300)
def test_a_kill_loses_and_leaves_nothing() -> None:
    """Once each: who commits, the writer, a build, the server, its main process (13.24). `python -m tests.kills`."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:  # a socket's path must be short
        ground = run(Path(folder), len(KINDS), seed=random.randrange(10**6))  # noqa: S311 - other moments in each run
    assert ground.killed["server"]
    assert ground.killed["parent"]
    assert ground.acknowledged
