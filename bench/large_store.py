"""A generated world of any size with Virtuoso as its store: `python -m bench.large_store --cities 2600000`.

It writes the release unless it is there, starts Virtuoso on a database of its own, loads the release into it as
`citygraph store load` does, and asks each query of the mix, by the store and by the engine. A run that was broken off
goes on where it was. 2,600,000 cities are 100 million triples, and with their sources 200 million statements.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import virtuoso
from bench.dataset import find_or_write
from bench.generator import World
from bench.mix import Question, questions
from citygraph.errors import CitygraphError
from citygraph.progress import Progress, Step
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_queries import StoreQueries
from citygraph.stores.store_service import StoreAddresses, StoreService


@dataclass(frozen=True)
class Timing:
    """How long a query took in the store and in the engine, in seconds; None if the store does not answer it."""

    title: str
    rows: int
    store: float | None
    engine: float | None


class _Lines(Progress):
    """Progress as lines on standard error."""

    def moved(self, step: Step) -> None:
        """Prints how far a step is."""
        print(f"  {step.name}: {step.result}", file=sys.stderr, flush=True)

    def finished(self, step: Step) -> None:
        """Prints the duration of a step."""
        print(f"{step.name}: {step.result}, {step.seconds:,.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures as JSON; exit status 0, or 1 without Virtuoso."""
    parser = argparse.ArgumentParser("python -m bench.large_store", description="A large world with Virtuoso.")
    parser.add_argument("--cities", type=int, default=30_000, help="size of the world [30000: 1.1 million triples]")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another world [1]")
    parser.add_argument("--buffers", type=int, default=170_000, help="memory of Virtuoso, in units of 8 KiB [170000]")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a query may take [120]")
    parser.add_argument("--no-engine", action="store_true", help="do not ask the engine, for worlds too large for it")
    parser.add_argument("--work", type=Path, default=Path("var/bench"), help="folder of worlds [var/bench]")
    options = parser.parse_args(arguments)
    # So that Virtuoso is ended as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if reason := virtuoso.missing():
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    begun = time.monotonic()
    release = find_or_write(options.work, World(options.cities, options.seed))
    print(f"release: {release.manifest.triples:,} triples, {time.monotonic() - begun:,.0f} s", file=sys.stderr)
    folder = release.path.parent / f"{release.id}.store"
    with virtuoso.store_server(folder, options.buffers) as addresses:
        begun = time.monotonic()
        loaded = StoreLoader(StoreService(addresses), f"{release.path.parent}/", _Lines(), grace=0.0).load(release)
        seconds = time.monotonic() - begun
        timings = [
            _timed(release, addresses, question, options.limit, not options.no_engine)
            for question in questions(release.open_store(), options.seed)
        ]
    size = sum(path.stat().st_size for path in folder.iterdir())
    figures = {
        "virtuoso": virtuoso.version(),
        "cities": options.cities,
        "triples": release.manifest.triples,
        "quads": release.manifest.quads,
        "load_seconds": round(seconds),
        "bytes": size,
        "constructs": ["+".join(one) for one in loaded.constructs],
        "predicates": loaded.predicates,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "queries": [vars(one) for one in timings],
    }
    print(json.dumps(figures, indent=1))
    return 0


def _timed(release: Release, addresses: StoreAddresses, question: Question, limit: float, with_engine: bool) -> Timing:
    settings = Settings(store=addresses.query, time_limit=limit)
    store = StoreQueries(settings, StoreService(addresses))
    query = Query(question.texts[0], formats=("json",))
    plan = store.plan(release, query)
    rows, in_store = 0, None
    if plan:
        begun = time.monotonic()
        try:
            answer = store.run(release, query, plan)
        except CitygraphError as error:
            print(f"  {question.title}: {error}", file=sys.stderr)
        else:
            in_store = round(time.monotonic() - begun, 3) if answer else None
            rows = (answer.rows or 0) if answer else 0
    in_engine = None
    if with_engine:
        begun = time.monotonic()
        rows = evaluate(release.open_store(), query).write(io.BytesIO())
        in_engine = round(time.monotonic() - begun, 3)
    return Timing(question.title, rows, in_store, in_engine)


if __name__ == "__main__":
    sys.exit(main())
