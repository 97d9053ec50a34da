"""The evaluation of queries on the files of a large graph: for some of their keys or subjects at a time, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import compress, pairwise
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import NamedNode, Quad, QuerySolution, Store

from citygraph.build.dependencies import Unbounded
from citygraph.build.graph_files import GraphFiles
from citygraph.build.predicate_files import Key, LineDivision, LineFile, split_by_subject
from citygraph.rdf.nquads import batched

# So many lines are in memory at a time, roughly: some 40 MB. With more, lookups miss the processor's caches more often.
_MOST_LINES = 100_000
# So many lines of the files are about a key, probably: they may also have the lines of many other nodes.
_LINES_OF_KEY = 100
# If a key has more, a part has at most so many times its lines.
_EXCESS = 10
# By node, as in N-Triples: a bit for each part of the keys that leads to it.
_Masks = dict[str, int]


@dataclass(frozen=True)
class ReadStep:
    """The lines of some predicates and classes whose subject, or object, is in a slot."""

    is_named: bool  # quads of the named graphs, not triples of the default graph
    keys: frozenset[Key]
    end: str
    slot: Slot

    @property
    def other_end(self) -> str:
        """The end at which the lines name other nodes."""
        return "object" if self.end == "subject" else "subject"


@dataclass(frozen=True)
class Reached:
    """The nodes that the lines of a step name at their other end."""

    step: ReadStep


@dataclass(frozen=True)
class Constant:
    """A node that the query names, as in N-Triples."""

    node: str


@dataclass(frozen=True)
class KeyNodes:
    """The values of the key."""


# The nodes that a variable can be: the union of these.
Slot = frozenset[Reached | Constant | KeyNodes]
KEY: Slot = frozenset({KeyNodes()})


@dataclass(frozen=True)
class KeyReads:
    """The key of a query, and the steps for its values, each of which has a line of one of the anchors."""

    key: str
    anchors: frozenset[ReadStep]
    steps: frozenset[ReadStep]


@dataclass(frozen=True)
class SubjectReads:
    """The steps of a query for each subject, and the beginnings of the IRIs of the named graphs that it reads."""

    steps: frozenset[ReadStep]
    graphs: frozenset[str]


class KeyParts:
    """A graph in files and its ontology, on which queries are evaluated for some of their keys at a time."""

    def __init__(self, files: GraphFiles, ontology: Iterable[Quad], folder: Path) -> None:
        self._files = files
        self._ontology = list(ontology)
        self._folder = folder

    def rows(self, reads: KeyReads, select: Callable[[Store], Iterable[QuerySolution]]) -> Iterator[QuerySolution]:
        """Yields the rows that `select`, a query with these reads, gives on the whole graph, in the order of the query.

        Raises Unbounded before the first row if they may not be those of the parts together.
        """
        with TemporaryDirectory(dir=self._folder) as folder:
            for part in divided(self._files, reads, Path(folder), _MOST_LINES, _LINES_OF_KEY):
                store = Store()
                store.extend(self._ontology)
                part.lines.load_into(store)
                yield from filter(part.has, select(store))
                del store  # two would need twice the memory

    def by_subject(self, reads: Collection[SubjectReads]) -> Iterator[Store]:
        """Yields stores, each with all lines about some of the subjects that queries with these reads need."""
        steps = {step for one in reads for step in one.steps}
        named = self._files.quads.select_any({key for step in steps if step.is_named for key in step.keys})
        merged = self._files.triples.select_any({key for step in steps if not step.is_named for key in step.keys})
        graphs = {begin for one in reads for begin in one.graphs}
        containing = f" <{graphs.pop() if len(graphs) == 1 else ''}"
        number = sum(file.size for file in (*named, *merged)) // _MOST_LINES + 1
        with TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            quads = split_by_subject(named, number, folder, "quads", containing)
            triples = split_by_subject(merged, number, folder, "triples")
            for files in map(add, quads, triples):
                store = Store()
                for file in files:
                    file.load_into(store)
                yield store
                del store


@dataclass(frozen=True)
class KeyPart:
    """A range of keys, from `first` to the one before `end`, and the lines that their rows depend on."""

    key: str
    first: str
    end: str | None
    lines: LineFile

    def has(self, row: QuerySolution) -> bool:
        """Returns whether the key of a row is in the range. The lines need not give all of another row."""
        key = row[self.key]
        return isinstance(key, NamedNode) and self.first <= key.value and (self.end is None or key.value < self.end)


def divided(files: GraphFiles, reads: KeyReads, folder: Path, most: int, of_key: int | None = None) -> list[KeyPart]:
    """Returns the parts of a query's keys, in order; their lines are in files of the folder.

    A part has about `most` lines if all lines of the files are about the keys. If `of_key` lines are about each, there
    are fewer parts, which have up to `_EXCESS` times `most` lines if more are. Raises Unbounded if a key is not an IRI,
    or if a step would have to find equal literals.
    """
    size = sum({file.path: file.size for step in reads.steps for file in _files_of(files, step)}.values())
    keys = sorted(_keys(files, reads.anchors))
    expected = size if of_key is None else min(size, max(len(keys) * of_key, size // _EXCESS))
    number = max(1, min(expected // most + 1, len(keys)))
    ends = [part * len(keys) // number for part in range(number + 1)]
    # The first part begins with any IRI, and the last one ends with any.
    firsts, lasts = ["", *(keys[end] for end in ends[1:-1])], [*(keys[end] for end in ends[1:-1]), None]
    parts = [
        KeyPart(reads.key, first, last, LineFile(folder / f"{part}.nq"))
        for part, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    ]
    masks = {f"<{key}>": 1 << part for part, (start, end) in enumerate(pairwise(ends)) for key in keys[start:end]}
    _Division(files, masks, [part.lines for part in parts]).divide(reads.steps)
    return parts


def _keys(files: GraphFiles, anchors: Iterable[ReadStep]) -> set[str]:
    """Returns the IRIs that are the key. Raises Unbounded if a key is another term."""
    batches = ((step, batch) for step in anchors for file in _files_of(files, step) for batch in batched(file))
    nodes = {node for step, batch in batches for node in _nodes_at(step.end, batch, step)}
    if not all(map(_is_iri, nodes)):
        raise Unbounded("a key is not an IRI")
    return {node[1:-1] for node in nodes}


class _Division:
    """The division of the lines that the keys lead to among the parts of the keys."""

    def __init__(self, files: GraphFiles, keys: _Masks, parts: Sequence[LineFile]) -> None:
        self._files = files
        self._keys = keys
        self._parts = LineDivision(parts)
        self._every = (1 << len(parts)) - 1
        self._reached: dict[ReadStep, _Masks] = {}
        self._with_literals: set[ReadStep] = set()
        self._numbers = lru_cache(lambda mask: [part for part in range(len(parts)) if mask >> part & 1])

    def divide(self, steps: Iterable[ReadStep]) -> None:
        """Writes the lines of the steps. Raises Unbounded."""
        leading = {source.step for step in steps for source in step.slot if isinstance(source, Reached)}
        for step in sorted(leading, key=_depth):
            masks, reached = self._masks(step), self._reached.setdefault(step, {})
            for batch in self._batches(step):
                of_lines = _masks_of(batch, step, masks)
                self._lead(batch, of_lines, step, reached)
                self._write(batch, of_lines)
        # The lines of the other steps lead nowhere: a file is read once for all of them.
        alike: dict[ReadStep, list[_Masks]] = {}
        for step in {*steps} - leading:
            alike.setdefault(replace(step, slot=frozenset()), []).append(self._masks(step))
        for step, found in alike.items():
            masks = _merged(found)
            for batch in self._batches(step):
                self._write(batch, _masks_of(batch, step, masks))
        self._parts.finish()

    def _lead(self, lines: Sequence[str], found: Sequence[int], step: ReadStep, reached: _Masks) -> None:
        """Notes the nodes at the other end of the lines with a mask."""
        nodes = _nodes_at(step.other_end, compress(lines, found), step)
        for node, mask in zip(nodes, filter(None, found), strict=True):
            if _is_node(node):
                reached[node] = reached.get(node, 0) | mask
            else:
                self._with_literals.add(step)

    def _masks(self, step: ReadStep) -> _Masks:
        """Returns the parts that lead to each node of a step's slot. Raises Unbounded if a literal could be one."""
        reached = [source.step for source in step.slot if isinstance(source, Reached)]
        if step.end == "object" and not self._with_literals.isdisjoint(reached):
            raise Unbounded("equal literals need not have equal texts")
        constants = {source.node: self._every for source in step.slot if isinstance(source, Constant)}
        keys = [self._keys] if KeyNodes() in step.slot else []
        return _merged([*keys, *([constants] if constants else []), *(self._reached[one] for one in reached)])

    def _batches(self, step: ReadStep) -> Iterator[list[str]]:
        for file in _files_of(self._files, step):
            yield from batched(file)

    def _write(self, lines: Sequence[str], masks: Sequence[int]) -> None:
        by_part: dict[int, list[str]] = {}
        for line, mask in zip(compress(lines, masks), filter(None, masks), strict=True):
            for part in self._numbers(mask):
                by_part.setdefault(part, []).append(line)
        self._parts.add(by_part)


