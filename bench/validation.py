"""Seconds and memory of the validation of a release, part by part.

Run it in the folder of an instance that has a release.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from functools import cache
from pathlib import Path

from pyoxigraph import DefaultGraph, RdfFormat

from citygraph.build import validation
from citygraph.build.dependencies import query_patterns
from citygraph.build.relevant_triples import ShapeReader
from citygraph.build.shape_dependencies import names_of_shapes
from citygraph.build.triple_table import TripleTable
from citygraph.release.releases import Releases
from citygraph.settings import read_settings
from citygraph.source.files import sources_of

_GB = 1024 * 1024  # ru_maxrss is in KiB


class Rows:
    """Rows of a table, each with the processor time since the row before."""

    def __init__(self) -> None:
        self._before = time.process_time()
        print("| part | triples | processor s | peak GB |\n|---|---:|---:|---:|")

    def add(self, title: str, triples: int) -> None:
        """Prints a row."""
        seconds, peak = time.process_time() - self._before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _GB
        print(f"| {title} | {triples} | {seconds:.1f} | {peak:.2f} |", flush=True)
        self._before = time.process_time()


def main() -> None:
    """Validates the default graph of the current release in parts, and prints a row for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation", description=__doc__)
    parser.add_argument("--most", type=int, default=validation.MOST_TRIPLES, help="triples in a part")
    most = parser.parse_args().most
    settings = read_settings()
    validator = validation.Validator(sources_of(settings))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=".") as folder:
        data = Path(folder) / "data.nt"
        store = Releases(settings.releases).current().open_store()
        store.dump(str(data), RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
        del store
        rows = Rows()
        with data.open(encoding="utf-8") as file:
            table = TripleTable(file)
        rows.add("columns", table.size)
        read = cache(query_patterns)
        reader = ShapeReader(validator.shapes, names_of_shapes(validator.shapes), table, read)
        rows.add("patterns of the shapes", table.size)
        failing: set[tuple[str, str]] = set()
        for part in reader.parts(most):
            part.read = part.read and cache(part.read)
            size = table.size if part.read is None else len(part.read())
            rows.add(f"triples for {len(part.shapes)} shapes", size)
            failing |= validator.find_part(part, data)
            rows.add("shifty", size)
        triples = ShapeReader(validator.shapes, {shape for _, shape in failing}, table, read).explaining(
            {node for node, _ in failing}
        )
        with validation.selected(triples, data) as few:
            report = validator.explain(few, failing)
        rows.add(f"explanation of {len(report.results)} results", len(triples))


if __name__ == "__main__":
    main()
