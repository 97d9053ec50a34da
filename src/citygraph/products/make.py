"""Everything that is made of a release's store: dumps, tables, measurements and the list of what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from citygraph.digest import SetDigest
from citygraph.products.changes import Counts, write_all_changes
from citygraph.products.dumps import write_dumps
from citygraph.products.offers import CSVW, DUMPS, PACKAGE, Offer, measured
from citygraph.products.packages import write_packages
from citygraph.products.quality import measure, quality_queries, write_quality
from citygraph.products.tables import offers_of, table_queries, write_tables
from citygraph.progress import Progress
from citygraph.release import Release
from citygraph.report import Report


@dataclass(frozen=True)
class Products:
    """What the manifest keeps of them."""

    digest: SetDigest
    changes: Counts
    outputs: dict[str, dict[str, Any]]


def offered_tables(queries: Path | None) -> list[Offer]:
    """The files of the tables that these stored queries define. Raises BadData for a head that lacks its columns."""
    tables = [offer for query in table_queries(queries) for offer in offers_of(query)]
    return [*tables, PACKAGE, CSVW] if tables else []


def write_products(
    store: Store, folder: Path, queries: Path | None, parent: Release | None, report: Report, progress: Progress
) -> Products:
    """Write dumps, tables, measurements and changes into the folder of a release.

    All depend on the statements alone, but for the changes: those depend on the parent too. Raises BadData if a
    query of a table or a measurement does not do what its head says.
    """
    with progress.step("dump") as step:
        digest = write_dumps(store, folder)
        step.result = f"{len(DUMPS)} files, digest {digest.hex[:12]}"
    with progress.step("tables") as step:
        tables = write_tables(store, table_queries(queries), folder)
        if tables:
            write_packages(store, tables, digest.hex[:12], folder)
        step.result = f"{len(tables)} tables, {sum(table.rows for table in tables)} rows"
    with progress.step("quality") as step:
        measurements = measure(store, quality_queries(queries), report)
        write_quality(measurements, folder)
        step.result = f"{len(measurements)} measurements"
    with progress.step("changes") as step:
        changes = write_all_changes(parent, store, folder)
        step.result = f"{changes.added} added, {changes.removed} removed"
    return Products(digest, changes, measured(folder, _offers(queries)))


def _offers(queries: Path | None) -> Sequence[Offer]:
    return (*DUMPS, *offered_tables(queries))
