"""The files that are made from a release's store: dumps, tables, measurements and changes.

Equal statements give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pyoxigraph import RdfFormat, parse, serialize

from citygraph.build.packages import write_packages
from citygraph.build.quality import QualityMeasurement, measure, quality_queries
from citygraph.build.query_packs import write_descriptions
from citygraph.build.sorted_graphs import SortedGraphs
from citygraph.build.store_writing import StoreFilling
from citygraph.build.tables import offers_of, table_queries, write_tables
from citygraph.progress import Progress
from citygraph.rdf.nquads import SetDigest, encoded_quads, joined_lines, packed
from citygraph.rdf.terms import PREFIXES
from citygraph.release.changes import ChangeCounts, write_all_changes
from citygraph.release.interrupted_build import Journal
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
from citygraph.source.queries import load_queries
from citygraph.sparql.statistics import STATISTICS, Statistics, counted, read_statistics, write_statistics


def write_dumps(graphs: SortedGraphs, release: Path) -> SetDigest:
    """Writes dumps and statistics into the release's folder, and returns the digest of the named graphs.

    The N-Quads are sorted by graph and line, so that two releases can be compared line by line. The other formats are
    made from them, because reading a store takes most of the time. Memory does not grow with the graphs.
    """
    for offer in DUMPS:
        (release / offer.path).parent.mkdir(exist_ok=True)
    digest = SetDigest()
    with (release / PLAIN_NQUADS.path).open("wb") as plain, packed(release / NQUADS.path) as compressed:
        for graph, lines in graphs.graphs():
            quads = encoded_quads(lines, graph)
            digest.add_encoded(quads)
            data = joined_lines(quads)
            plain.write(data)
            compressed.write(data)
    triples, statistics = release / "default.nt", Statistics()
    with triples.open("w", encoding="utf-8", newline="\n") as text:
        text.writelines(counted(chain.from_iterable(graphs.merged()), statistics))
    write_statistics(statistics, release)
    _convert(release / PLAIN_NQUADS.path, release / TRIG.path, RdfFormat.TRIG)
    # The merge of the graphs is sorted and without duplicates, as the default graph is.
    _convert(triples, release / TURTLE.path, RdfFormat.TURTLE)
    _convert(triples, release / JSONLD.path, RdfFormat.JSON_LD)
    triples.unlink()
    return digest


def _convert(source: Path, target: Path, format_: RdfFormat) -> None:
    # Lenient: the terms have been checked when they were read.
    quads = parse(path=source, format=RdfFormat.N_QUADS, lenient=True)
    with packed(target) as out:
        serialize(quads, out, format_, prefixes=PREFIXES)


@dataclass(frozen=True)
class Products:
    """The facts about the files of a release that the manifest keeps."""

    digest: SetDigest
    triples: int  # of the default graph
    measurements: list[QualityMeasurement]
    changes: ChangeCounts
    outputs: dict[str, dict[str, Any]]


def table_outputs(queries: Iterable[Path]) -> list[OutputFile]:
    """Returns the files of the tables that these stored queries define. Raises BadData for a head without columns."""
    tables = [offer for query in table_queries(queries) for offer in offers_of(query)]
    return [*tables, PACKAGE, CSVW] if tables else []


def write_products(
    filling: StoreFilling,
    journal: Journal,
    queries: Iterable[Path],
    parent: Release | None,
    progress: Progress,
) -> Products:
    """Writes dumps, tables and changes into the folder of a release, and measures its quality.

    The journal tells which of them an interrupted build has made.

    All depend on the statements alone, except the changes, which depend on the parent too. None needs the report of the
    validation, which takes longer. Raises BadData if a query of a table or a measurement does not match its head.
    """
    folder = journal.release
    with progress.step("dump") as step:
        files = [folder / "dumps", folder / STATISTICS]
        facts = journal.perform("dump", lambda: _dumps(filling, folder), files)
        digest = SetDigest(int(facts["total"], 16))
        step.result = f"{len(DUMPS)} files, digest {digest.hex[:12]}"
    statistics = read_statistics(folder)
    assert statistics is not None  # noqa: S101 - the dumps were written with them
    with progress.step("tables") as step:
        made = journal.perform("tables", lambda: _tables(filling, queries, digest, folder), [folder / "tables"])
        step.result = made["made"]
    with progress.step("quality") as step:
        measurements = measure(filling.open_store, quality_queries(queries), filling.key_parts())
        step.result = f"{len(measurements)} measurements"
    filling.remove_files()
    write_descriptions([*load_queries(*queries).values()], folder)
    with progress.step("changes") as step:
        changes = write_all_changes(parent, filling.open_store(), folder)
        step.result = f"{changes.added} added, {changes.removed} removed"
    outputs = measured(folder, _offers(queries), journal.digests())
    return Products(digest, statistics.total.triples, measurements, changes, outputs)


def _dumps(filling: StoreFilling, folder: Path) -> dict[str, str]:
    """Writes the dumps, and returns the sum of the digest."""
    with closing(filling.sorted_graphs()) as graphs:
        return {"total": f"{write_dumps(graphs, folder).total:x}"}


def _tables(filling: StoreFilling, queries: Iterable[Path], digest: SetDigest, folder: Path) -> dict[str, str]:
    """Writes the tables, and returns a summary."""
    tables = write_tables(filling.open_store, table_queries(queries), folder, filling.key_parts())
    if tables:
        # The version is the digest, not the release: equal data must give equal files.
        write_packages(filling.open_store(), tables, digest.hex[:12], folder)
    return {"made": f"{len(tables)} tables, {sum(table.rows for table in tables)} rows"}


def _offers(queries: Iterable[Path]) -> Sequence[OutputFile]:
    return (*DUMPS, *table_outputs(queries))
