"""A generated world of any size with Virtuoso as its store: `python -m bench.large_store --cities 2600000`.

It writes the world as `citygraph store write` does, loads the files by Virtuoso's bulk loader into a database of its
own, verifies them as `citygraph store adopt` does, and sends each query of the mix to a publisher with this store. An
interrupted run continues from the same place. 2,600,000 cities are 100 million triples, and with their sources 200
million statements. The release itself is empty, unless `--release` is given: its own store would need 50 GB for such a
world.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import NamedNode, Quad

from bench import virtuoso
from bench.connection import Connection, Endpoint
from bench.dataset import copied, digest, distinct, find_or_write, find_or_write_empty
from bench.generator import World, quads
from bench.mix import Question, questions_of
from bench.processes import processor_time, resident
from bench.servers import server
from citygraph.progress import Progress, Step
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.stores.bulk_files import FILE_SIZE, BulkContent, BulkFiles, read_record
from citygraph.stores.release_names import ReleaseNames
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_queries import StoreQueries
from citygraph.stores.store_service import StoreService

# A world of this size has all predicates with all kinds of values.
_SURVEYED = 2_000
_VALUES = 1_000
_REPORTED = 2_000_000


@dataclass(frozen=True)
class Timing:
    """The duration of a query in seconds: on the publisher, the first time and with other values, and in the engine.

    `processor` is the processor time that the store used for the first. None if it was not sent; without a status, the
    query belongs to the release, not to the store.
    """

    title: str
    status: int = 0
    bytes: int = 0
    first: float | None = None
    processor: float | None = None
    second: float | None = None
    engine: float | None = None


class _Lines(Progress):
    """Progress as lines on standard error."""

    def moved(self, step: Step) -> None:
        """Prints how far a step is, once for many statements."""
        if int(step.result.split()[0].replace(",", "")) % _REPORTED:
            return
        print(f"  {step.name}: {step.result}", file=sys.stderr, flush=True)

    def finished(self, step: Step) -> None:
        """Prints the duration of a step."""
        print(f"{step.name}: {step.result}, {step.seconds:,.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures as JSON; exit status 0, or 1 without Virtuoso."""
    parser = argparse.ArgumentParser("python -m bench.large_store", description="A large world with Virtuoso.")
    parser.add_argument("--cities", type=int, default=30_000, help="size of the world [30000: 1.1 million triples]")
    parser.add_argument("--copies", type=int, default=1, help="so many such worlds, with names of their own [1]")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another world [1]")
    parser.add_argument("--buffers", type=int, default=170_000, help="memory of Virtuoso, in units of 8 KiB [170000]")
    parser.add_argument("--loaders", type=int, default=2, help="files that Virtuoso loads at a time [2]")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a query may take [120]")
    parser.add_argument("--release", action="store_true", help="write the whole release, and ask the engine too")
    parser.add_argument("--work", type=Path, default=Path("var/bench"), help="folder of worlds [var/bench]")
    options = parser.parse_args(arguments)
    # So that Virtuoso is ended as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if reason := virtuoso.missing():
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    world = World(options.cities, options.seed)
    root = options.work.absolute() / f"bulk-{options.cities}-{options.copies}-{options.seed}"
    release = find_or_write(root, world) if options.release else find_or_write_empty(root, world, options.copies)
    files, steps = root / "files", Steps()
    with virtuoso.bulk_store_server(root / "virtuoso", files, options.buffers) as store:
        loader = StoreLoader(StoreService(store.addresses), Settings().base, _Lines(), grace=0.0)
        if not (files / "load.json").exists():
            shutil.rmtree(files, ignore_errors=True)
            with steps.timed("write"):
                _write(loader, release, None if options.release else world, options.copies, files)
        used = processor_time(store.pid)
        with steps.timed("load"):
            store.load(files, options.loaders)
        used = processor_time(store.pid) - used
        with steps.timed("adopt"):
            loaded = loader.adopt(files)
        memory = resident(store.pid)
        timings = list(_timings(release, store, options))
    figures = {
        "virtuoso": virtuoso.version(),
        "cities": options.cities * options.copies,
        "default_graph": read_record(files).counts[loaded.names.default_graph],
        "statements": sum(read_record(files).counts.values()),
        "seconds": steps.seconds,
        "processor_seconds_of_load": round(used),
        "files": sum(path.stat().st_size for path in files.iterdir()),
        "database": store.size,
        "memory": memory,
        "constructs": ["+".join(one) for one in loaded.constructs],
        "predicates": loaded.predicates,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "queries": [vars(one) for one in timings],
    }
    print(json.dumps(figures, indent=1))
    return 0


