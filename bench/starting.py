"""Time from `make serve` to the first response, and the memory of the idle server: `python -m bench.starting --help`.

Run it in the folder of a built instance. It runs the command of `make serve`: `citygraph serve --build`, which finds
the release up to date and serves it. Memory is in MiB; of pages that several processes share, each has its part (PSS).
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.connection import Connection, Endpoint
from bench.processes import NotReady, family, free_port, processor_time, resident, rest, running

_SERVE = (sys.executable, "-m", "citygraph.cli", "serve", "--build")
_REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_AIM_SECONDS, _AIM_MEBIBYTES = 0.8, 180
_PATIENCE, _STEP = 60.0, 0.005


@dataclass(frozen=True)
class Start:
    """A start: seconds of the clock and of processors until /health answered, and the mebibytes of the idle server."""

    seconds: float
    processor: float
    mebibytes: float
    processes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each start, and their medians."""
    parser = argparse.ArgumentParser("python -m bench.starting", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often the server is started [5]")
    parser.add_argument("--command", default=shlex.join(_SERVE), help="another command of the shell, to compare with")
    options = parser.parse_args(arguments)
    starts = [_start(("sh", "-c", options.command)) for _ in range(options.rounds)]
    print("\n".join(_table(starts)))
    return 0


def _start(command: Sequence[str]) -> Start:
    port = free_port()
    environment = {**os.environ, "CITYGRAPH_PORT": str(port)}
    with TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with running(command, port, Path(folder) / "log", environment, _PATIENCE) as pid:
            _until_healthy(port)
            seconds, processor = time.perf_counter() - begun, processor_time(pid)
            rest(pid, _PATIENCE)
            return Start(seconds, processor, resident(pid) / 2**20, len(family(pid)))


def _until_healthy(port: int) -> None:
    connection, deadline = Connection(Endpoint(port, "/health"), _PATIENCE), time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError):
            if connection.ask(_REQUEST).status == 200:
                return
        time.sleep(_STEP)
    raise NotReady(f"/health is not well after {_PATIENCE:.0f} s")


def _table(starts: Sequence[Start]) -> Iterator[str]:
    yield "| start | until the first answer (s) | processor (s) | idle memory (MiB) | processes |"
    yield "|---|---:|---:|---:|---:|"
    for number, one in enumerate(starts, 1):
        yield f"| {number} | {one.seconds:.2f} | {one.processor:.2f} | {one.mebibytes:.0f} | {one.processes} |"
    seconds, processor = median(s.seconds for s in starts), median(s.processor for s in starts)
    mebibytes = median(s.mebibytes for s in starts)
    yield f"| **median** | **{seconds:.2f}** | {processor:.2f} | **{mebibytes:.0f}** | |"
    yield f"| aim | {_AIM_SECONDS} | | {_AIM_MEBIBYTES} | |"


if __name__ == "__main__":
    sys.exit(main())
