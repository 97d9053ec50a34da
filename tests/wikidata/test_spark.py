"""Spark: the same result as on one machine, byte for byte."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from citygraph.errors import UsageError
from citygraph.wikidata.dump import LocalEngine, import_dump
from citygraph.wikidata.spark import SparkEngine, spark_session
from tests.wikidata.conftest import DUMP, RETRIEVED

_MISSING = [name for name, there in (("pyspark", find_spec("pyspark")), ("Java", which("java"))) if not there]
needs_spark = pytest.mark.skipif(bool(_MISSING), reason=f"Spark is not tested: {' and '.join(_MISSING)} missing")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A local Spark with two cores."""
    session = spark_session("local[2]")
    yield session
    session.stop()


@needs_spark
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("packed", [False, True])
def test_spark_gives_the_same(session: Any, tmp_path: Path, packed: bool) -> None:
    """Five partitions, packed or not (18 Spark)."""
    dump = DUMP
    if packed:
        dump = tmp_path / "dump.json.bz2"
        dump.write_bytes(bz2.compress(DUMP.read_bytes()))
    one = import_dump(str(dump), list, tmp_path / "one", retrieved=RETRIEVED, engine=LocalEngine(1))
    many = import_dump(str(dump), list, tmp_path / "many", retrieved=RETRIEVED, engine=SparkEngine(session, 5))
    assert session.sparkContext.textFile(str(dump), 5).getNumPartitions() >= 5
    assert many.path.read_bytes() == one.path.read_bytes()
    assert many.notices == one.notices


@pytest.mark.skipif("pyspark" not in _MISSING, reason="pyspark is here")
def test_without_spark_it_says_what_to_install() -> None:
    """The extra is named."""
    with pytest.raises(UsageError, match=r"citygraph\[spark\]"):
        spark_session()
