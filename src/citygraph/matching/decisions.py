"""The table of decisions: what each name was matched with, what a person has to look at, and what they decided."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from citygraph.errors import UsageError
from citygraph.text import guarded_cell

MATCH, REVIEW, NONE, DECIDED = "match", "review", "none", "decided"
NOTHING = "-"  # the decision that none of the candidates is meant


@dataclass(frozen=True)
class Asked:
    """A name to be matched, and the country that stands beside it, if any."""

    name: str
    country: str = ""


@dataclass(frozen=True)
class Proposal:
    """A candidate as a service gave it; `why` are its features."""

    id: str
    label: str
    score: float
    match: bool
    why: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table. `decision` is the reader's: the id that is meant, or - for none; the rest is ours."""

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
    def asked(self) -> Asked:
        """What the line is about."""
        return Asked(self.name, self.country)


def propose(asked: Asked, proposals: Iterable[Proposal]) -> Row:
    """The line for a name that nobody has decided: a match, candidates to review, or none."""
    ranked = sorted(proposals, key=lambda one: -one.score)
    if not ranked:
        return Row(asked.name, asked.country, "", NONE, "", "", "", "", "")
    best, *others = ranked
    rest = guarded_cell("; ".join(f"{one.id} {one.label} ({one.score:g})" for one in others[:4]))
    status = MATCH if best.match else REVIEW
    return Row(asked.name, asked.country, "", status, best.id, guarded_cell(best.label), f"{best.score:g}",
               guarded_cell(best.why), rest)  # fmt: skip


def decided(row: Row) -> Row:
    """The line as it stands after a person's decision, which is kept whatever a service says."""
    if row.decision == NOTHING:
        return Row(row.name, row.country, NOTHING, DECIDED, "", "", "", row.why, row.others)
    label = row.label if row.decision == row.id else ""
    score = row.score if row.decision == row.id else ""
    return Row(row.name, row.country, row.decision, DECIDED, row.decision, label, score, row.why, row.others)


def read_decisions(path: Path) -> dict[Asked, Row]:
    """The lines in which a person has decided; none if there is no such file yet.

    Raises UsageError if the file is no table of decisions.
    """
    if not path.exists():
        return {}
    names = [one.name for one in fields(Row)]
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"name", "decision"} <= set(reader.fieldnames or ()):
            raise UsageError(f"{path} is no table of decisions: it has no columns name and decision")
        rows = [Row(**{name: (line.get(name) or "").strip() for name in names}) for line in reader]
    return {row.asked: decided(row) for row in rows if row.decision}


def write_decisions(rows: Iterable[Row], path: Path) -> None:
    """Write the table, whole or not at all; what is to be reviewed stands first."""
    order: Mapping[str, int] = {REVIEW: 0, NONE: 1, MATCH: 2, DECIDED: 3}
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            asdict(row) for row in sorted(rows, key=lambda row: (order[row.status], row.name, row.country))
        )
    part.replace(path)
