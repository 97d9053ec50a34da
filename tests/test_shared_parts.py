"""Work in parts that two processes share: results in order, and the end of one process is that of both."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citygraph.build.shared_parts import PartQueue

PATIENCE = 300  # seconds
# In each program `perform` gets the number of a part, and `in_fork` is whether it is called by the fork.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from citygraph.build.shared_parts import perform_parts
from citygraph.errors import EnginesDisagree

folder = Path(sys.argv[1])
first = os.getpid()

def wait_for_fork():
    while not (folder / "fork").exists():
        time.sleep(0.01)

def note_fork():
    (folder / "new").write_text(str(os.getpid()))
    (folder / "new").rename(folder / "fork")

def perform(part):
    in_fork = os.getpid() != first
{perform}

try:
    print(perform_parts(range(6), perform, lambda: {may_fork}, folder), flush=True)
except Exception as error:
    print(type(error).__name__, error, flush=True)
"""


def run(perform: str, folder: Path, may_fork: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a program with this body of `perform`, which must end by itself."""
    command = program(perform, folder, may_fork)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


def program(perform: str, folder: Path, may_fork: bool = True) -> list[str]:
    body = "\n".join(f"    {line}" for line in perform.splitlines())
    return [sys.executable, "-c", PROGRAM.format(perform=body, may_fork=may_fork), str(folder)]


def fork_in(folder: Path) -> int:
    return int((folder / "fork").read_text())


def is_running(pid: int) -> bool:
    """Returns whether a process exists and has not ended: one that nobody waits for stays until its parent ends."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.02)


SHARING = """
note_fork() if in_fork else wait_for_fork()
return part * 2, in_fork
"""


def test_results_of_both_processes_are_in_order(tmp_path: Path) -> None:
    """Each part is performed once, some of them by the fork."""
    done = run(SHARING, tmp_path)
    assert done.returncode == 0, done.stderr
    results = eval(done.stdout)  # noqa: S307 - printed by the program above
    assert [number for number, _ in results] == [0, 2, 4, 6, 8, 10]
    assert {in_fork for _, in_fork in results} == {False, True}


def test_one_process_performs_all_parts_until_it_may_fork(tmp_path: Path) -> None:
    """Nobody waits: the other processor is not idle."""
    output = run("return part, in_fork", tmp_path, may_fork=False).stdout
    assert output == f"{[(number, False) for number in range(6)]}\n"


def test_an_error_of_the_fork_is_raised_in_the_first_process(tmp_path: Path) -> None:
    """As if the first one had performed the part."""
    perform = """
note_fork() if in_fork else wait_for_fork()
if in_fork:
    raise EnginesDisagree("they differ")
"""
    assert run(perform, tmp_path).stdout == "EnginesDisagree they differ\n"


def test_a_defect_in_the_fork_is_reported_with_its_traceback(tmp_path: Path) -> None:
    """The standard error of both processes is one."""
    done = run("note_fork() if in_fork else wait_for_fork()\nreturn 1 // (not in_fork)", tmp_path)
    assert done.stdout.startswith("RuntimeError the second process")
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.operations
def test_an_error_of_the_first_process_ends_the_fork(tmp_path: Path) -> None:
    """It does not wait for the part that the fork performs."""
    perform = """
if in_fork:
    note_fork()
    time.sleep(3600)
wait_for_fork()
raise ValueError("first")
"""
    assert run(perform, tmp_path).stdout == "ValueError first\n"
    assert not is_running(fork_in(tmp_path))


@pytest.mark.operations
def test_a_killed_fork_ends_the_first_process_by_the_same_signal(tmp_path: Path) -> None:
    """So a lack of memory in either has one error."""
    perform = """
note_fork() if in_fork else wait_for_fork()
if in_fork:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(perform, tmp_path).returncode == -signal.SIGKILL


@pytest.mark.operations
def test_the_end_of_a_killed_fork_is_noticed_before_the_next_part(tmp_path: Path) -> None:
    """The first process does not perform all other parts before."""
    perform = """
if in_fork:
    note_fork()
    os.kill(os.getpid(), signal.SIGKILL)
wait_for_fork()
with (folder / "performed").open("a") as file:
    file.write(f"{part} ")
os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)  # until the fork has ended
"""
    assert run(perform, tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / "performed").read_text() == "0 "


@pytest.mark.operations
@pytest.mark.skipif(sys.platform != "linux", reason="the bond of the processes is one of Linux")
def test_the_fork_ends_with_a_killed_first_process(tmp_path: Path) -> None:
    """No process is left after a build that was killed."""
    perform = "note_fork() if in_fork else None\ntime.sleep(3600)"
    with subprocess.Popen(program(perform, tmp_path)) as process:
        try:
            wait_until((tmp_path / "fork").exists)
            os.kill(process.pid, signal.SIGKILL)
        finally:
            process.kill()
    wait_until(lambda: not is_running(fork_in(tmp_path)))


def test_each_part_of_a_queue_is_taken_once() -> None:
    """Until it is filled anew; without parts, nothing is left to take."""
    queue = PartQueue()
    queue.fill(4)
    one, other = queue.taken(), queue.taken()
    assert [next(one), next(other), next(one)] == [0, 1, 2]
    queue.fill(0)
    assert list(other) == []
    queue.fill(2)
    assert list(queue.taken()) == [0, 1]


def test_a_queue_that_is_written_in_part_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk that becomes full takes the first bytes, and the parts behind them would be left out."""

    class AlmostFull(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(data[:5])

    monkeypatch.setattr("citygraph.build.shared_parts.TemporaryFile", lambda **_: AlmostFull(tmp_path / "queue", "w+"))
    queue = PartQueue()
    queue.fill(1)
    with pytest.raises(OSError, match="No space left"):
        queue.fill(2)
