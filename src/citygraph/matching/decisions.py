"""The table of decisions: the match of each name, the candidates for review, and the decisions of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from citygraph.errors import UsageError
from citygraph.matching.spreadsheet import Spreadsheet, read_spreadsheet, write_spreadsheet
from citygraph.saving import replacement
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
    """A row of the table. `decision` is the user's: the right id, or - for none; the other columns are generated.

    `own` has the cells of columns that the user added.
    """

    name: str
    country: str
    decision: str
    status: str
    id: str
    label: str
    score: str
    why: str
    others: str
    own: tuple[str, ...] = ()

    @property
    def query(self) -> NameQuery:
        """The query that the row is about."""
        return NameQuery(self.name, self.country)


_TITLES = tuple(field.name for field in fields(DecisionRow) if field.name != "own")
_ORDER: Mapping[str, int] = {REVIEW: 0, NONE: 1, MATCH: 2, DECIDED: 3}


@dataclass(frozen=True)
class DecisionTable:
    """A table of decisions with its delimiter; `own_titles` are the titles of the columns that the user added."""

    rows: tuple[DecisionRow, ...] = ()
    own_titles: tuple[str, ...] = ()
    delimiter: str = ","
    has_mark: bool = False

    @property
    def decided(self) -> dict[NameQuery, DecisionRow]:
        """The rows with a decision, by query."""
        return {row.query: row for row in self.rows if row.decision}

    def updated(self, rows: Iterable[DecisionRow]) -> DecisionTable:
        """Returns the table with new rows, which get the user's cells of the old ones.

        Old rows without a new one stay if they have a decision or a cell of the user.
        """
        own = {row.query: row.own for row in self.rows}
        decided = {row.query: row for row in self.rows if row.decision or any(row.own)}
        new = {row.query: replace(row, own=own.get(row.query, ())) for row in rows}
        return replace(self, rows=tuple({**decided, **new}.values()))


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
        return replace(row, status=DECIDED, id="", label="", score="")
    # A person may have entered an id that was not the best candidate, whose label and score are not known here.
    is_best = row.decision == row.id
    label, score = (row.label, row.score) if is_best else ("", "")
    return replace(row, status=DECIDED, id=row.decision, label=label, score=score)


def read_decisions(path: Path) -> DecisionTable:
    """Returns the table in a file; an empty one if the file does not exist yet.

    Raises UsageError if the file is not a table of decisions, or has different decisions for one name.
    """
    if not path.exists():
        return DecisionTable()
    sheet = read_spreadsheet(path, _TITLES)
    if not all(sheet.places(title) for title in ("name", "decision")):
        raise UsageError(f"{path} is not a table of decisions: it has no columns name and decision")
    # The first column of each title is ours; others of the same title, as all others, are the user's.
    places = {title: columns[0] for title in _TITLES if (columns := sheet.places(title))}
    added = [place for place in range(len(sheet.header)) if place not in places.values()]
    rows = [_row(cells, places, added) for cells in sheet.rows]
    _refuse_contradictions(rows, sheet)
    own_titles = tuple(sheet.header[place] for place in added)
    named = tuple(apply_decision(row) if row.decision else row for row in rows if row.name)
    return DecisionTable(named, own_titles, sheet.delimiter, sheet.has_mark)


def write_decisions(table: DecisionTable, path: Path) -> None:
    """Writes the table as a whole; rows to review come first."""
    rows = sorted(table.rows, key=lambda row: (_ORDER.get(row.status, 0), row.name, row.country))
    width = len(table.own_titles)
    cells = tuple((*(getattr(row, title) for title in _TITLES), *(row.own or [""] * width)) for row in rows)
    header = (*_TITLES, *table.own_titles)
    with replacement(path) as file:
        write_spreadsheet(Spreadsheet(str(path), header, cells, (), table.delimiter, table.has_mark), file)


def _row(cells: Sequence[str], places: Mapping[str, int], added: Sequence[int]) -> DecisionRow:
    values = {title: cells[places[title]].strip() if title in places else "" for title in _TITLES}
    return DecisionRow(**values, own=tuple(cells[place] for place in added))


def _refuse_contradictions(rows: Sequence[DecisionRow], sheet: Spreadsheet) -> None:
    decided: dict[NameQuery, tuple[str, int]] = {}
    for row, line in zip(rows, sheet.lines, strict=True):
        before, where = decided.get(row.query, (row.decision, line))
        if row.decision and before != row.decision:
            raise UsageError(f"{sheet.name}:{line}: another decision for {row.name!r} than in line {where}: keep one")
        if row.decision:
            decided.setdefault(row.query, (row.decision, line))
