"""How a month of commits fills the disk: bytes of all releases, and of those that a policy would keep."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from pyoxigraph import DefaultGraph, NamedNode

from citygraph.build.build import build
from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import commit
from citygraph.commit.followup import followup_for
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, CG, RDF
from citygraph.release.releases import Release, Releases, WorkingCopy
from citygraph.release.retention import parse_policy
from citygraph.settings import Settings
from citygraph.source.files import sources_of

_BEGIN = datetime(2026, 1, 1, 8, tzinfo=UTC)
_PREFIX = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>"


class _Clock(datetime):
    """The time of the simulation, in the place of that of the machine."""

    moment = _BEGIN

    @classmethod
    def now(cls, tz: Any = None) -> _Clock:
        """Returns the time of the simulation."""
        return cls.fromtimestamp(cls.moment.timestamp(), tz)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    options = _parser().parse_args(arguments)
    policies = [text.strip() for text in options.policies.split(";")]
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        settings = Settings(releases=Path(folder, "releases"))
        releases = Releases(settings.releases)
        with mock.patch("citygraph.release.releases.datetime", _Clock):
            build(sources_of(settings), releases, Progress())
            print(f"a build: {_megabytes(releases.history()):.1f} MB, {releases.current().manifest.quads:,} quads")
            print(f"| day | releases | MB of all | {' | '.join(f'kept by {text}' for text in policies)} |")
            _simulate(options, settings, releases, policies)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench.disk_growth", description="The disk that a month of commits takes."
    )
    add = parser.add_argument
    add("--days", type=int, default=30, help="days of the simulation [30]")
    add("--commits", type=int, default=20, help="commits of a day [20]")
    add("--statements", type=int, default=5, help="statements that a commit adds [5]")
    add("--policies", default="7d, 12 monthly; 1d, 30 daily", help="policies of keep, by semicolons")
    add("--work", type=Path, default=None, help="folder for the releases, which are removed afterwards")
    return parser


def _simulate(options: argparse.Namespace, settings: Settings, releases: Releases, policies: list[str]) -> None:
    followup, working = followup_for(settings), WorkingCopy(releases)
    found = releases.current().open_store().quads_for_pattern(None, RDF("type"), CG("City"), DefaultGraph())
    cities = [quad.subject for quad in found if isinstance(quad.subject, NamedNode)]
    for day in range(1, options.days + 1):
        for number in range(options.commits):
            _Clock.moment = _BEGIN + timedelta(days=day, minutes=20 * number)
            rows = "".join(
                f'{cities[(number + at) % len(cities)]} rdfs:comment "{day} {number} {at}"@en .\n'
                for at in range(options.statements)
            )
            text = f"{_PREFIX} INSERT DATA {{ GRAPH <{BASE}graph/of-day-{day}> {{ {rows} }} }}"
            [outcome] = commit([Change(Update(text), "simulation")], releases, followup, settings, working)
            assert isinstance(outcome, Commit), outcome
        if day in {1, 2, 5, 10, 20, options.days}:
            history = releases.history()
            kept = [_megabytes(_kept(history, policy)) for policy in policies]
            figures = " | ".join(f"{figure:.1f}" for figure in kept)
            print(f"| {day} | {len(history)} | {_megabytes(history):.1f} | {figures} |", flush=True)


def _kept(history: list[Release], policy: str) -> list[Release]:
    """Returns the releases that a policy keeps at the time of the simulation; the current one is always kept."""
    names = parse_policy(policy).kept(history, _Clock.moment) | {history[0].id}
    return [release for release in history if release.id in names]


def _megabytes(releases: Iterable[Release]) -> float:
    """Returns the room that releases take on the disk: a file that several of them have counts once."""
    files = (path.stat() for release in releases for path in release.path.rglob("*") if path.is_file())
    return sum({one.st_ino: one.st_blocks * 512 for one in files}.values()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
