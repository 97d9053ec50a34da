"""Seconds to check a workbook, before and after its import, in turns with a build of the same data in TriG."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from statistics import median

from bench.names import Names
from citygraph.sheets.check import choices_of
from citygraph.sheets.table_model import Sheet, SheetColumn, read_model
from citygraph.sheets.xlsx_files import write_rows
from citygraph.source.files import Sources
from citygraph.text import fold

_ROOT = Path(__file__).parent.parent
_CITYGRAPH = Path(sys.executable).parent / "citygraph"
_COUNTRIES, _SOURCES = 60, 60
_LANGUAGES = ("en",)
_BASE = "https://w3id.org/citygraph/"
_CHECKED, _BUILT = "checked", "built"  # the instances: one without the agreements, one with their files
_BEGUN = time.monotonic()

Row = Mapping[str, str]


@dataclass(frozen=True)
class Figures:
    """Seconds of the clock and of the processor."""

    clock: float
    processor: float


class Rows:
    """Agreements between places, with their sources; the same seed makes the same rows."""

    def __init__(self, agreements: int, places: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - nothing here is secret
        names = Names(Random(seed))  # noqa: S311 - nor here
        self._countries = [names.place() for _ in range(_COUNTRIES)]
        self._places = [(*names.place(), self._random.choice(self._countries)[0]) for _ in range(places)]
        self._names = Counter(fold(name) for _, name, *_ in (*self._countries, *self._places))
        self._agreements = agreements

    def by_sheet(self) -> dict[str, list[Row]]:
        """Returns the rows of each sheet by the keys of its columns."""
        return {
            "sources": [
                {
                    "key": _source(number),
                    "title": f"Bulletin {number}",
                    "publisher": "City Hall",
                    "language": "en",
                    "issued": str(1960 + number),
                }
                for number in range(_SOURCES)
            ],
            "organisations": [{"name": "City Hall", "kind": "organisation", "source": _source(0)}],
            "places": [*self._countries_of_world(), *self._cities()],
            "agreements": list(self._ties()),
        }

    def _countries_of_world(self) -> Iterator[Row]:
        for number, (slug, name) in enumerate(self._countries):
            yield {
                "id": f"country/{slug}",
                "name": name,
                "kind": "country",
                "wikidata": f"Q{2 * 10**8 + number}",
                "source": _source(number),
            }

    def _cities(self) -> Iterator[Row]:
        for number, (slug, name, country) in enumerate(self._places):
            yield {
                "id": f"city/{slug}",
                "name": name,
                "kind": "city",
                "wikidata": f"Q{10**8 + number}",
                "country": f"country/{country}",
                "latitude": f"{self._random.uniform(-60, 60):.4f}",
                "longitude": f"{self._random.uniform(-179, 179):.4f}",
                "source": _source(self._random.randrange(_SOURCES)),
            }

    def _ties(self) -> Iterator[Row]:
        seen: set[tuple[str, ...]] = set()
        while len(seen) < self._agreements:
            one, other = self._random.sample(self._places, 2)
            pair = tuple(sorted((one[0], other[0])))
            if pair in seen:
                continue
            seen.add(pair)
            year = self._random.randint(1955, 2025)
            yield {
                "city": f"city/{one[0]}",
                # By its name, unless others have it too.
                "partner": other[1] if self._names[fold(other[1])] == 1 else f"city/{other[0]}",
                "kind": "sister-city agreement" if self._random.random() < 0.8 else "cooperation agreement",
                "council_act": f"{self._random.randint(1, 28):02}.{self._random.randint(1, 12):02}.{year}",
                "protocol": str(year + 1),
                "end": str(year + 20) if year < 2000 and self._random.random() < 0.2 else "",
                "source": _source(self._random.randrange(_SOURCES)),
            }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit status 0, or 1 if a command fails. No time fails."""
    options = _parser().parse_args(arguments)
    folder = options.work.resolve() / f"sheets-{options.agreements}-{options.places}-{options.seed}"
    workbook = folder / "agreements.xlsx"
    figures: dict[str, list[Figures]] = {"build": [], "check": [], "check again": []}
    try:
        _start(folder, workbook, Rows(options.agreements, options.places, options.seed))
        for number in range(1, options.rounds + 1):
            for name, instance, command in (
                ("check", _CHECKED, ("sheets", "check", str(workbook))),
                ("build", _BUILT, ("build", "--force")),
                ("check again", _BUILT, ("sheets", "check", str(workbook))),
            ):
                figures[name].append(_run(folder / instance, *command))
                clock, processor = astuple(figures[name][-1])
                _say(f"round {number}: {name} {clock:.1f} s, {processor:.1f} s of a processor")
    except subprocess.CalledProcessError as error:
        print(f"bench: {error}\n{error.stderr[-2000:]}", file=sys.stderr)
        return 1
    about = f"{options.agreements:,} agreements between {options.places:,} places; {options.rounds} round(s)"
    print(as_text(figures, about), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.sheets", description="Seconds to check a workbook.")
    add = parser.add_argument
    add("--agreements", type=int, default=10_000, help="rows of the sheet of agreements [10000]")
    add("--places", type=int, default=3_000, help="places that are their parties [3000]")
    add("--rounds", type=int, default=3, help="checks and builds, in turns [3]")
    add("--seed", type=int, default=1, help="another seed makes other rows [1]")
    add("--work", type=Path, default=Path("var/bench"), help="folder for the workbook and the data [var/bench]")
    return parser


def as_text(figures: Mapping[str, Sequence[Figures]], about: str) -> str:
    """The table in Markdown: medians of all rounds, and their ratios to those of the build."""
    lines = [
        about,
        "",
        "| | seconds | to the build | of a processor | to the build |",
        "|---|---:|---:|---:|---:|",
    ]
    build = _medians(figures["build"])
    for name, measured in figures.items():
        found = _medians(measured)
        clock, processor = found.clock / build.clock, found.processor / build.processor
        lines.append(f"| {name} | {found.clock:.1f} | {clock:.2f} | {found.processor:.1f} | {processor:.2f} |")
    return "\n".join(lines) + "\n"


def _medians(figures: Sequence[Figures]) -> Figures:
    return Figures(median(one.clock for one in figures), median(one.processor for one in figures))


def _start(folder: Path, workbook: Path, rows: Rows) -> None:
    """Writes the workbook and two instances; the second has imported the workbook."""
    _say("the workbook and the instances")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = {"base": _BASE, "language": _LANGUAGES[0], "title": "T", "home": "Home", "publisher": "City Hall"}
    plain = {**settings, "contact": "office@home.test", "timezone": "UTC"}
    for name in (_CHECKED, _BUILT):
        _run(folder, "init", name, *(f"--{key}={value}" for key, value in plain.items()))
    sources = Sources(folder / _CHECKED / "data", _ROOT / "ontology", _ROOT / "queries")
    model = read_model(sources.ontology, _LANGUAGES)
    by_column = {key: [_by_column(model.sheet(key), row) for row in sheet] for key, sheet in rows.by_sheet().items()}
    write_rows(workbook, model, choices_of(sources), by_column)
    _say("the import")
    _run(folder / _BUILT, "sheets", "import", str(workbook))


def _by_column(sheet: Sheet, row: Row) -> dict[SheetColumn, str]:
    return {sheet.column(key): text for key, text in row.items() if text}


def _run(folder: Path, *command: str) -> Figures:
    """Runs a command in a process of its own."""
    begun, before = time.monotonic(), os.times()
    subprocess.run([_CITYGRAPH, *command], cwd=folder, check=True, capture_output=True, text=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Figures(time.monotonic() - begun, used)


def _source(number: int) -> str:
    return f"bulletin-{number}"


def _say(line: str) -> None:
    print(f"{time.monotonic() - _BEGUN:7.1f} s  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
