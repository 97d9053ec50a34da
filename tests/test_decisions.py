"""The table of decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygraph.errors import UsageError
from citygraph.matching.decisions import NameQuery, Proposal, apply_decision, propose, read_decisions, write_decisions

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
    write_decisions([propose(NameQuery("Izmir"), [IZMIR]), propose(NameQuery("İzmir il", "TR"), [OTHER])], path)
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[1].startswith("İzmir il,TR,,review,area/izmir-province")
    assert read_decisions(path) == {}
    path.write_text(text.replace("İzmir il,TR,,review", "İzmir il,TR,area/other,review"), encoding="utf-8")
    rows = read_decisions(path)
    assert list(rows) == [NameQuery("İzmir il", "TR")]
    row = rows[NameQuery("İzmir il", "TR")]
    assert (row.status, row.id, row.label) == ("decided", "area/other", "")
    write_decisions(rows.values(), path)
    assert read_decisions(path) == rows


def test_a_person_may_decide_for_nothing() -> None:
    """A dash: none of the candidates is meant."""
    row = propose(NameQuery("Izmir"), [OTHER])
    refused = apply_decision(type(row)(**{**{f: getattr(row, f) for f in row.__dataclass_fields__}, "decision": "-"}))
    assert (refused.status, refused.id, refused.label) == ("decided", "", "")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """Better than to overwrite it."""
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not a table of decisions"):
        read_decisions(path)
    assert read_decisions(tmp_path / "none.csv") == {}
