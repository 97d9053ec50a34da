"""The scripts of the pages, as far as they are pure: their own tests, run by Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[1] / "web"


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not on this machine")
def test_scripts_pass_their_own_tests() -> None:
    """`node --test` over web/test/."""
    tests = sorted(str(path) for path in (WEB / "test").glob("*.test.js"))
    done = subprocess.run(["node", "--test", *tests], cwd=WEB, capture_output=True, text=True, timeout=300, check=False)  # noqa: S607
    assert done.returncode == 0, done.stdout[-4000:]