class Steps:
    """The seconds of each step of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, int] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measures a step."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun)


def _write(loader: StoreLoader, release: Release, world: World | None, copies: int, files: Path) -> None:
    """Writes the files of a release; those of a world whose release is empty come from the generator."""
    if world is None:
        loader.write(release, files, with_default=False)
        return
    small = World(min(world.size, _SURVEYED), world.seed)
    # They are the same in each world.
    graphs = sorted({quad.graph_name for quad in quads(small) if isinstance(quad.graph_name, NamedNode)}, key=str)

    def every() -> Iterator[Quad]:
        return copied(lambda: quads(world), copies)

    content = BulkContent(
        release.id,
        digest(world),
        graphs,
        every,
        lambda: distinct(every()),
        lambda: quads(small),
    )
    loader.write_content(content, BulkFiles(files, FILE_SIZE), with_default=False)


def _timings(release: Release, store: virtuoso.VirtuosoStore, options: argparse.Namespace) -> Iterator[Timing]:
    service = StoreService(store.addresses)
    names = ReleaseNames(release.manifest.digest)

    def column(text: str) -> Iterator[str]:
        head, _, rest = text.partition("WHERE {")
        rows = service.rows(f"{head} FROM <{names.default_graph}> WHERE {{{rest} LIMIT {_VALUES}")
        return (next(iter(row.values()))["value"] for row in rows)

    plans = StoreQueries(Settings(store=store.addresses.query), service)
    own = Settings(store=store.addresses.query, store_loads=False, bounded_queries=False, time_limit=options.limit)
    os.environ |= {name: value for name, value in own.as_environment().items() if name in _GIVEN}
    with server("citygraph-disk", release) as publisher:
        connection = Connection(publisher.endpoint, options.limit + 30)
        for question in questions_of(column, options.seed):
            timing = Timing(question.title)
            if plans.plan(release, Query(question.texts[0], formats=("json",))):
                timing = _timed(connection, publisher.endpoint, question, store.pid)
            if options.release:
                begun = time.monotonic()
                evaluate(release.open_store(), Query(question.texts[0], formats=("json",))).write(io.BytesIO())
                timing = replace(timing, engine=round(time.monotonic() - begun, 3))
            print(f"  {timing}", file=sys.stderr, flush=True)
            yield timing


_GIVEN = frozenset(f"CITYGRAPH_{name}" for name in ("STORE", "STORE_LOADS", "BOUNDED_QUERIES", "TIME_LIMIT"))


def _timed(connection: Connection, endpoint: Endpoint, question: Question, store: int) -> Timing:
    seconds, replies, used = [], [], [processor_time(store)]
    # The second has other values, or a comment, so that no cache answers.
    for text in (question.texts[0], question.texts[-1] + "\n# again"):
        begun = time.monotonic()
        replies.append(connection.ask(endpoint.request(text), keep=False))
        seconds.append(round(time.monotonic() - begun, 3))
        used.append(processor_time(store))
    status = max(reply.status for reply in replies)
    return Timing(question.title, status, replies[0].length, seconds[0], round(used[1] - used[0], 2), seconds[1])


if __name__ == "__main__":
    sys.exit(main())
