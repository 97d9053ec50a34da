"""Quality and speed on real names: a reduced form of bench/reconciliation.py."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from pyoxigraph import Store

from bench.reconciliation import NAMES, PLACES, measure_quality, read_names, read_places
from citygraph.index.facts import StoredQuads
from citygraph.index.names import write_index
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import Question, reconcile
from tests.conftest import REPOSITORY
from tests.running import steps_of

_DATA = REPOSITORY.parent / "shared" / "realdata"
pytestmark = pytest.mark.skipif(
    not (_DATA / PLACES).exists() or not (_DATA / NAMES).exists(), reason=f"the real data are not at {_DATA}"
)


def test_german_names_find_the_places_of_natural_earth(tmp_path: Path) -> None:
    """Every fifth name: at least 0.99 of the matches are right, and 0.95 of the places among the first three."""
    measured = measure_quality(_DATA, tmp_path, every=5)
    for what in ("place present, name alone", "place present, name and country"):
        quality = measured[what]
        assert quality.present > 400
        assert quality.precision >= 0.99, quality
        assert quality.recall >= 0.95, quality
        assert quality.matched >= 0.85 * quality.present, quality


def test_names_are_found_fast(tmp_path: Path) -> None:
    """A thousand names take less than eight million short steps of Python, which are a second on a usual machine."""
    store = Store()
    store.bulk_extend(quad for place in read_places(_DATA / PLACES) for quad in place.quads)
    write_index(StoredQuads(store), tmp_path / "search.sqlite")
    names = [name for _, name in read_names(_DATA / NAMES)[:1000]]
    with closing(Lookup(tmp_path / "search.sqlite")) as lookup:
        assert steps_of(lambda: [reconcile(Question(name, ("City",)), lookup) for name in names]) < 8_000_000
