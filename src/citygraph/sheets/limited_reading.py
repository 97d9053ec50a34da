"""The reading of workbooks in a process of limited time and memory, because a small file can need much of both.

python -m citygraph.sheets.limited_reading    (reads a JSON object from standard input, and writes one)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from citygraph.engine import sandbox
from citygraph.errors import EngineFailed, UsageError
from citygraph.parent import die_with_parent
from citygraph.sheets.cell_problems import problem_from_json
from citygraph.sheets.workbook import Grid, Workbook, read_workbook

_MODULE = "citygraph.sheets.limited_reading"
_NO_MEMORY = 42
# A library that gets no memory ends its process.
_OUT_OF_MEMORY = (_NO_MEMORY, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV)


@dataclass(frozen=True)
class LimitedReader:
    """Reads workbooks as `read_workbook` does, each in a process that may use so many bytes and seconds."""

    memory: int
    seconds: float

    def read(self, path: Path, titles: Sequence[str] = (), encoding: str = "") -> Workbook:
        """Reads a workbook. Raises UsageError as `read_workbook` does, and if a limit is reached."""
        request = {"path": str(path), "titles": list(titles), "encoding": encoding, "memory": self.memory}
        try:
            done = subprocess.run(
                [sys.executable, "-m", _MODULE],
                input=json.dumps(request).encode(),
                capture_output=True,
                env={**os.environ, "RUST_BACKTRACE": "0"},
                timeout=self.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"{path} was not read within {self.seconds:g} seconds: divide it into smaller files"
            ) from None
        if done.returncode in _OUT_OF_MEMORY:
            most = f"{self.memory:,}"
            raise UsageError(f"{path} needs more than {most} bytes of memory to be read: divide it into smaller files")
        if done.returncode:
            raise EngineFailed(f"{path} could not be read: {done.stderr.decode(errors='replace').strip()}")
        values: dict[str, Any] = json.loads(done.stdout)
        if "error" in values:
            raise UsageError(values["error"])
        return _workbook(values)


def main() -> None:
    """Reads the workbook that standard input names, and writes it to standard output."""
    # A library that prints must not break the JSON: its output goes to standard error.
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = json.load(sys.stdin.buffer)
    die_with_parent(os.getppid())
    sandbox.limit_memory(request["memory"])
    try:
        book = read_workbook(Path(request["path"]), request["titles"], request["encoding"])
        text = json.dumps(book, default=_members)
    except UsageError as error:
        text = json.dumps({"error": str(error)})
    except MemoryError:
        os._exit(_NO_MEMORY)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        pipe.write(text)


def _members(value: object) -> object:
    return vars(value) if is_dataclass(value) else str(value)


def _workbook(values: dict[str, Any]) -> Workbook:
    grids = tuple(
        Grid(**{**grid, "rows": tuple(map(tuple, grid["rows"])), "lines": tuple(grid["lines"])})
        for grid in values["grids"]
    )
    problems = tuple(map(problem_from_json, values["problems"]))
    state = tuple(map(tuple, values["state"]))
    return Workbook(Path(values["path"]), grids, problems, tuple(values["notes"]), state)


if __name__ == "__main__":
    main()
