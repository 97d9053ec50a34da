"""Time and memory of a build of an instance, step by step, compared with `oxigraph load` of the same quads.

Run it in the folder of the instance. The release is made in a separate folder, and removed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from citygraph.build.build import build
from citygraph.progress import Progress, Step
from citygraph.release.releases import Release, Releases
from citygraph.settings import read_settings
from citygraph.source.files import sources_of

_GB = 1024 * 1024  # ru_maxrss is in KiB


class Measuring(Progress):
    """A listener that prints a row for each step: clock, processor of the build itself, its highest memory so far."""

    def started(self, step: Step) -> None:  # noqa: ARG002 - as above it
        """Notes the processor time."""
        self._own, _ = _seconds()

    def finished(self, step: Step) -> None:
        """Prints the row."""
        own = _seconds()[0] - self._own
        print(
            f"| {step.name} | {step.seconds:.1f} | {own:.1f} | {_peak(resource.RUSAGE_SELF):.2f} | {step.result} |",
            flush=True,
        )


def main() -> None:
    """Builds once, and loads the N-Quads of the result once."""
    argparse.ArgumentParser(prog="python -m bench.builds", description=__doc__).parse_args()
    settings = read_settings()
    print("| step | clock s | processor s | peak GB | result |\n|---|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as folder:
        begun = time.monotonic()
        release, _ = build(
            sources_of(settings), Releases(Path(folder)), Measuring(), most_in_memory=settings.build_memory
        )
        own, others = _seconds()
        print(f"| **all** | {time.monotonic() - begun:.1f} | {own:.1f} | {_peak(resource.RUSAGE_SELF):.2f} | |")
        print(f"| other processes | | {others:.1f} | {_peak(resource.RUSAGE_CHILDREN):.2f} | the largest of them |")
        _load(release, Path(folder))


def _load(release: Release, folder: Path) -> None:
    program = Path(sys.executable).parent / "oxigraph"
    if not program.exists():
        print("oxigraph is not installed: pip install '.[bench]'", file=sys.stderr)
        return
    quads = folder / "all.nq"
    release.open_store().dump(str(quads))
    begun, (_, before) = time.monotonic(), _seconds()
    command = [str(program), "load", "--location", str(folder / "oxigraph"), "--file", str(quads)]
    subprocess.run(command, check=True, capture_output=True)
    print(f"| `oxigraph load` | {time.monotonic() - begun:.1f} | {_seconds()[1] - before:.1f} | | the same quads |")


def _seconds() -> tuple[float, float]:
    """Returns the seconds of the processor: of this process, and of those that it has waited for."""
    times = os.times()
    return times.user + times.system, times.children_user + times.children_system


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / _GB


if __name__ == "__main__":
    main()
