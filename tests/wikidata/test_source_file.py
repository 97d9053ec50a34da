"""The file of a pull, and the progress of a pull."""

from __future__ import annotations

from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG
from citygraph.wikidata.model import Notice
from citygraph.wikidata.source_file import SourceDescription, write_source
from citygraph.wikidata.spool import ProgressCounter, duration

DESCRIPTION = SourceDescription("wikidata", "", (), "2026-11-20T00:00:00Z", "", ("en",))


def test_lines_are_sorted_each_once(tmp_path: Path) -> None:
    """More lines than a batch, in any order and repeated, give one text; notices are kept apart."""
    quads = [Quad(NamedNode(f"urn:{n}"), CG("note"), Literal("\u0130"), DESCRIPTION.graph) for n in range(12_000)]
    notice = Notice("missing", "Q1", "Q1 does not exist")
    first = write_source(tmp_path / "a", DESCRIPTION, [*quads, notice])
    second = write_source(tmp_path / "b", DESCRIPTION, [*quads[::-1], notice, *quads[:100]], [notice])
    lines = first.path.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert second.statements == len(lines)
    assert second.notices == (notice,)


def test_progress_is_reported() -> None:
    """Count, rate and the time left; at most once a second, and at the end; never 0."""
    now = [0.0]
    reports: list[str] = []
    counter = ProgressCounter("places", 3000, reports.append, clock=lambda: now[0])
    for seconds, done in ((0.5, 100), (10, 900), (10.5, 10), (30, 1990)):
        now[0] = seconds
        counter.advance(done)
    assert reports == ["places: 1,000 of 3,000, 100/s, 20 s left", "places: 3,000 of 3,000, 100/s"]
    small: list[str] = []
    counter = ProgressCounter("dump, MiB", 0, small.append, clock=lambda: now[0])
    for seconds in (31, 40, 50):
        now[0] = seconds
        counter.advance(0)
    assert small == []
    assert [duration(s) for s in (89, 600, 6000)] == ["89 s", "10 min", "1 h 40 min"]
