"""Seconds per commit, by its size and the world's, beside whole validation and native oxigraph."""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from statistics import median

from pyoxigraph import DefaultGraph, NamedNode, RdfFormat

from bench.dataset import NEEDED, find_or_write_described, rules_of
from bench.generator import World
from bench.processes import free_port, processor_time, running
from citygraph.build.validation import Validator
from citygraph.commit.change import Change, Update
from citygraph.commit.writer_client import Writer, start_writer
from citygraph.rdf.terms import CG, RDF
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources

_ROOT = Path(__file__).parent.parent
_BIN = Path(sys.executable).parent
_OF_A_CITY = 10
_PREFIXES = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> PREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n"
_BEGUN = time.monotonic()

Commit = Callable[[str], None]


@dataclass
class Figures:
    """Seconds of one world: of commits by us and updates by oxigraph, by triples; of whole validation; and the rate.

    `cost` is the processor time of our commits, which others on the machine change less than their seconds.
    """

    cities: int
    triples: int
    ours: dict[int, float] = field(default_factory=dict)
    cost: dict[int, float] = field(default_factory=dict)
    theirs: dict[int, float] = field(default_factory=dict)
    whole: float | None = None
    rate: float = 0.0


class Texts:
    """Updates that were not sent before, about cities of a world: names and notes, ten for each."""

    def __init__(self, release: Release, most: int) -> None:
        found = release.open_store().quads_for_pattern(None, RDF("type"), CG("City"), DefaultGraph())
        self._cities = [quad.subject for quad in islice(found, most) if isinstance(quad.subject, NamedNode)]
        self._numbers = count(int(time.time()) * 1000)

    def of(self, triples: int) -> str:
        """An update that inserts so many triples into a graph of its own."""
        number = next(self._numbers)
        return (
            f"{_PREFIXES}INSERT DATA {{ GRAPH <urn:x-bench:{number}> {{\n{''.join(self._lines(triples, number))}}} }}"
        )

    def _lines(self, triples: int, number: int) -> Iterator[str]:
        for at in range(triples):
            city = self._cities[(number + at // _OF_A_CITY) % len(self._cities)]
            term = "skos:altLabel" if at % _OF_A_CITY in {0, 5} else "rdfs:comment"
            yield f'{city} {term} "{number} {at}"@en .\n'


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 0. No time fails."""
    options = _parser().parse_args(arguments)
    figures = [_measure(World(int(cities), options.seed), options) for cities in options.cities.split(",")]
    print(as_text(figures, options), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.commits", description="Seconds per commit.")
    add = parser.add_argument
    add("--cities", default="30000,300000", help="sizes of the generated worlds, by commas [30000,300000]")
    add("--triples", default="1,10,1000,100000", help="sizes of the commits [1,10,1000,100000]")
    add("--repeat", type=int, default=7, help="commits of each size; of more than 1,000 triples a third [7]")
    add("--clients", type=int, default=16, help="clients that queue [16]")
    add("--seconds", type=float, default=10.0, help="for how long they do [10]")
    add("--whole-cities", type=int, default=30_000, help="largest world that is also validated whole [30000]")
    add("--all-rules", action="store_true", help="with what all rules conclude, thrice as many triples")
    add("--seed", type=int, default=1, help="another seed is another world [1]")
    add("--work", type=Path, default=Path("var/bench"), help="folder that keeps generated worlds [var/bench]")
    return parser


def _measure(world: World, options: argparse.Namespace) -> Figures:
    _say(f"the world of {world.size:,} cities")
    sources = Sources(_ROOT / "data", rules_of(options.work, _ROOT / "ontology", () if options.all_rules else NEEDED))
    release = find_or_write_described(options.work, world, sources)
    sizes = [int(size) for size in options.triples.split(",")]
    figures = Figures(world.size, release.manifest.triples)
    texts = Texts(release, max(sizes) // _OF_A_CITY + 1000)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        with _ours(release, sources, Path(folder)) as (commit, pid):
            figures.ours, figures.cost = _seconds(commit, texts, sizes, options.repeat, pid)
            figures.rate = _rate(commit, texts, options.clients, options.seconds)
        with _oxigraph(release, Path(folder)) as commit:
            figures.theirs, _ = _seconds(commit, texts, sizes, options.repeat, os.getpid())
        if world.size <= options.whole_cities:
            figures.whole = _whole(release, sources, Path(folder))
    return figures


def _seconds(
    commit: Commit, texts: Texts, sizes: Sequence[int], repeat: int, pid: int
) -> tuple[dict[int, float], dict[int, float]]:
    commit(texts.of(1))  # opens what stays open
    found, cost = {}, {}
    for size in sizes:
        times = []
        before = processor_time(pid)
        for _ in range(repeat if size <= 1000 else max(1, repeat // 3)):
            text = texts.of(size)
            begun = time.monotonic()
            commit(text)
            times.append(time.monotonic() - begun)
        found[size] = median(times)
        cost[size] = (processor_time(pid) - before) / len(times)
        _say(f"{size} triples: {found[size]:.3f} s, {cost[size]:.3f} s of a processor")
    return found, cost


def _rate(commit: Commit, texts: Texts, clients: int, seconds: float) -> float:
    """Commits of ten triples a second, by clients that wait for each response; each writes to its own graphs."""
    waiting = [texts.of(10) for _ in range(clients * 200)]
    end = time.monotonic() + seconds
    done: list[float] = []

    def client() -> None:
        while time.monotonic() < end and waiting:
            commit(waiting.pop())
            done.append(time.monotonic())

    begun = time.monotonic()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done) / (max(done) - begun)


@contextmanager
def _ours(release: Release, sources: Sources, folder: Path) -> Iterator[tuple[Commit, int]]:
    """The writer, with its shapes and rules, on a copy of the release."""
    releases = Releases(folder / "releases")
    with releases.stage(copy_of=release) as staged:
        (staged.path / "search.sqlite").hardlink_to(release.path / "search.sqlite")
        staged.publish(release.manifest)
    settings = Settings(releases=releases.root, data=sources.data, ontology=sources.ontology, write_time_limit=3600.0)
    with start_writer(settings) as process:
        writer = Writer(process.settings)

        def commit(text: str) -> None:
            writer.commit(Change(Update(text), "bench"))

        yield commit, process.pid


@contextmanager
def _oxigraph(release: Release, folder: Path) -> Iterator[Commit]:
    """The native server on a copy of the store: it validates, derives and describes nothing."""
    release.open_store().backup(str(folder / "oxigraph"))
    port = free_port()
    command = (str(_BIN / "oxigraph"), "serve", "-l", str(folder / "oxigraph"), "-b", f"127.0.0.1:{port}")
    with running(command, port, folder / "oxigraph.log", dict(os.environ), 120.0):

        def commit(text: str) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            connection.request("POST", "/update", text.encode(), {"Content-Type": "application/sparql-update"})
            status = connection.getresponse().status
            connection.close()
            if status != 204:
                raise RuntimeError(f"oxigraph answers {status}")

        yield commit


def _whole(release: Release, sources: Sources, folder: Path) -> float:
    """Seconds in which shifty validates the whole default graph, without explanations."""
    data = folder / "whole.nt"
    validator = Validator(sources)
    begun = time.monotonic()
    release.open_store().dump(str(data), RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
    validator.find(data)
    _say(f"whole validation: {time.monotonic() - begun:.1f} s")
    return time.monotonic() - begun


def as_text(figures: Sequence[Figures], options: argparse.Namespace) -> str:
    """The tables in Markdown."""
    smallest = figures[0]
    lines = [
        "| triples | in the commit | commit (s) | processor (s) | to the smallest world | oxigraph (s) | to oxigraph |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in figures:
        for size, seconds in one.ours.items():
            ratio, other = seconds / smallest.ours[size], seconds / one.theirs[size]
            cells = (f"{one.triples:,}", f"{size:,}", f"{seconds:.3f}", f"{one.cost[size]:.3f}", f"{ratio:.2f}",
                     f"{one.theirs[size]:.3f}", f"{other:.0f}")  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"| triples | commits/s of {options.clients} clients | whole validation (s) | to ten triples |",
              "|---:|---:|---:|---:|"]  # fmt: skip
    for one in figures:
        whole = (
            f"{one.whole:.1f} | {one.whole / one.ours[10]:.0f}" if one.whole and 10 in one.ours else "not measured |"
        )
        lines.append(f"| {one.triples:,} | {one.rate:.1f} | {whole} |")
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return "\n".join([*lines, "", f"{os.cpu_count()} cores, load afterwards {load}", ""])


def _say(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
