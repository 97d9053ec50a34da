"""The command line: `python -m bench --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import virtuoso
from bench.agreement import Differs
from bench.comparison import Contender, Plan, run
from bench.dataset import find_or_write
from bench.generator import World
from bench.mix import questions
from bench.processes import NotReady
from bench.report import Report, as_text
from bench.servers import KINDS
from citygraph.release.releases import Release

_BEGUN = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 0, or 1 if servers disagree or one does not start. No time fails."""
    options = _parser().parse_args(arguments)
    # So that the servers are ended as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    world = World(options.cities, options.seed)
    release = _release(options.work, world)
    contenders = []
    for name in options.servers.split(","):
        if name == "virtuoso" and (reason := virtuoso.missing()):
            _say(f"VIRTUOSO IS SKIPPED: {reason}")
            continue
        smaller = options.rdflib_cities if name == "rdflib-endpoint" else 0
        own = _release(options.work, World(smaller, options.seed)) if smaller else release
        contenders.append(Contender(name, own, questions(own.open_store(), options.seed, options.only)))
    report = Report(_about(release, contenders), tuple(contender.name for contender in contenders))
    try:
        run(contenders, Plan(options.seconds, options.clients, options.timeout, options.rounds), report, _say)
    except (Differs, NotReady) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        # What was measured until then is kept, whatever ended it.
        if options.out:
            options.out.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(as_text(report), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench", description="Speed beside native oxigraph, rdflib-endpoint and Virtuoso."
    )
    add = parser.add_argument
    add("--cities", type=int, default=30_000, help="size of the generated world [30000: 1.1 million triples]")
    add("--rdflib-cities", type=int, default=0, help="a smaller world for rdflib-endpoint alone [the same]")
    add("--seed", type=int, default=1, help="another seed is another world [1]")
    add("--seconds", type=float, default=3.0, help="how long each server is asked each question, twice [3]")
    add(
        "--rounds",
        type=int,
        default=5,
        help="turns in which a server is asked a question, part of the seconds each [5]",
    )
    add("--timeout", type=float, default=60.0, help="seconds after which an answer is not waited for [60]")
    add("--clients", type=int, default=8, help="clients of the second time [8]")
    add("--servers", type=_servers, default=",".join(KINDS), help=f"which, by commas [{','.join(KINDS)}]")
    add("--only", default="", metavar="TEXT", help="only the questions with this in their title, or counting")
    add("--out", type=Path, metavar="FILE.json", help="write all figures as JSON too")
    add("--work", type=Path, default=Path("var/bench"), help="folder that keeps generated worlds [var/bench]")
    return parser


def _servers(text: str) -> str:
    if unknown := set(text.split(",")) - KINDS.keys():
        raise argparse.ArgumentTypeError(f"no server {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    return text


def _release(work: Path, world: World) -> Release:
    _say(f"the world of {world.size:,} cities, seed {world.seed}")
    return find_or_write(work, world)


def _about(release: Release, contenders: Sequence[Contender]) -> dict[str, str | int | float]:
    about: dict[str, str | int | float] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count() or 0,
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "load before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "triples": release.manifest.triples,
        "quads": release.manifest.quads,
    }
    for name in ("pyoxigraph", "sparq-rdf", "oxigraph", "rdflib", "rdflib-endpoint", "uvicorn"):
        # A peer that does not take part need not be installed.
        with suppress(PackageNotFoundError):
            about[name] = version(name)
    about["virtuoso"] = virtuoso.missing() or virtuoso.version()
    others = {c.name: c.release.manifest.triples for c in contenders if c.release.id != release.id}
    return about | {f"triples of {name}": triples for name, triples in others.items()}


def _say(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
