"""Commands in the process of the test, which saves the second in which an interpreter starts and imports them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from citygraph.cli.main import main

ROOT = Path(__file__).parents[1]


def run(
    *arguments: str, releases: Path | None = None, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Returns what `citygraph` would exit with and print if it were called in the folder of the repository."""
    command = [*(["--releases", str(releases)] if releases else []), *arguments]
    with chdir(ROOT):
        result = CliRunner().invoke(main, command, input=stdin, env=environment, catch_exceptions=False)
    return subprocess.CompletedProcess(command, result.exit_code, result.stdout, result.stderr)
