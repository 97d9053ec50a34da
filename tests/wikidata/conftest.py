"""What the tests of Wikidata stand on: invented items, real ones where they are, and an endpoint filled with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Store

from citygraph.client import RetryPolicy
from citygraph.wikidata.client import Client, over_http
from tests.wikidata.endpoint import Endpoint, serving
from tests.wikidata.rdf_form import edge_quads, entity_quads

FIXTURES = Path(__file__).parent / "fixtures"
DUMP = FIXTURES / "invented-dump.json"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
RETRIEVED = "2026-11-20T00:00:00Z"


def entities() -> list[dict[str, Any]]:
    """The items of the invented dump."""
    lines = (line.strip().rstrip(",") for line in DUMP.read_text(encoding="utf-8").splitlines())
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
def realdata() -> Path:
    """The folder of real data beside the repository."""
    folder = Path(__file__).parents[3] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}")
    return folder


@pytest.fixture
def edges(realdata: Path) -> list[tuple[str, str]]:
    """The 34,182 twinnings of 2016, each a pair of items."""
    text = (realdata / "L3viathan__sister-cities" / "relations.tsv").read_text(encoding="utf-8")
    return [(a, b) for a, b in (line.split("\t") for line in text.splitlines())]


@pytest.fixture
def names(realdata: Path) -> dict[str, str]:
    """The mostly German names of their 10,055 places."""
    text = (realdata / "L3viathan__sister-cities" / "names.tsv").read_text(encoding="utf-8")
    return dict(line.split("\t", 1) for line in text.splitlines())


@pytest.fixture
def real_entities(realdata: Path) -> list[dict[str, Any]]:
    """Weimar and Bielefeld, whole."""
    files = sorted((realdata / "wikidata-fixtures").glob("*.entitydata.json"))
    return [e for file in files for e in json.loads(file.read_text(encoding="utf-8"))["entities"].values()]


@pytest.fixture
def invented() -> Iterator[Endpoint]:
    """An endpoint with the invented items."""
    store = Store()
    for entity in entities():
        store.extend(entity_quads(entity))
    with serving(store) as endpoint:
        yield endpoint


@pytest.fixture
def real(
    edges: list[tuple[str, str]], names: dict[str, str], real_entities: list[dict[str, Any]]
) -> Iterator[Endpoint]:
    """An endpoint with the twinnings of 2016; Weimar's and Bielefeld's stand there whole."""
    whole = {entity["id"] for entity in real_entities}
    store = Store()
    bare = [edge for edge in edges if edge[0] not in whole]
    store.bulk_extend(edge_quads(bare, {qid: name for qid, name in names.items() if qid not in whole}))
    for entity in real_entities:
        store.extend(entity_quads(entity))
    with serving(store) as endpoint:
        yield endpoint


@pytest.fixture
def waits() -> list[float]:
    """How long the client slept, each time."""
    return []


MakeClient = Callable[..., Client]


@pytest.fixture
def client_of(tmp_path: Path, waits: list[float]) -> MakeClient:
    """Makes a client of an endpoint that waits for nothing."""

    def make(
        endpoint: Endpoint,
        newer_than: str = "",
        attempts: int = 4,
        socket_timeout: float = 60,
        whole_timeout: float = 120,
    ) -> Client:
        return Client(
            endpoint.address,
            over_http(
                endpoint.address,
                "test@example.org",
                socket_timeout=socket_timeout,
                whole_timeout=whole_timeout,
                now=lambda: NOW,
            ),
            tmp_path / "cache",
            newer_than=newer_than,
            policy=RetryPolicy(attempts=attempts),
            sleep=waits.append,
            random=lambda: 1.0,
            now=lambda: NOW,
        )

    return make
