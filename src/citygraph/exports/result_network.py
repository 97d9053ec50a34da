"""A result as a network: two columns of IRIs are the ends of edges, the others describe nodes and edges.

The ends are the columns `source` and `target`, else the first two columns of IRIs that have labels, else the first two
columns of IRIs. A column whose name begins with that of an end describes the node, as `sourceLabel` does; all others
describe the edge. Dates of an edge in columns `start` and `end`, or in a column of intervals, are its spell. Rows with
the same ends are one edge if they have the same IRI in the next column of IRIs, or else the same values but for the
dates. It may have several spells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import NamedNode

from citygraph.errors import NotAcceptable
from citygraph.exports.typed_rows import ColumnKind, Term, TermTable, TypedColumn, are_dates, text_of, typed_columns
from citygraph.rdf.partial_dates import chronological

_ENDS = ("source", "target")
_LABEL = "label"
_STARTS = ("start", "since", "begin", "startDate", "start_date")
_STOPS = ("end", "until", "endDate", "end_date")
# A separator of values of a node that differ from row to row.
_SEPARATOR = "; "

# The first and the last day; an empty text if it is not known, or still lasts.
Spell = tuple[str, str]


@dataclass(frozen=True)
class ResultNetwork:
    """Nodes and edges. An edge is two positions in `nodes`; the columns have a value for each node, and for each edge.

    `node_spells` and `edge_spells` are empty lists where no time is known.
    """

    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    node_columns: tuple[TypedColumn, ...]
    edge_columns: tuple[TypedColumn, ...]
    node_spells: tuple[tuple[Spell, ...], ...]
    edge_spells: tuple[tuple[Spell, ...], ...]
    about: tuple[tuple[str, str], ...] = ()

    def label(self, node: int) -> str:
        """Returns the label of a node, else its IRI."""
        for column in self.node_columns:
            if column.name == _LABEL and column.values[node] is not None:
                return str(column.values[node])
        return self.nodes[node]


def network_of(table: TermTable, format_label: str) -> ResultNetwork:
    """Returns the network of a result. Raises NotAcceptable if it has no two columns of IRIs."""
    source, target = _ends(table, format_label)
    columns = dict(zip(table.names, table.columns, strict=True))
    places: dict[str, int] = {}
    described = {end: _described_by(end, table.names) for end in (source, target)}
    values: dict[str, dict[int, dict[Term, None]]] = {
        name: {} for end in (source, target) for name in described[end].values()
    }
    _add_nodes(columns, described, places, values)
    rest = [name for name in table.names if name not in (source, target, *described[source], *described[target])]
    edges, edge_terms, edge_spells = _edges(columns, source, target, rest, places)
    return ResultNetwork(
        tuple(places),
        tuple(edges),
        _typed_nodes(values, len(places)),
        _typed_edges(rest, edge_terms, columns),
        _spells_of_nodes(edges, edge_spells, len(places)),
        tuple(edge_spells),
        table.about,
    )


def _ends(table: TermTable, format_label: str) -> tuple[str, str]:
    of_iris = [
        name for name, terms in zip(table.names, table.columns, strict=True) if _has_iris(terms) or not table.size
    ]
    if set(_ENDS) <= set(table.names) and all(_may_be_end(terms) for terms in _columns_of(table, _ENDS)):
        return _ENDS
    labelled = [name for name in of_iris if _LABEL in _described_by(name, table.names).values()]
    ends = labelled if len(labelled) > 1 else of_iris
    if len(ends) < 2:
        needed = "columns ?source and ?target of IRIs, or two other columns of IRIs"
        names = ", ".join(table.names)
        raise NotAcceptable(f"the result is no network, as {format_label} needs: {needed}; it has {names}", ())
    return ends[0], ends[1]


def may_be_network(names: Sequence[str]) -> bool:
    """Returns whether columns of these names are likely to be a network: source and target, or two with labels."""
    labelled = [name for name in names if _LABEL in _described_by(name, names).values()]
    return set(_ENDS) <= set(names) or len(labelled) > 1


def _columns_of(table: TermTable, names: Iterable[str]) -> list[list[Term | None]]:
    return [table.columns[table.names.index(name)] for name in names]


def _may_be_end(terms: Iterable[Term | None]) -> bool:
    return all(term is None or isinstance(term, NamedNode) for term in terms)


def _has_iris(terms: Sequence[Term | None]) -> bool:
    return any(term is not None for term in terms) and _may_be_end(terms)


def _described_by(end: str, names: Iterable[str]) -> dict[str, str]:
    """Returns the columns that describe an end of an edge, and their attribute names: sourceLabel becomes label."""
    described = {}
    for name in names:
        rest = name.removeprefix(end)
        if name != end and rest != name and (rest[0].isupper() or rest[0] == "_") and rest.strip("_"):
            bare = rest.strip("_")
            described[name] = bare[:1].lower() + bare[1:]
    return described


def _add_nodes(
    columns: Mapping[str, Sequence[Term | None]],
    described: Mapping[str, Mapping[str, str]],
    places: dict[str, int],
    values: dict[str, dict[int, dict[Term, None]]],
) -> None:
    """Numbers the nodes, and collects the terms that describe each of them."""
    for end, names in described.items():
        about = [(columns[name], values[attribute]) for name, attribute in names.items()]
        for row, term in enumerate(columns[end]):
            if term is None:
                continue
            place = places.setdefault(text_of(term), len(places))
            for terms, found in about:
                if (value := terms[row]) is not None:
                    found.setdefault(place, {}).setdefault(value)


def _typed_nodes(values: Mapping[str, Mapping[int, Mapping[Term, None]]], count: int) -> tuple[TypedColumn, ...]:
    columns = []
    used = set(values)
    for name, found in values.items():
        if all(len(terms) == 1 for terms in found.values()):
            columns += typed_columns(name, [next(iter(found.get(place, ())), None) for place in range(count)], used)
        else:
            texts = {place: _SEPARATOR.join(dict.fromkeys(map(text_of, terms))) for place, terms in found.items()}
            columns.append(TypedColumn(name, ColumnKind.TEXT, [texts.get(place) for place in range(count)]))
    return tuple(columns)


def _edges(
    columns: Mapping[str, Sequence[Term | None]],
    source: str,
    target: str,
    rest: Sequence[str],
    places: Mapping[str, int],
) -> tuple[list[tuple[int, int]], list[list[int]], list[tuple[Spell, ...]]]:
    """Returns the edges, the rows of each, and its spells."""
    timed = _timed(rest, columns)
    identity = next((name for name in rest if _has_iris(columns[name])), "")
    of_edge = [columns[name] for name in rest if (name == identity if identity else name not in timed)]
    rows: dict[tuple[Any, ...], list[int]] = {}
    for row, (one, other) in enumerate(zip(columns[source], columns[target], strict=True)):
        if one is not None and other is not None:
            # An undirected edge may come from both of its ends.
            ends = sorted((places[text_of(one)], places[text_of(other)]))
            rows.setdefault((*ends, *(terms[row] for terms in of_edge)), []).append(row)
    spells = _spells(timed, columns)
    edge_spells = [tuple(dict.fromkeys(spells[row] for row in of if spells[row] != ("", ""))) for of in rows.values()]
    ends_of = [(key[0], key[1]) for key in rows]
    return ends_of, list(rows.values()), [tuple(sorted(one, key=_order)) for one in edge_spells]


def _timed(names: Sequence[str], columns: Mapping[str, Sequence[Term | None]]) -> tuple[str, ...]:
    """Returns the columns of the spell of an edge: one of intervals, or those of its start and its end."""
    dated = {name for name in names if are_dates(columns[name])}
    start = next((name for name in _STARTS if name in dated), "")
    stop = next((name for name in _STOPS if name in dated), "")
    if start or stop:
        return tuple(name for name in (start, stop) if name)
    intervals = [name for name in names if name in dated and any("/" in text_of(t) for t in columns[name] if t)]
    return (intervals[0],) if intervals else ()


def _spells(timed: Sequence[str], columns: Mapping[str, Sequence[Term | None]]) -> list[Spell]:
    """Returns the spell of each row."""
    days = {name: [one.values for one in typed_columns(name, columns[name], set())[1:3]] for name in timed}
    size = len(next(iter(columns.values())))
    starts = days[timed[0]][0] if timed and timed[0] not in _STOPS else [None] * size
    stops = days[timed[-1]][1] if timed and timed[-1] not in _STARTS else [None] * size
    return [(start or "", stop or "") for start, stop in zip(starts, stops, strict=True)]


def _typed_edges(
    names: Sequence[str], edges: Sequence[Sequence[int]], columns: Mapping[str, Sequence[Term | None]]
) -> tuple[TypedColumn, ...]:
    """Returns the columns of the edges; those of its spells as text if an edge has several."""
    typed: list[TypedColumn] = []
    used = set(names)
    for name in names:
        for column in typed_columns(name, columns[name], used):
            found = [list(dict.fromkeys(column.values[row] for row in rows)) for rows in edges]
            if all(len(values) == 1 for values in found):
                typed.append(TypedColumn(column.name, column.kind, [values[0] for values in found]))
            else:
                texts = [_SEPARATOR.join(str(one) for one in values if one is not None) or None for values in found]
                typed.append(TypedColumn(column.name, ColumnKind.TEXT, texts))
    return tuple(typed)


def _spells_of_nodes(
    edges: Sequence[tuple[int, int]], edge_spells: Sequence[tuple[Spell, ...]], count: int
) -> tuple[tuple[Spell, ...], ...]:
    """Returns for each node the time from its first edge to its last; none if an edge has no known time."""
    found: list[list[tuple[Spell, ...]]] = [[] for _ in range(count)]
    for (one, other), spells in zip(edges, edge_spells, strict=True):
        found[one].append(spells)
        found[other].append(spells)
    return tuple(_joined(of_edges) for of_edges in found)


def _joined(of_edges: Sequence[tuple[Spell, ...]]) -> tuple[Spell, ...]:
    if not of_edges or not all(of_edges):
        return ()
    spells = [spell for one in of_edges for spell in one]
    starts, stops = [start for start, _ in spells], [stop for _, stop in spells]
    joined = (
        min(starts, key=chronological) if all(starts) else "",
        max(stops, key=chronological) if all(stops) else "",
    )
    return (joined,) if joined != ("", "") else ()


def _order(spell: Spell) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    return chronological(spell[0]), chronological(spell[1])
