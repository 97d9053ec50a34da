"""Measures reconciliation: German names of cities against places made from Natural Earth, with QIDs as the truth.

`python -m bench.reconciliation --data ../shared/realdata` prints precision, recall and speed.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Literal, NamedNode, Quad, Store

from bench.processes import free_port, processor_time, rest
from citygraph.index.facts import StoredQuads
from citygraph.index.names import write_index
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import Question, reconcile
from citygraph.rdf.terms import CG, ID, ONTOLOGY_GRAPH, OWL, RDF, RDFS, SCHEMA, SKOS, SOURCE, WD
from citygraph.release.releases import Manifest, Releases
from citygraph.text import slug

PLACES = "natural-earth/ne_10m_populated_places_v4_compact.csv"
NAMES = "L3viathan__sister-cities/names.tsv"
_LANGUAGES = ("de", "es", "fr", "pt", "ru", "zh")
_SOURCE = SOURCE("bench")
_TOP = 3


@dataclass(frozen=True)
class Place:
    """A place of Natural Earth."""

    qid: str
    country: str
    quads: tuple[Quad, ...]


@dataclass(frozen=True)
class Quality:
    """The result: numbers of names, names with a place, matches, correct matches, and correct in the top three."""

    asked: int = 0
    present: int = 0
    matched: int = 0
    right: int = 0
    in_top: int = 0

    @property
    def precision(self) -> float:
        """The right ones among the matches."""
        return self.right / self.matched if self.matched else 1.0

    @property
    def recall(self) -> float:
        """The places found among the first three, of those that are there."""
        return self.in_top / self.present if self.present else 1.0

    def __str__(self) -> str:
        return (
            f"{self.asked:6} names, {self.present:5} places present | match: true {self.matched:5}, precision "
            f"{self.precision:.4f} | top {_TOP} {self.in_top:5}, recall {self.recall:.4f}"
        )


def read_places(path: Path) -> list[Place]:
    """The places of Natural Earth that have a Wikidata item, as quads."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["wikidata"]]
    return [_place(number, row) for number, row in enumerate(rows)]


def read_names(path: Path) -> list[tuple[str, str]]:
    """QIDs and the labels of cities, mostly German."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(qid, name) for qid, _, name in (line.partition("\t") for line in lines)]


def judge(questions: Iterable[tuple[str, Question]], lookup: Lookup, present: set[str]) -> Quality:
    """Ask each question and compare with its QID."""
    asked = there = matched = right = in_top = 0
    for qid, question in questions:
        candidates = reconcile(question, lookup)[:_TOP]
        asked += 1
        there += qid in present
        in_top += any(qid in candidate.entity.qids for candidate in candidates)
        if candidates and candidates[0].match:
            matched += 1
            right += qid in candidates[0].entity.qids
    return Quality(asked, there, matched, right, in_top)


def measure_quality(data: Path, folder: Path, every: int = 1) -> dict[str, Quality]:
    """Returns the quality for names whose place is present, for the same with their countries, and for all names.

    If the place of a name is not present, a namesake is a wrong match, which a name alone cannot avoid.
    """
    places = read_places(data / PLACES)
    names = read_names(data / NAMES)[::every]
    countries = {place.qid: place.country for place in places}
    present = set(countries)
    with closing(_lookup([quad for place in places for quad in place.quads], folder / "places.sqlite")) as lookup:
        known = [(qid, name) for qid, name in names if qid in present]
        plain = [(qid, Question(name, ("City",))) for qid, name in known]
        with_country = [(qid, Question(name, ("City",), countries=(countries[qid],))) for qid, name in known]
        every_name = [(qid, Question(name, ("City",))) for qid, name in names]
        return {
            "place present, name alone": judge(plain, lookup, present),
            "place present, name and country": judge(with_country, lookup, present),
            "all names, name alone": judge(every_name, lookup, present),
        }


def ten_thousand(data: Path) -> list[Quad]:
    """10,000 places: Natural Earth's, and cities that only have a name."""
    places = read_places(data / PLACES)
    known = {place.qid for place in places}
    others = [(qid, name) for qid, name in read_names(data / NAMES) if qid not in known]
    quads = [quad for place in places for quad in place.quads]
    for qid, name in others[: 10_000 - len(places)]:
        city = NamedNode(f"{ID}city/{qid.lower()}")
        quads += _quads(city, [(RDF("type"), CG("City")), (RDFS("label"), Literal(name, language="de")),
                               (OWL("sameAs"), WD(qid))])  # fmt: skip
    return quads


