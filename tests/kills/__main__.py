"""Kills processes of a server at random moments while clients write: `python -m tests.kills --kills 1000 --seed 7`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from tests.kills.random_kills import run


def main() -> None:
    """Runs as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:  # the path of a socket must be short
        ground = run(Path(folder), arguments.kills, arguments.seed)
        print(json.dumps({**ground.figures(), "seconds": round(time.monotonic() - begun)}))  # noqa: T201


if __name__ == "__main__":
    main()
