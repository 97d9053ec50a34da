"""`citygraph reconcile`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from citygraph.cli.main import main
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests.running import serving

TABLE = "City,Land\nİZMİR,Türkiye\nBremem,Germany\nSmyrna,\nXyzzy,\n,\nSmyrna,\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of cities, one misspelt, one that is none, one empty."""
    path = tmp_path / "cities.csv"
    path.write_text("\ufeff" + TABLE, encoding="utf-8")
    return path


def run(releases: Releases, table: Path, *options: str) -> Result:
    """The command on the table."""
    arguments = ["--releases", str(releases.root), "reconcile", str(table), "--column", "City", *options]
    return CliRunner().invoke(main, arguments)


def test_rows_get_their_entities(built: tuple[Releases, Release, Report], table: Path) -> None:
    """Every row stays; only what is sure is filled in."""
    result = run(built[0], table, "--type", "city", "--country-column", "Land")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "City,Land,City id,City name,City score,City status\n"
        "İZMİR,Türkiye,city/izmir,İzmir,100,match\n"
        "Bremem,Germany,,,,review\n"
        "Smyrna,,city/izmir,İzmir,98,match\n"
        "Xyzzy,,,,,none\n"
        ",,,,,\n"
        "Smyrna,,city/izmir,İzmir,98,match\n"
    )
    assert "4 names: 2 matched, 1 to review, 1 without a candidate, 0 decided before" in result.stderr


def test_decisions_are_honoured_next_time(built: tuple[Releases, Release, Report], table: Path, tmp_path: Path) -> None:
    """What a person put into the table stays, against the service if need be."""
    decisions, output = tmp_path / "decisions.csv", tmp_path / "out.csv"
    run(built[0], table, "--decisions", str(decisions))
    lines = decisions.read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("Bremem,,,review,city/bremen,Bremen,73.3,")
    text = "\n".join(lines).replace("Bremem,,,review", "Bremem,,city/bremen,review")
    decisions.write_text(text.replace("Smyrna,,,match", "Smyrna,,-,match"), encoding="utf-8")
    result = run(built[0], table, "--decisions", str(decisions), "-o", str(output))
    assert "4 names: 1 matched, 0 to review, 1 without a candidate, 2 decided before" in result.stderr
    rows = output.read_text(encoding="utf-8").splitlines()
    assert rows[2] == "Bremem,Germany,city/bremen,Bremen,73.3,decided"
    assert rows[3] == "Smyrna,,,,,decided"
    again = run(built[0], table, "--decisions", str(decisions), "-o", str(output))
    assert "2 decided before" in again.stderr
    assert output.read_text(encoding="utf-8").splitlines() == rows


def test_any_service_may_be_asked(built: tuple[Releases, Release, Report], table: Path) -> None:
    """Ours over HTTP says what ours says in place."""
    with serving(built[0].root, engines=1) as server:
        result = run(
            built[0], table, "--type", "City", "--country-column", "Land", "--service", f"{server.url}/reconcile"
        )
    assert result.exit_code == 0, result.stderr
    assert result.stdout == run(built[0], table, "--type", "City", "--country-column", "Land").stdout


def test_a_column_that_is_not_there_is_told(built: tuple[Releases, Release, Report], table: Path) -> None:
    """With those that are."""
    result = run(built[0], table, "--country-column", "Country")
    assert result.exit_code == 2
    assert "no column 'Country'; there are City, Land" in result.stderr
