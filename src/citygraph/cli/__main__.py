"""The entry point of the command `citygraph`, and of `python -m citygraph.cli`."""

import os
import sys

_USAGE = 2  # the status of click for an error of usage
_INTERRUPTED = 130
# The C library reads it when a program starts: each thread keeps so many freed blocks of a size for its next use, up to
# so many bytes. More of them take memory, and save no time.
_ALLOCATOR = "GLIBC_TUNABLES"
_KEPT_BLOCKS = "glibc.malloc.tcache_count=128:glibc.malloc.tcache_max=512"


def run() -> None:
    """Runs the command; an invalid `citygraph.toml` is a message and not a traceback."""
    if "serve" in sys.argv[1:]:
        tune_allocator()
    try:
        _run_command()
    # The imports take most of the time of a small command.
    except KeyboardInterrupt:
        sys.stderr.write("\ncitygraph: interrupted\n")
        sys.exit(_INTERRUPTED)


def _run_command() -> None:
    # The terms of the instance are constants: its base is read by the first import.
    from citygraph.instance import InstanceError

    try:
        from citygraph.cli.main import main

        main()
    except InstanceError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(_USAGE)


def tune_allocator() -> None:
    """Restarts this program, before it imports anything, with allocator settings that suit the engine.

    The engine allocates and frees thousands of small blocks for a query, which takes a quarter of its time with 7 kept
    blocks of a size, the default. The processes of the server inherit the setting; one of the operator has precedence.
    """
    if sys.platform == "linux" and _ALLOCATOR not in os.environ:
        environment = {**os.environ, _ALLOCATOR: _KEPT_BLOCKS}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


if __name__ == "__main__":
    run()
