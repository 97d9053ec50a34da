"""The bond of a child process to the life of its parent."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Makes the kernel kill this process when its parent dies, or the thread of the parent that started it.

    The children of this process call it for themselves: a fork does not inherit it. Does nothing on systems other than
    Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the call.
        if os.getppid() != parent:
            os._exit(1)


def bind_fork(parent: int) -> None:
    """Makes this fork die with its parent. An interrupt, which reaches both at a terminal, is left to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(parent)


def bound_command(module: str, *arguments: str) -> list[str]:
    """Returns a command that runs a module as a child of this process, bound to it before anything is imported."""
    return [sys.executable, "-m", "citygraph.parent", str(os.getpid()), module, *arguments]


def main() -> None:
    """Binds this process to its parent, then runs the module that the arguments name."""
    parent, *sys.argv = sys.argv[1:]
    die_with_parent(int(parent))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
