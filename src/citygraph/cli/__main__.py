"""The entry point of the command `citygraph`, and of `python -m citygraph.cli`."""

import sys

from citygraph.instance import InstanceError

_USAGE = 2  # the status of click for an error of usage


def run() -> None:
    """Runs the command; an invalid `citygraph.toml` is a message and not a traceback."""
    try:
        # The terms of the instance are constants: its base is read by the first import.
        from citygraph.cli.main import main

        main()
    except InstanceError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(_USAGE)


if __name__ == "__main__":
    run()
