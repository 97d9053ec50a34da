"""Processor time of a point lookup, by process: `python -m bench.lookup --help`.

The application runs in this process, without the HTTP server, and asks one engine process. Only processor time is
measured, because it depends little on what else the machine does. With PYTHONPATH an older version of the code can be
measured in alternation.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote_plus

from bench.connection import JSON
from bench.dataset import find_or_write
from bench.generator import World
from bench.mix import questions
from bench.processes import family
from citygraph.engine.engines import Engines
from citygraph.engine.host import start_host
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app

Lookup = Callable[[int], None]


@contextmanager
def lookups(release: Release, bounded: bool = True) -> Iterator[Lookup]:
    """Yields a function that does the lookup of a number; each number is another text, so that no cache is used.

    With `bounded`, the application evaluates them itself, else the engine process.
    """
    releases = release.path.parent
    settings = Settings(
        releases=releases, engines=1, workers=1, store_mode="memory", engine_queries=10**9
    ).with_changes(client_rate=0, client_concurrency=0, bounded_queries=bounded)
    (question,) = questions(release.open_store(), 1, "star lookup")
    with start_host(settings) as host, Engines(host.settings) as engines:
        application = create_app(host.settings, Releases(releases), engines).wsgi_app
        engines.open(release.id)

        def look_up(number: int) -> None:
            text = f"{question.texts[number % len(question.texts)]}\n#{number}"
            body = b"".join(application(_environ(text), _check))
            if b'"bindings"' not in body:
                raise ValueError(f"no result: {body[:200]!r}")

        yield look_up


def figures(look_up: Lookup, rounds: int, number: int) -> list[tuple[float, float]]:
    """Returns the microseconds of this process and of its children for a lookup, of each round."""
    rows = []
    for round_ in range(rounds + 1):
        children = family(os.getpid()) - {os.getpid()}
        own, others = time.process_time(), _used(children)
        for lookup in range(number):
            look_up(round_ * number + lookup)
        rows.append(((time.process_time() - own) / number * 1e6, (_used(children) - others) / number * 1e6))
    # In the first, everything is read for the first time.
    return rows[1:]


def _environ(text: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/sparql",
        "QUERY_STRING": f"query={quote_plus(text)}",
        "HTTP_ACCEPT": JSON,
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }


def _check(status: str, _headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
    if not status.startswith("200"):
        raise ValueError(f"the lookup failed: {status}")
    return io.BytesIO().write


def _used(processes: set[int]) -> float:
    """Returns the seconds of processor time that processes have used; the kernel counts them in nanoseconds."""
    paths = (path for process in processes for path in Path(f"/proc/{process}/task").glob("*/schedstat"))
    return sum(int(path.read_text().split()[0]) for path in paths) / 1e9


def main() -> None:
    """Prints the medians and the lowest figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.lookup", description=__doc__.splitlines()[0])
    parser.add_argument("--cities", type=int, default=1000, help="size of the generated world")
    parser.add_argument("--work", type=Path, default=Path("var/bench"), help="folder that keeps generated worlds")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--lookups", type=int, default=1000, help="in each round")
    parser.add_argument("--by-engine", action="store_true", help="let the engine process evaluate them")
    options = parser.parse_args()
    release = find_or_write(options.work, World(options.cities))
    with lookups(release, bounded=not options.by_engine) as look_up:
        rows = figures(look_up, options.rounds, options.lookups)
    for name, of in (("median", median), ("lowest", min)):
        application, engine = (of(part) for part in zip(*rows, strict=True))
        print(
            f"{name}: application {application:.0f} µs, engine {engine:.0f} µs, together {application + engine:.0f} µs"
        )


if __name__ == "__main__":
    main()
