"""Work in parts, of which a fork of this process takes some as soon as a processor is idle."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, NoReturn, TypeVar

from citygraph.errors import CitygraphError
from citygraph.parent import bind_fork

Part = TypeVar("Part")
Result = TypeVar("Result")
_NUMBER = 4  # bytes of the number of a part


class PartQueue:
    """The numbers of parts, each of which this process or a fork of it takes: they have one position in an open file.

    At first it is empty.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as this is

    def fill(self, count: int) -> None:
        """Replaces the parts by so many, while no process takes one; with 0, processes take no more."""
        # Emptied first: with the position at the beginning, a process could take a part again.
        self._file.truncate(0)
        self._file.seek(0)
        numbers = b"".join(number.to_bytes(_NUMBER, "big") for number in range(count))
        if self._file.write(numbers) < len(numbers):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._file.seek(0)

    def taken(self) -> Iterator[int]:
        """Yields the numbers of the next parts."""
        while number := self._file.read(_NUMBER):
            yield int.from_bytes(number, "big")

    def fileno(self) -> int:
        """Returns the descriptor of the file."""
        return self._file.fileno()

    def __del__(self) -> None:
        """Closes the file."""
        if hasattr(self, "_file"):
            self._file.close()


def perform_parts(
    parts: Sequence[Part], perform: Callable[[Part], Result], may_fork: Callable[[], bool], folder: Path
) -> list[Result]:
    """Returns the result of each part, in order.

    Before each part, `may_fork` is called, until it returns true and a fork of this process takes the next part. From
    then on each process takes the next part when it has finished one. The fork shares the memory that this process has
    then, and needs as much for a part of its own. Its results are in a file in `folder` until all parts are complete.

    Raises what `perform` raises in this process, a CitygraphError that it raises in the fork, and RuntimeError for any
    other error there. If the fork is killed, this process ends by the same signal. Both are noticed before each part.
    """
    results: dict[int, Result] = {}
    with ExitStack() as stack:
        queue = PartQueue()
        queue.fill(len(parts))
        fork: _Fork | None = None
        for number in queue.taken():
            if fork:
                fork.notice_end()
            elif number + 1 < len(parts) and may_fork():
                others = ((other, perform(parts[other])) for other in queue.taken())
                fork = stack.enter_context(_Fork(others, stack.enter_context(TemporaryFile(dir=folder))))
            results[number] = perform(parts[number])
        if fork:
            results.update(fork.results())
    return [results[number] for number in range(len(parts))]


class _Fork:
    """A fork of this process that writes numbered results to a file; when the context ends, it has ended."""

    def __init__(self, results: Iterator[tuple[int, Any]], file: IO[bytes]) -> None:
        self._file = file
        self._is_running = True
        self._results: dict[int, Any] = {}
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _write(results, file, parent)

    def notice_end(self, options: int = os.WNOHANG) -> None:
        """Reads the results of the process if it has ended. Raises CitygraphError and RuntimeError as it ended."""
        if not self._is_running:
            return
        pid, status = os.waitpid(self._pid, options)
        if not pid:
            return
        self._is_running = False
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            os.kill(os.getpid(), -code)
        if code:
            raise RuntimeError(f"the second process of the validation ended with status {code}")
        self._results = dict(self._read())

    def results(self) -> dict[int, Any]:
        """Waits for the process, and returns its results by number. Raises what `notice_end` raises."""
        self.notice_end(options=0)
        return self._results

    def _read(self) -> Iterator[tuple[int, Any]]:
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        while self._file.tell() < end:
            result = pickle.load(self._file)  # noqa: S301 - written by this program
            if isinstance(result, CitygraphError):
                raise result
            yield result

    def __enter__(self) -> _Fork:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_running:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _write(results: Iterator[tuple[int, Any]], file: IO[bytes], parent: int) -> NoReturn:
    """Writes results to a file, and exits."""
    status = 1
    try:
        bind_fork(parent)
        gc.freeze()  # a collection would copy all memory that is shared
        try:
            for result in results:
                pickle.dump(result, file)
        except CitygraphError as error:
            pickle.dump(error, file)
        file.flush()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Not sys.exit: the cleanup that a fork inherited is the parent's.
        os._exit(status)
