"""The table of decisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from citygraph.errors import UsageError
from citygraph.matching.decisions import (
    DecisionTable,
    NameQuery,
    Proposal,
    apply_decision,
    propose,
    read_decisions,
    write_decisions,
)

IZMIR = Proposal("city/izmir", "İzmir", 100, True, "name 100.0")
OTHER = Proposal("area/izmir-province", "İzmir Province", 60.5, False)


def test_a_match_needs_no_review() -> None:
    """The best first, whatever the order of the service."""
    row = propose(NameQuery("Izmir"), [OTHER, IZMIR])
    assert (row.status, row.id, row.score, row.why) == ("match", "city/izmir", "100", "name 100.0")
    assert row.others == "area/izmir-province İzmir Province (60.5)"
    assert propose(NameQuery("Izmir"), [OTHER]).status == "review"
    assert propose(NameQuery("Izmir"), []).status == "none"


def test_only_what_a_person_decided_is_read_again(tmp_path: Path) -> None:
    """The rest is asked anew."""
    path = tmp_path / "decisions.csv"
    rows = (propose(NameQuery("Izmir"), [IZMIR]), propose(NameQuery("İzmir il", "TR"), [OTHER]))
    write_decisions(DecisionTable(rows), path)
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1].startswith("İzmir il,TR,,review,area/izmir-province")
    assert read_decisions(path).decided == {}
    path.write_text(text.replace("İzmir il,TR,,review", "İzmir il,TR,area/other,review"), encoding="utf-8")
    table = read_decisions(path)
    assert list(table.decided) == [NameQuery("İzmir il", "TR")]
    row = table.decided[NameQuery("İzmir il", "TR")]
    assert (row.status, row.id, row.label) == ("decided", "area/other", "")
    write_decisions(table, path)
    assert set(read_decisions(path).rows) == set(table.rows)


def test_a_person_may_decide_for_nothing() -> None:
    """A dash: none of the candidates is meant."""
    row = propose(NameQuery("Izmir"), [OTHER])
    refused = apply_decision(replace(row, decision="-"))
    assert (refused.status, refused.id, refused.label) == ("decided", "", "")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """Better than to overwrite it."""
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not a table of decisions"):
        read_decisions(path)
    assert read_decisions(tmp_path / "none.csv") == DecisionTable()


def test_cells_that_a_person_adds_are_kept(tmp_path: Path) -> None:
    """In the delimiter of the file, and also of names without a decision or that are no longer there (13.20)."""
    path = tmp_path / "decisions.csv"
    path.write_text(
        "sep=;\nname;decision;note;name\nIzmir;;ask Ayşe;a\nBaku;city/baku;;\nRoma;;;\nPisa;;later;\n", encoding="utf-8"
    )
    table = read_decisions(path).updated([propose(NameQuery("Izmir"), [OTHER]), propose(NameQuery("Bonn"), [])])
    write_decisions(table, path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["sep=;", "name;country;decision;status;id;label;score;why;others;note;name"]
    assert [line.split(";")[0] for line in lines[2:]] == ["Izmir", "Pisa", "Bonn", "Baku"]
    assert lines[2].endswith(";ask Ayşe;a")
    assert lines[3].endswith(";later;")


def test_two_decisions_for_one_name_are_refused(tmp_path: Path) -> None:
    """With both lines; the same decision twice is one (13.20)."""
    path = tmp_path / "decisions.csv"
    path.write_text("name,decision\nIzmir,city/izmir\nIzmir,\nIzmir,city/izmir\nIzmir,-\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"decisions\.csv:5: another decision for 'Izmir' than in line 2"):
        read_decisions(path)
