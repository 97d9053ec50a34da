"""A release as compressed files for a store's own bulk loader, and the record of their content.

Bulk loaders are many times faster than updates. The names of the graphs are those that `store_loading` gives them, so
that the files, once loaded, can be verified and switched to like a release that was sent.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import cast

from pyoxigraph import NamedNode, Quad, RdfFormat, parse, serialize

from citygraph.errors import UsageError
from citygraph.rdf.nquads import packed, unpacked
from citygraph.rdf.terms import ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.saving import replace_text
from citygraph.stores.release_names import ReleaseNames

# Statements of a file: some 25 MB.
FILE_SIZE = 2_000_000
_RECORD, _README, _VIRTUOSO = "load.json", "README.md", "virtuoso.sh"
_GRAPHS, _DEFAULT, _CANARY = "graphs", "default", "canary"


@dataclass(frozen=True)
class BulkRecord:
    """The content of a folder's files: `counts` are the numbers of statements by graph, named as in the store.

    `left_out` are the classes of literals that the store changes, `predicates` those of each class in the release, and
    `uniform` as in LoadedRelease.
    """

    digest: str
    release: str
    base: str
    counts: dict[str, int]
    left_out: tuple[str, ...] = ()
    predicates: dict[str, list[str]] = field(default_factory=dict)
    uniform: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> ReleaseNames:
        """The names of its graphs."""
        return ReleaseNames(self.digest)


@dataclass(frozen=True)
class BulkContent:
    """The statements of a release, with the public names of its graphs; each call yields them from the beginning.

    `surveyed` yields statements with all kinds of literals that the release has.
    """

    release: str
    digest: str
    graphs: Sequence[NamedNode]
    named: Callable[[], Iterable[Quad]]
    default: Callable[[], Iterable[Quad]]
    surveyed: Callable[[], Iterable[Quad]]


class BulkFiles:
    """Writes the files of a folder, which must not exist or be empty. Raises UsageError."""

    def __init__(self, folder: Path, file_size: int = FILE_SIZE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: name a new folder, or remove its files")
        self._folder = folder
        self._size = file_size
        self.counts: dict[str, int] = {}

    def add_graphs(self, graphs: Iterable[NamedNode], quads: Iterable[Quad]) -> None:
        """Writes the quads of these graphs, all named as in the store."""
        self.counts.update({graph.value: 0 for graph in graphs})
        self._write(_GRAPHS, self._counted(quads))

    def add_default(self, graph: str, quads: Iterable[Quad], is_written: bool = True) -> None:
        """Writes the default graph under its name in the store, or only counts its statements."""
        name = NamedNode(graph)
        self.counts[graph] = 0
        named = self._counted(Quad(q.subject, q.predicate, q.object, name) for q in quads)
        if is_written:
            self._write(_DEFAULT, named)
        else:
            deque(named, maxlen=0)

    def add_canary(self, quads: Iterable[Quad]) -> None:
        """Writes the test literals."""
        self._write(_CANARY, quads)

    def finish(self, record: BulkRecord) -> None:
        """Writes the instructions and, last, the record, without which the folder is not complete."""
        names = record.names
        values = {
            "release": record.release,
            "prefix": names.prefix,
            "default": names.default_graph,
            "ontology": names.graph(ONTOLOGY_GRAPH.value),
            "shapes": names.graph(SHAPES_GRAPH.value),
        }
        for name in (_README, _VIRTUOSO):
            text = files("citygraph.stores").joinpath("bulk", name).read_text("utf-8")
            for key, value in values.items():
                text = text.replace(f"@{key}@", value)
            replace_text(self._folder / name, text)
        replace_text(self._folder / _RECORD, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")

    def _write(self, name: str, quads: Iterable[Quad]) -> None:
        remaining = iter(quads)
        number = 0
        while first := next(remaining, None):
            number += 1
            with packed(self._folder / f"{name}-{number:05}.nq.gz") as out:
                serialize(chain([first], islice(remaining, self._size - 1)), out, RdfFormat.N_QUADS)

    def _counted(self, quads: Iterable[Quad]) -> Iterator[Quad]:
        for quad in quads:
            self.counts[cast("NamedNode", quad.graph_name).value] += 1
            yield quad


def read_record(folder: Path) -> BulkRecord:
    """Returns the record of a folder of files. Raises UsageError if it has none."""
    try:
        values = json.loads((folder / _RECORD).read_text("utf-8"))
        values["uniform"] = tuple((name, kind) for name, kind in values["uniform"])
        return BulkRecord(**{**values, "left_out": tuple(values["left_out"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder} has no valid {_RECORD} ({error}): write the files again with `citygraph store write`"
        ) from None


def read_canary(folder: Path) -> list[Quad]:
    """Returns the test literals of a folder of files, each with its own subject."""
    quads: list[Quad] = []
    for path in sorted(folder.glob(f"{_CANARY}-*.nq.gz")):
        with unpacked(path) as text:
            quads += parse(text.read(), RdfFormat.N_QUADS, lenient=True)
    return quads