def time_of_batches(url: str, names: Sequence[str], size: int = 50) -> list[float]:
    """Returns the seconds of each batch of names, sent one after the other as OpenRefine does."""
    times = []
    for start in range(0, len(names) - size + 1, size):
        batch = {f"q{n}": {"query": name, "type": "City"} for n, name in enumerate(names[start : start + size])}
        body = urllib.parse.urlencode({"queries": json.dumps(batch)}).encode()
        begun = time.perf_counter()
        with urllib.request.urlopen(f"{url}/reconcile", body, timeout=60) as response:  # noqa: S310 - our server
            answer = json.load(response)
        times.append(time.perf_counter() - begun)
        assert len(answer) == size
    return times


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser("python -m bench.reconciliation", description="Quality and speed.")
    parser.add_argument("--data", type=Path, default=Path("../shared/realdata"), help="folder of the real data")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="citygraph-bench-") as folder:
        for what, quality in measure_quality(options.data, Path(folder)).items():
            print(f"{what:34} {quality}")
        names = [name for _, name in read_names(options.data / NAMES)]
        release = _publish(ten_thousand(options.data), Path(folder) / "releases")
        with closing(Lookup(release / "search.sqlite")) as lookup:
            begun, processor = time.perf_counter(), time.process_time()
            for name in names:
                reconcile(Question(name, ("City",)), lookup)
            rate, by_processor = (len(names) / (clock() - start) for clock, start in (
                (time.perf_counter, begun), (time.process_time, processor)))  # fmt: skip
            print(f"in one thread: {rate:,.0f} names/s, {by_processor:,.0f} per processor second")
        with _serving(Path(folder) / "releases") as (url, pid):
            time_of_batches(url, names[:1000])
            rest(pid, 60)  # engines load the release behind the first answers
            before = processor_time(pid)
            times = sorted(time_of_batches(url, names))
            rate = 50 * len(times) / sum(times)
            # On a machine that others use too, this is what the service itself needs.
            print(f"over HTTP: {50 * len(times) / (processor_time(pid) - before):,.0f} names per processor second")
            print(f"over HTTP, batches of 50: {rate:,.0f} names/s, median {times[len(times) // 2] * 1000:.1f} ms, "
                  f"p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms a batch")  # fmt: skip
    return 0


def _place(number: int, row: dict[str, str]) -> Place:
    city = NamedNode(f"{ID}city/{slug(row['name'])}-{number}")
    country = NamedNode(f"{ID}country/{slug(row['country'])}")
    values: list[tuple[NamedNode, NamedNode | Literal]] = [
        (RDF("type"), CG("City")),
        (RDFS("label"), Literal(row["name_en"] or row["name"], language="en")),
        (SKOS("altLabel"), Literal(row["name"])),
        *((SKOS("altLabel"), Literal(row[f"name_{tag}"], language=tag)) for tag in _LANGUAGES if row[f"name_{tag}"]),
        (CG("country"), country),
        (SCHEMA("latitude"), Literal(float(row["lat"]))),
        (SCHEMA("longitude"), Literal(float(row["lon"]))),
        (OWL("sameAs"), WD(row["wikidata"])),
    ]
    of_country: list[tuple[NamedNode, NamedNode | Literal]] = [
        (RDF("type"), CG("Country")),
        (RDFS("label"), Literal(row["country"], language="en")),
    ]
    quads = (*_quads(city, values), *_quads(country, of_country))
    return Place(row["wikidata"], row["country"], quads)


def _quads(subject: NamedNode, values: Iterable[tuple[NamedNode, NamedNode | Literal]]) -> list[Quad]:
    return [Quad(subject, predicate, value) for predicate, value in values]


def _lookup(quads: list[Quad], path: Path) -> Lookup:
    store = Store()
    store.bulk_extend(quads)
    write_index(StoredQuads(store), path)
    return Lookup(path)


def _publish(quads: list[Quad], root: Path) -> Path:
    """Publishes a release of these places and returns its folder."""
    place = Quad(CG("City"), RDF("type"), OWL("Class"), ONTOLOGY_GRAPH)
    named = [Quad(quad.subject, quad.predicate, quad.object, _SOURCE) for quad in quads]
    with Releases(root).stage() as staged:
        staged.open().bulk_extend([*quads, *named, place])
        write_index(StoredQuads(staged.open()), staged.path / "search.sqlite")
        return staged.publish(Manifest(digest="0" * 64, quads=len(named), triples=len(quads))).path


@contextmanager
def _serving(root: Path) -> Iterator[tuple[str, int]]:
    """A server over these releases; its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "citygraph.cli", "--releases", str(root), "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait(f"{url}/health")
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our server
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


if __name__ == "__main__":
    sys.exit(main())
