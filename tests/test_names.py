"""The label index."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pyoxigraph import Store

from citygraph.index.facts import StoredQuads
from citygraph.index.names import Index, write_index
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release


@pytest.fixture(scope="module")
def index(izmir: Release) -> Iterator[Index]:
    with closing(Index(izmir.path / "search.sqlite")) as opened:
        yield opened


@pytest.mark.parametrize("text", ["Izmir", "izmir", "İZMİR", "ızmır", " İzm "])
def test_izmir_is_found_however_it_is_typed(index: Index, text: str) -> None:
    """The city comes first, whatever i the keyboard had."""
    assert index.find(text, kind="city")[0].entity == ID + "city/izmir"


@pytest.mark.parametrize(
    ("text", "entity"),
    [("Bakü", "city/baku"), ("Bakı", "city/baku"), ("Баку", "city/baku"), ("Plezen", "city/plzen"),
     ("Charcov", "city/turkmenabat"), ("Frunze", "city/bishkek"), ("Bombay", "city/mumbai"),
     ("Taiwan bosphorus", "area/taiwan-strait"),
     ("tugay", "person/cemil-tugay"), ("izazder", "organisation/izmir-azerbaijan-association")],
)  # fmt: skip
def test_aliases_old_names_and_spellings_are_found(index: Index, text: str, entity: str) -> None:
    """Every name that any source uses leads to its entity."""
    assert entity in [hit.entity.removeprefix(ID) for hit in index.find(text)][:3]


@pytest.mark.parametrize("text", ["", "   ", '"', "' OR 1=1 --", "NEAR(", "*", "zzzz", "\x00"])
def test_odd_texts_find_nothing_and_break_nothing(index: Index, text: str) -> None:
    """What a stranger types is words, never syntax of the index."""
    assert index.find(text) == []


def test_an_entity_is_found_once(index: Index) -> None:
    """However many of its names match."""
    entities = [hit.entity for hit in index.find("izmir", limit=50)]
    assert len(entities) == len(set(entities))


def test_sqlite_sorts_beside_the_index(tmp_path: Path) -> None:
    """The disk of the system's temporary folder may be small, and the room on the other one is what a build checks."""
    folder = tmp_path / "a writer's folder"
    folder.mkdir()
    write_index(StoredQuads(Store()), folder / "search.sqlite")
    with closing(sqlite3.connect(tmp_path / "large.sqlite")) as database:
        database.executescript("PRAGMA cache_size = 10; CREATE TABLE one (value TEXT);")
        database.executemany("INSERT INTO one VALUES (?)", ((str(number) * 90,) for number in range(20_000)))
        rows = database.execute("SELECT value FROM one ORDER BY value DESC")
        assert next(rows)
        opened = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
        assert any(name.startswith(f"{folder}/") for name in opened)
    assert [path.name for path in folder.iterdir()] == ["search.sqlite"]