def _depth(step: ReadStep) -> int:
    return 1 + max((_depth(source.step) for source in step.slot if isinstance(source, Reached)), default=0)


def _merged(masks: Sequence[_Masks]) -> _Masks:
    if len(masks) == 1:
        return masks[0]
    merged: _Masks = {}
    for some in masks:
        for node, mask in some.items():
            merged[node] = merged.get(node, 0) | mask
    return merged


def _files_of(files: GraphFiles, step: ReadStep) -> list[LineFile]:
    return (files.quads if step.is_named else files.triples).select_any(step.keys)


def _masks_of(lines: Iterable[str], step: ReadStep, masks: _Masks) -> list[int]:
    """Returns the mask of each line of a step: 0 for one to which no key leads."""
    return [masks.get(node, 0) for node in _nodes_at(step.end, lines, step)]


def _nodes_at(end: str, lines: Iterable[str], step: ReadStep) -> list[str]:
    """Returns the subjects or the objects of lines."""
    # Without a function for each line: the tables read a line of the graph three times.
    if end == "subject":
        return [line[: line.index(" ")] for line in lines]
    values = (line.split(" ", 2)[2] for line in lines)
    return [value.rsplit(" ", 2)[0] for value in values] if step.is_named else [value[:-3] for value in values]


def _is_iri(term: str) -> bool:
    # A triple begins with "<<".
    return term.startswith("<") and not term.startswith("<<")


def _is_node(term: str) -> bool:
    return term.startswith("_:") or _is_iri(term)
