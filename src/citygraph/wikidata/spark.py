"""The dump on Apache Spark: the line filters of `dump` on a cluster. Needs the extra "spark"."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from citygraph.errors import BadData, UsageError
from citygraph.wikidata.dump import LineFilter, ScanResult


@dataclass(frozen=True)
class SparkEngine:
    """The engine on a Spark session; `partitions` is the least number of parts (.json and .bz2 can be split)."""

    session: Any
    partitions: int = 0

    def scan(self, dump: str, line_filter: LineFilter) -> Iterator[ScanResult]:
        """Yields the filter's results for the dump's lines. Raises BadData if the job fails.

        Items that cannot be read have no line number: no process sees all lines.
        """
        # Imported here, because pyspark is an optional extra.
        from py4j.protocol import Py4JError
        from pyspark import StorageLevel
        from pyspark.errors import PySparkException

        if dump.endswith(".zst"):
            raise UsageError(f"{dump}: Spark reads .json, .gz and .bz2; only .json and .bz2 in parallel")
        context = self.session.sparkContext
        lines = context.textFile(dump, self.partitions or context.defaultParallelism)
        # Kept on disk: the second action below would otherwise read the dump again.
        results = lines.mapPartitions(_on_partition(line_filter)).persist(StorageLevel.DISK_ONLY)
        try:
            # Computes all partitions in parallel; the iterator alone would compute one after the other.
            results.count()
            yield from results.toLocalIterator(prefetchPartitions=True)
        except (Py4JError, PySparkException) as error:
            raise BadData(f"the Spark job failed: {error}", dump) from None
        finally:
            results.unpersist()


def spark_session(master: str = "") -> Any:
    """Returns the running Spark session, or a new one on `master` (such as "local[4]"; "" for Spark's own setting).

    Raises UsageError if pyspark is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("Apache Spark is an extra: pip install 'citygraph[spark]', and Java 17") from None
    builder = SparkSession.builder.appName("citygraph")
    session = (builder.master(master) if master else builder).getOrCreate()
    if session.sparkContext.master.startswith("local"):
        # Otherwise the "python3" of the PATH would run the workers, and citygraph may not be installed there.
        session.sparkContext.pythonExec = sys.executable
    return session


def _on_partition(line_filter: LineFilter) -> Any:
    def filter_partition(lines: Iterable[str]) -> Iterable[ScanResult]:
        return line_filter(line.encode() for line in lines)

    return filter_partition
