"""The merging of checked rows with the statements of their sources: which are added, replaced, deleted and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyoxigraph import NamedNode, Quad

from citygraph.instance import current_instance
from citygraph.rdf.terms import DCTERMS, ID
from citygraph.sheets.cell_problems import NOTE, WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.cell_statements import CellDeletion, CellStatement
from citygraph.sheets.export_state import ExportState, RowKey
from citygraph.sheets.rows import DELETION, SheetRow
from citygraph.sheets.slots import Slot, Values, digest_of, normalised, slot_of, source_of, values_of

CONFLICT = CellRule(
    "changed-since-export",
    "The cell says {value}. Since the export, the source {source} says {now} instead ({by}).",
    "Write {now} if that is right; otherwise export again and write your value into the new workbook.",
)
ROW_CONFLICT = CellRule(
    "row-changed-since-export",
    "A row about {value} is no longer in the sheet, but since the export its source {source} says {now} ({by}).",
    "Export again, and delete the row there if it is still to be removed.",
)
MERGED = CellRule(
    "merged-since-export",
    "The cell still says {value}, as at the export. Since then the source {source} says {now} ({by}), which stays.",
    "Nothing needs to be done.",
    NOTE,
)
EMPTIED = CellRule(
    "cell-emptied",
    "The source {source} keeps {now} here: an empty cell deletes nothing.",
    "To delete it, write the sign – into the cell.",
    NOTE,
)
ROWS_REMOVED = CellRule(
    "rows-removed",
    "{number} row(s) of the export are no longer in the file; what they said is removed: {value}.",
    "If they were deleted by mistake, put them back.",
    WARNING,
)
ROWS_KEPT = CellRule(
    "rows-kept",
    "The source {source} also describes entities without a row in these files ({number}), which stay: {value}.",
    "If this is right, nothing needs to be done. To remove them, import the files as complete.",
    WARNING,
)
_MAX_VALUES = 5
_TITLE, _LANGUAGE = DCTERMS("title"), DCTERMS("language")

# Returns who gave a slot the values that it has now, for a message.
ChangedBy = Callable[[Slot], str]


@dataclass(frozen=True)
class SheetRows:
    """The content of the rows of files: statements, deletions, keys of rows, and by node and source the first row."""

    statements: tuple[CellStatement, ...] = ()
    deletions: tuple[CellDeletion, ...] = ()
    keys: Mapping[RowKey, CellAddress] = field(default_factory=dict)
    about: Mapping[tuple[NamedNode, NamedNode], tuple[SheetRow, str]] = field(default_factory=dict)

    def empty_cell(self, slot: Slot) -> CellAddress | None:
        """Returns the address of the empty cell in which a row could say something of a slot, if there is one."""
        row, node = self.about.get((slot.subject, slot.source), (None, ""))
        return row.empty_cell(node, slot.predicate, slot.language) if row else None

    def sources(self) -> set[str]:
        """Returns the sources that the rows name, by IRI."""
        stated = {source_of(one.quad).value for one in self.statements}
        return stated | {one.slot.source.value for one in self.deletions} | {key.source for key in self.keys}


@dataclass(frozen=True)
class MergedSources:
    """The statements of sources before and after an import, those of the rows, and problems."""

    before: tuple[Quad, ...] = ()
    after: tuple[Quad, ...] = ()
    statements: tuple[CellStatement, ...] = ()  # without those that a later change of the graph displaces
    problems: tuple[CellProblem, ...] = ()


@dataclass(frozen=True)
class Merger:
    """Merges rows with sources that exist. An empty cell keeps the statements of a source, the sign – deletes them.

    `states` are those of exported workbooks, by file. With `complete` the rows are all that their sources say, except
    for the sources in `shared`.
    """

    states: Mapping[str, ExportState]
    changed_by: ChangedBy
    complete: bool = False
    shared: frozenset[str] = frozenset()

    def sources(self, rows: SheetRows) -> set[str]:
        """Returns the sources that an import may change: of its rows, and of exported rows that are gone."""
        return rows.sources() | {key.source for _, key in self.gone(rows)}

    def merge(self, rows: SheetRows, before: Iterable[Quad]) -> MergedSources:
        """Returns the statements of these sources after the import."""
        old = tuple(before)
        merge = _Merge(self, rows, old)
        statements = merge.winning_statements()
        new = {one.quad: None for one in statements}
        remaining = merge.remaining_statements(new)
        return MergedSources(old, (*new, *remaining), statements, tuple(merge.problems))

    def gone(self, rows: SheetRows) -> Iterator[tuple[str, RowKey]]:
        """Yields the rows of exports, each with its file, that the files no longer have."""
        for file, state in self.states.items():
            for key in sorted(state.rows - rows.keys.keys()):
                yield file, key


class _Merge:
    """One merging, which collects its problems."""

    def __init__(self, merger: Merger, rows: SheetRows, before: tuple[Quad, ...]) -> None:
        self._merger, self._rows, self._before = merger, rows, before
        self.problems: list[CellProblem] = []
        self._now: Values = values_of(before)
        self._stated: dict[Slot, list[CellStatement]] = defaultdict(list)
        for statement in rows.statements:
            self._stated[slot_of(statement.quad)].append(statement)
        self._deleted = {one.slot: one.address for one in rows.deletions}
        self._displaced = {slot for slot, statements in self._stated.items() if self._is_displaced(slot, statements)}
        for slot, address in self._deleted.items():
            state = merger.states.get(address.file)
            if slot not in self._stated and state and self._has_changed(slot, state):
                self._add(CONFLICT, address, DELETION, slot)

    def winning_statements(self) -> tuple[CellStatement, ...]:
        """Returns the statements of the rows, without those of cells that have not changed since the export."""
        return tuple(one for one in self._rows.statements if slot_of(one.quad) not in self._displaced)

    def _is_displaced(self, slot: Slot, statements: list[CellStatement]) -> bool:
        """Returns whether the values of the graph win, as only they have changed. Adds a problem if cells have too."""
        address = statements[0].address
        state = self._merger.states.get(address.file)
        if state is None or not self._has_changed(slot, state):
            return False
        mine = {normalised(one.quad.object) for one in statements}
        if mine == self._now.get(slot, set()):
            return False
        unchanged = digest_of(mine) == state.digest(slot)
        self._add(MERGED if unchanged else CONFLICT, address, _as_text(mine), slot)
        return unchanged

    def _has_changed(self, slot: Slot, state: ExportState) -> bool:
        """Returns whether a slot of an exported source has other values now than at the export."""
        return slot.source.value in state.sources and digest_of(self._now.get(slot, ())) != state.digest(slot)

    def remaining_statements(self, new: Mapping[Quad, None]) -> list[Quad]:
        """Returns the present statements that the import keeps although they are not in its rows."""
        gone, replaced = self._gone_nodes(), self._replaced(new)
        described, mistagged = {quad.subject for quad in new}, _mistagged_titles(self._before, new)
        remaining = []
        for quad in self._before:
            slot = slot_of(quad)
            if quad in mistagged and quad not in new:
                continue
            if quad in new or slot.subject in replaced or (slot.subject, slot.source) in gone or self._is_set(slot):
                continue
            # A source that no row describes keeps its description.
            is_description = slot.subject == slot.source and slot.subject not in described
            if is_description or not self._merger.complete or slot.source.value in self._merger.shared:
                remaining.append(quad)
        self._report_remaining(remaining, described)
        return remaining

    def _is_set(self, slot: Slot) -> bool:
        """Returns whether cells replace or delete the values of a slot."""
        return slot in self._deleted or (slot in self._stated and slot not in self._displaced)

    def _replaced(self, new: Mapping[Quad, None]) -> set[object]:
        """Returns the parts of entities, such as a period, that their entity no longer has."""
        linked = {quad.object for quad in new}
        return {
            quad.object
            for quad in self._before
            if isinstance(quad.object, NamedNode)
            and quad.object.value.startswith(f"{getattr(quad.subject, 'value', '')}#")
            and quad.object not in linked
            and self._is_set(slot_of(quad))
        }

    def _gone_nodes(self) -> set[tuple[object, object]]:
        """Returns the nodes, each with its source, of exported rows that are no longer in their file."""
        gone: set[tuple[object, object]] = set()
        removed: dict[str, list[str]] = defaultdict(list)
        present = {(key.main, key.source) for key in self._rows.keys}
        for file, key in self._merger.gone(self._rows):
            nodes = [key.linked] if key.linked else []
            if (key.main, key.source) not in present:
                nodes.append(key.main)
            for quad in self._before:
                subject = getattr(quad.subject, "value", "")
                if source_of(quad).value == key.source and subject.partition("#")[0] in nodes:
                    gone.add((quad.subject, source_of(quad)))
            if any(self._conflicts(file, key, node) for node in nodes):
                continue
            removed[file].append((key.linked or key.main).removeprefix(ID))
        for file, names in removed.items():
            values = {"number": len(names)}
            self.problems.append(CellProblem(ROWS_REMOVED, CellAddress(file, "", 1, 0), _listed(names), values))
        return gone | self._unreferenced(gone)

    def _unreferenced(self, gone: Collection[tuple[object, object]]) -> set[tuple[object, object]]:
        """Returns the nodes without a row, such as a post, to which only such rows referred."""
        mains = {key.main for state in self._merger.states.values() for key in state.rows}
        referred: set[tuple[object, object]] = set()
        others: set[tuple[object, object]] = set()
        for quad in self._before:
            source = source_of(quad)
            (referred if (quad.subject, source) in gone else others).add((quad.object, source))
        return {
            (node, source)
            for node, source in referred - others
            if isinstance(node, NamedNode) and node.value not in mains and (node, source) not in self._rows.about
        }

    def _conflicts(self, file: str, key: RowKey, node: str) -> bool:
        """Adds a problem if the statements of a removed row have changed since the export."""
        state = self._merger.states[file]
        for slot in self._now:
            if (slot.subject.value, slot.source.value) == (node, key.source) and self._has_changed(slot, state):
                self._add(ROW_CONFLICT, CellAddress(file, "", 1, 0), node.removeprefix(ID), slot)
                return True
        return False

    def _report_remaining(self, remaining: Iterable[Quad], described: Collection[object]) -> None:
        """Adds a note for each empty cell whose value stays, and a warning for each source with entities of no row."""
        mentioned = {*described, *(slot.subject for slot in self._deleted)}
        exported = set().union(self._merger.shared, *(state.sources for state in self._merger.states.values()))
        others: dict[NamedNode, dict[str, None]] = defaultdict(dict)
        for slot in dict.fromkeys(map(slot_of, remaining)):
            name = slot.subject.value.removeprefix(ID)
            is_entity = name != slot.subject.value and "#" not in name
            if address := self._rows.empty_cell(slot):
                self._add(EMPTIED, address, "", slot)
            elif is_entity and slot.subject not in mentioned and slot.source.value not in exported:
                others[slot.source][name] = None
        for source, names in others.items():
            values: dict[str, str | int] = {"source": _name(source), "number": len(names)}
            address = next(address for key, address in self._rows.keys.items() if key.source == source.value)
            self.problems.append(CellProblem(ROWS_KEPT, address, _listed(list(names)), values))

    def _add(self, rule: CellRule, address: CellAddress, value: str, slot: Slot) -> None:
        now = _as_text(self._now.get(slot, ())) or "–"
        values = {"source": _name(slot.source), "now": now, "by": self._merger.changed_by(slot)}
        self.problems.append(CellProblem(rule, address, value, values))


def _mistagged_titles(before: Iterable[Quad], new: Iterable[Quad]) -> set[Quad]:
    """Returns the titles with the first language of the instance, as earlier imports gave it to all titles.

    The rows have such a title in another language, and their document is not in the first one.
    """
    first, described, titles = current_instance().languages[0], set(), set()
    for quad in new:
        if quad.predicate == _LANGUAGE and getattr(quad.object, "value", "") == first:
            described.add(quad.subject)
        elif quad.predicate == _TITLE:
            titles.add((quad.subject, getattr(quad.object, "value", "")))
    stated = (quad for quad in before if quad.predicate == _TITLE and getattr(quad.object, "language", "") == first)
    return {
        quad
        for quad in stated
        if quad.subject not in described and (quad.subject, getattr(quad.object, "value", "")) in titles
    }


def _name(source: NamedNode) -> str:
    return source.value.rpartition("/")[2]


def _as_text(values: Iterable[object]) -> str:
    return "; ".join(sorted(str(getattr(value, "value", value)).removeprefix(ID) for value in values))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MAX_VALUES]) + (" …" if len(names) > _MAX_VALUES else "")
