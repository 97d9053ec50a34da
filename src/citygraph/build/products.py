"""The files that are made from a release's store: dumps, tables, measurements and changes.

Equal statements give equal bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse, serialize

from citygraph.build.packages import write_packages
from citygraph.build.quality import measure, quality_queries, write_quality
from citygraph.build.query_packs import write_descriptions
from citygraph.build.tables import offers_of, table_queries, write_tables
from citygraph.progress import Progress
from citygraph.rdf.nquads import SetDigest, SortedLines, named_graphs, open_gzip_text, packed, with_graph
from citygraph.rdf.terms import ONTOLOGY_GRAPH, PREFIXES, SHAPES_GRAPH
from citygraph.release.changes import ChangeCounts, write_all_changes
from citygraph.release.outputs import (
    CSVW,
    DUMPS,
    JSONLD,
    NQUADS,
    PACKAGE,
    PLAIN_NQUADS,
    TRIG,
    TURTLE,
    OutputFile,
    measured,
)
from citygraph.release.releases import Release
from citygraph.report import Report
from citygraph.source.queries import load_queries
from citygraph.sparql.statistics import Statistics, counted, write_statistics

_BATCH = 20_000
_NOT_DATA = (ONTOLOGY_GRAPH, SHAPES_GRAPH)


def write_dumps(store: Store, release: Path) -> SetDigest:
    """Writes dumps and statistics into the release's folder, and returns the digest of the named graphs.

    The N-Quads are sorted by graph and line, so that two releases can be compared line by line. The other formats are
    made from them, because reading the store takes most of the time. Memory does not grow with the store.
    """
    for offer in DUMPS:
        (release / offer.path).parent.mkdir(exist_ok=True)
    digest, merged = SetDigest(), SortedLines(release)
    try:
        with open_gzip_text(release / NQUADS.path) as out:
            for graph in named_graphs(store):
                out.writelines(_lines(store, graph, digest, merged, release))
        plain = release / "default.nt"
        with plain.open("w", encoding="utf-8", newline="\n") as text:
            statistics = Statistics()
            text.writelines(counted(merged, statistics))
        write_statistics(statistics, release)
    finally:
        merged.close()
    with gzip.open(release / NQUADS.path) as quads, (release / PLAIN_NQUADS.path).open("wb") as out_plain:
        out_plain.writelines(quads)
    _convert(release / PLAIN_NQUADS.path, release / TRIG.path, RdfFormat.TRIG)
    # The merge of the graphs is sorted and without duplicates, as the default graph is.
    _convert(plain, release / TURTLE.path, RdfFormat.TURTLE)
    _convert(plain, release / JSONLD.path, RdfFormat.JSON_LD)
    plain.unlink()
    return digest


def _lines(store: Store, graph: NamedNode, digest: SetDigest, merged: SortedLines, folder: Path) -> Iterator[str]:
    """Yields the sorted lines of a graph; meanwhile adds its quads to the digest and, if data, to the merge."""
    of_graph = SortedLines(folder)
    try:
        for quads in _batches(store.quads_for_pattern(None, None, None, graph)):
            digest.add(quads)
            lines = [f"{quad.triple} .\n" for quad in quads]
            of_graph.add(lines)
            # The default graph is the merge of the data alone.
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
    with source.open("rb") as lines, packed(target) as out:
        quads = parse(lines, RdfFormat.N_QUADS)
        serialize(quads, out, format_, prefixes=PREFIXES)


@dataclass(frozen=True)
class Products:
    """The facts about the files of a release that the manifest keeps."""

    digest: SetDigest
    changes: ChangeCounts
    outputs: dict[str, dict[str, Any]]


def table_outputs(queries: Iterable[Path]) -> list[OutputFile]:
    """Returns the files of the tables that these stored queries define. Raises BadData for a head without columns."""
    tables = [offer for query in table_queries(queries) for offer in offers_of(query)]
    return [*tables, PACKAGE, CSVW] if tables else []


def write_products(
    store: Store,
    folder: Path,
    queries: Iterable[Path],
    parent: Release | None,
    judge: Callable[[], Report],
    progress: Progress,
) -> Products:
    """Writes dumps, tables, measurements and changes into the folder of a release.

    All depend on the statements alone, except the changes, which depend on the parent too. `judge` waits for the report
    of a validation, which the measurements count. Raises what it raises, and BadData if a query of a table or a
    measurement does not do what its head declares.
    """
    with progress.step("dump") as step:
        digest = write_dumps(store, folder)
        step.result = f"{len(DUMPS)} files, digest {digest.hex[:12]}"
    with progress.step("tables") as step:
        tables = write_tables(store, table_queries(queries), folder)
        if tables:
            # The version is the digest, not the release: equal data must give equal files.
            write_packages(store, tables, digest.hex[:12], folder)
        step.result = f"{len(tables)} tables, {sum(table.rows for table in tables)} rows"
    report = judge()
    with progress.step("quality") as step:
        measurements = measure(store, quality_queries(queries), report)
        write_quality(measurements, folder)
        step.result = f"{len(measurements)} measurements"
    write_descriptions([*load_queries(*queries).values()], folder)
    with progress.step("changes") as step:
        changes = write_all_changes(parent, store, folder)
        step.result = f"{changes.added} added, {changes.removed} removed"
    return Products(digest, changes, measured(folder, _offers(queries)))


def _offers(queries: Iterable[Path]) -> Sequence[OutputFile]:
    return (*DUMPS, *table_outputs(queries))
