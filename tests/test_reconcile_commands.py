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


FIELD = {
    "duplicate": "City,Country,City,Country\r\nİzmir,Türkiye,Bremen,Germany\r\nİzmir,Türkiye,Tampa,USA\r\n",
    "own": "City,City id,City status\nBremen,Q24879,verified\n",
    "surplus": "sep=;\r\nCity;;Notes\r\nBremen;a;port; Hanseatic; free\r\n\r\nBaku;b;ok\r\n",
}


def test_every_cell_of_a_table_is_kept(built: tuple[Releases, Release, Report], table: Path) -> None:
    """Equal titles, the user's own "City id", untitled columns and surplus cells (13.20)."""
    table.write_text(FIELD["duplicate"], encoding="utf-8")
    first = run(built[0], table)
    assert first.stdout.splitlines()[1] == "İzmir,Türkiye,Bremen,Germany,city/izmir,İzmir,100,match"
    assert "cities.csv:1: columns 1, 3 are titled 'City': the first is used" in first.stderr
    third = CliRunner().invoke(main, ["--releases", str(built[0].root), "reconcile", str(table), "--column", "3"])
    assert third.stdout.splitlines()[2] == "İzmir,Türkiye,Tampa,USA,city/tampa,Tampa,100,match"
    table.write_text(FIELD["own"], encoding="utf-8")
    assert run(built[0], table).stdout.splitlines() == [
        "City,City id,City status,City id 2,City name 2,City score 2,City status 2",
        "Bremen,Q24879,verified,city/bremen,Bremen,100,match",
    ]
    table.write_text(FIELD["surplus"], encoding="utf-8")
    surplus = run(built[0], table)
    assert surplus.stdout.splitlines() == [
        "sep=;", "City;;Notes;;;City id;City name;City score;City status",
        "Bremen;a;port; Hanseatic; free;city/bremen;Bremen;100;match", ";;;;;;;;",
        "Baku;b;ok;;;city/baku;Baku;100;match",
    ]  # fmt: skip
    assert "cities.csv:3: 5 cells under 3 titles" in surplus.stderr


def test_a_name_of_two_hundred_thousand_letters_is_none(built: tuple[Releases, Release, Report], table: Path) -> None:
    """And its cell is kept (13.20)."""
    table.write_text(f"City\n{'x' * 200_000}\n", encoding="utf-8")
    result = run(built[0], table)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1] == f"{'x' * 200_000},,,,none"


def test_an_unreadable_table_is_one_line(built: tuple[Releases, Release, Report], table: Path) -> None:
    """Encoding, quotes and types that no entity has (13.20)."""
    table.write_bytes("City\nBremen\nİzmir\n".encode("cp1254"))
    for options, said in (((), "cities.csv:3: not UTF-8"), (("--encoding", "cp1254", "--type", "Town"), "City, Co")):
        result = run(built[0], table, *options)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert said in result.stderr
    assert (
        run(built[0], table, "--encoding", "cp1254", "--type", "cg:city")
        .stdout.splitlines()[2]
        .startswith("İzmir,city")
    )


def test_a_table_may_be_matched_in_place(built: tuple[Releases, Release, Report], table: Path) -> None:
    """It is replaced when all is written, so that an error loses nothing (13.20)."""
    before = table.read_text(encoding="utf-8")
    assert run(built[0], table, "-o", str(table), "--type", "Town").exit_code == 2
    assert table.read_text(encoding="utf-8") == before
    assert run(built[0], table, "-o", str(table)).exit_code == 0
    assert "City,Land,City id," in table.read_text(encoding="utf-8")
    assert [one.name for one in table.parent.iterdir()] == ["cities.csv"]


def test_a_column_that_is_not_there_is_told(built: tuple[Releases, Release, Report], table: Path) -> None:
    """With those that are."""
    result = run(built[0], table, "--country-column", "Country")
    assert result.exit_code == 2
    assert "no column 'Country'; there are City, Land" in result.stderr
