"""The dump on Apache Spark: the same glances over the same lines, on a cluster. Needs the extra "spark"."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from citygraph.errors import BadData, UsageError
from citygraph.wikidata.dump import Glance


@dataclass(frozen=True)
class SparkEngine:
    """A Spark session; `partitions` is the least number of parts that a dump is split into (.json and .bz2 can be)."""

    session: Any
    partitions: int = 0

    def scan(self, dump: str, glance: Glance) -> Iterator[tuple[str, str]]:
        """Yield what the glance keeps of the dump's lines. Raises BadData if the job fails."""
        from py4j.protocol import Py4JError
        from pyspark import StorageLevel
        from pyspark.errors import PySparkException

        if dump.endswith(".zst"):
            raise UsageError(f"{dump}: Spark reads .json, .gz and .bz2; only .json and .bz2 in parallel")
        context = self.session.sparkContext
        lines = context.textFile(dump, self.partitions or context.defaultParallelism)
        kept = lines.mapPartitions(_on_lines(glance)).persist(StorageLevel.DISK_ONLY)
        try:
            # All parts at once; the iterator alone would have them made one after the other.
            kept.count()
            yield from kept.toLocalIterator(prefetchPartitions=True)
        except (Py4JError, PySparkException) as error:
            raise BadData(f"the Spark job failed: {error}", dump) from None
        finally:
            kept.unpersist()


def spark_session(master: str = "") -> Any:
    """The running Spark session, or a new one on `master` (such as "local[4]"; Spark's own setting otherwise).

    Raises UsageError if pyspark is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("Apache Spark is an extra: pip install 'citygraph[spark]', and Java 17") from None
    builder = SparkSession.builder.appName("citygraph")
    session = (builder.master(master) if master else builder).getOrCreate()
    if session.sparkContext.master.startswith("local"):
        # Otherwise the "python3" of the path would run the workers, which may know nothing of citygraph.
        session.sparkContext.pythonExec = sys.executable
    return session


def _on_lines(glance: Glance) -> Any:
    def of_partition(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
        return glance(line.encode() for line in lines)

    return of_partition
