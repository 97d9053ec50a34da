"""The table of decisions: the match of each name, the candidates for review, and the decisions of a person."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from citygraph.errors import UsageError
from citygraph.text import guarded_cell

MATCH, REVIEW, NONE, DECIDED = "match", "review", "none", "decided"
NO_ENTITY = "-"  # the decision that no candidate is right


@dataclass(frozen=True)
class NameQuery:
    """A name to match, with its country if known."""

    name: str
    country: str = ""


@dataclass(frozen=True)
class Proposal:
    """A candidate from a service; `why` lists its features."""

    id: str
    label: str
    score: float
    match: bool
    why: str = ""


@dataclass(frozen=True)
class DecisionRow:
    """A row of the table. `decision` is the user's: the right id, or - for none; the other columns are generated."""

    name: str
    country: str
    decision: str
    status: str
    id: str
    label: str
    score: str
    why: str
    others: str

    @property
    def query(self) -> NameQuery:
        """The query that the row is about."""
        return NameQuery(self.name, self.country)


def propose(query: NameQuery, proposals: Iterable[Proposal]) -> DecisionRow:
    """Returns the row for a name without a decision: a match, candidates to review, or none."""
    ranked = sorted(proposals, key=lambda one: -one.score)
    if not ranked:
        return DecisionRow(query.name, query.country, "", NONE, "", "", "", "", "")
    best, *others = ranked
    rest = guarded_cell("; ".join(f"{one.id} {one.label} ({one.score:g})" for one in others[:4]))
    status = MATCH if best.match else REVIEW
    # Labels and features come from a service, and people open the table in a spreadsheet.
    label, why = guarded_cell(best.label), guarded_cell(best.why)
    return DecisionRow(query.name, query.country, "", status, best.id, label, f"{best.score:g}", why, rest)


def apply_decision(row: DecisionRow) -> DecisionRow:
    """Returns the row after a decision, which is kept whatever a service returns."""
    if row.decision == NO_ENTITY:
        return DecisionRow(row.name, row.country, NO_ENTITY, DECIDED, "", "", "", row.why, row.others)
    # A person may have entered an id that was not the best candidate, whose label and score are not known here.
    label = row.label if row.decision == row.id else ""
    score = row.score if row.decision == row.id else ""
    return DecisionRow(row.name, row.country, row.decision, DECIDED, row.decision, label, score, row.why, row.others)


def read_decisions(path: Path) -> dict[NameQuery, DecisionRow]:
    """Returns the rows with a decision; none if the file does not exist yet.

    Raises UsageError if the file is not a table of decisions.
    """
    if not path.exists():
        return {}
    names = [field.name for field in fields(DecisionRow)]
    # Spreadsheets write a byte order mark, which utf-8-sig removes.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"name", "decision"} <= set(reader.fieldnames or ()):
            raise UsageError(f"{path} is not a table of decisions: it has no columns name and decision")
        rows = [DecisionRow(**{name: (line.get(name) or "").strip() for name in names}) for line in reader]
    return {row.query: apply_decision(row) for row in rows if row.decision}


def write_decisions(rows: Iterable[DecisionRow], path: Path) -> None:
    """Writes the table by a rename; rows to review come first."""
    order: Mapping[str, int] = {REVIEW: 0, NONE: 1, MATCH: 2, DECIDED: 3}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(DecisionRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            asdict(row) for row in sorted(rows, key=lambda row: (order[row.status], row.name, row.country))
        )
    part.replace(path)
