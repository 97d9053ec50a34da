"""The dumps of a release: its statements whole, in four formats, the same bytes for the same statements."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse, serialize

from citygraph.digest import SetDigest
from citygraph.products.lines import Sorted, named_graphs, packed, packed_text, with_graph
from citygraph.products.offers import DUMPS, JSONLD, NQUADS, TRIG, TURTLE
from citygraph.terms import ONTOLOGY_GRAPH, PREFIXES, SHAPES_GRAPH

_BATCH = 20_000
_NOT_DATA = (ONTOLOGY_GRAPH, SHAPES_GRAPH)


def write_dumps(store: Store, release: Path) -> SetDigest:
    """Write the dumps into the release's folder; answers the digest of the named graphs, which costs no second reading.

    The N-Quads are sorted, by graph and then by line, so that two releases can be compared line by line, and the
    others are made of them: reading the store takes most of the time. Memory does not grow with the store.
    """
    for offer in DUMPS:
        (release / offer.path).parent.mkdir(exist_ok=True)
    digest, merged = SetDigest(), Sorted(release)
    try:
        with packed_text(release / NQUADS.path) as out:
            for graph in named_graphs(store):
                out.writelines(_lines(store, graph, digest, merged, release))
        plain = release / "default.nt"
        with plain.open("w", encoding="utf-8", newline="\n") as text:
            text.writelines(merged)
    finally:
        merged.close()
    _convert(release / NQUADS.path, release / TRIG.path, RdfFormat.TRIG)
    _convert(plain, release / TURTLE.path, RdfFormat.TURTLE)
    _convert(plain, release / JSONLD.path, RdfFormat.JSON_LD)
    plain.unlink()
    return digest


def _lines(store: Store, graph: NamedNode, digest: SetDigest, merged: Sorted, folder: Path) -> Iterator[str]:
    """The sorted lines of a graph; on the way its quads are digested, and kept for the merge if they are data."""
    of_graph = Sorted(folder)
    try:
        for quads in _batches(store.quads_for_pattern(None, None, None, graph)):
            digest.add(quads)
            lines = [f"{quad.triple} .\n" for quad in quads]
            of_graph.add(lines)
            if graph not in _NOT_DATA:
                merged.add(lines)
        for line in of_graph:
            yield with_graph(line, graph)
    finally:
        of_graph.close()


def _batches(quads: Iterable[Quad]) -> Iterator[list[Quad]]:
    iterator = iter(quads)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _convert(source: Path, target: Path, format_: RdfFormat) -> None:
    with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as lines, packed(target) as out:
        quads = parse(lines, RdfFormat.N_QUADS)  # type: ignore[arg-type]
        serialize(quads, out, format_, prefixes=PREFIXES)
