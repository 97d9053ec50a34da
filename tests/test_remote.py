"""Other reconciliation services, asked through a door that tests hold open."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from citygraph.errors import Upstream, UsageError
from citygraph.matching.decisions import NameQuery
from citygraph.matching.remote import WIKIDATA, QueryOptions, ReconciliationService, RequestRefused, over_http

URL = "https://service.example/api"


class Door:
    """A service behind a `send`: answers each name with itself; `faults` come first."""

    def __init__(self, *faults: Exception | bytes, **manifest: Any) -> None:
        self.manifest = {"name": "example", "identifierSpace": "https://service.example/", **manifest}
        self.faults = list(faults)
        self.batches: list[dict[str, Any]] = []
        self.waited: list[float] = []

    def send(self, url: str, form: bytes | None) -> bytes:
        assert url == URL
        if form is None:
            return json.dumps(self.manifest).encode()
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, bytes):
                return fault
            raise fault
        batch = json.loads(parse_qs(form.decode())["queries"][0])
        self.batches.append(batch)
        found = {
            id_: {"result": [{"id": query["query"], "name": query["query"], "score": 90, "match": True,
                              "features": [{"id": "name", "value": 90}]}]}
            for id_, query in batch.items()
        }  # fmt: skip
        return json.dumps(found).encode()

    def service(self) -> ReconciliationService:
        return ReconciliationService(URL, self.send, self.waited.append)


def test_names_are_asked_in_batches_of_the_size_that_the_service_names() -> None:
    """Or of ten."""
    asked = [NameQuery(f"n{number}") for number in range(25)]
    for door, sizes in ((Door(batchSize=20), [20, 5]), (Door(), [10, 10, 5])):
        found = door.service().proposals(asked, QueryOptions())
        assert [proposals[0].id for proposals in found] == [one.name for one in asked]
        assert [len(batch) for batch in door.batches] == sizes


@pytest.mark.parametrize(("space", "pid"), [(WIKIDATA, "P17"), ("https://service.example/", "country")])
def test_the_country_goes_with_the_property_of_the_service(space: str, pid: str) -> None:
    """Wikidata's is P17."""
    door = Door(identifierSpace=space)
    proposals = door.service().proposals([NameQuery("Baku", "Azerbaijan")], QueryOptions(type="Q515"))
    assert door.batches[0]["q0"] == {
        "query": "Baku", "limit": 5, "type": "Q515", "properties": [{"pid": pid, "v": "Azerbaijan"}],
    }  # fmt: skip
    assert proposals[0][0].why == "name 90"


def test_a_tired_service_is_asked_again_after_a_while() -> None:
    """As long as it asks for, or longer each time."""
    door = Door(RequestRefused("HTTP 429", wait=7), RequestRefused("HTTP 503"))
    assert door.service().proposals([NameQuery("x")], QueryOptions())[0][0].id == "x"
    assert door.waited == [7, 4]


@pytest.mark.parametrize(
    "fault",
    [
        RequestRefused("HTTP 404", final=True),
        RequestRefused("HTTP 429", wait=9000),
        b"<html>",
        b"[]",
        b'{"q0": {}}',
        b'{"q0": {"result": [{"id": "x"}]}}',
    ],
)
def test_what_cannot_get_better_is_told_at_once(fault: Exception | bytes) -> None:
    """With the address."""
    door = Door(fault)
    with pytest.raises(Upstream, match=r"service\.example"):
        door.service().proposals([NameQuery("x")], QueryOptions())
    assert door.waited == []


def test_patience_ends() -> None:
    """After five tries."""
    door = Door(*[RequestRefused("HTTP 503")] * 5)
    with pytest.raises(Upstream, match="503"):
        door.service().proposals([NameQuery("x")], QueryOptions())
    assert len(door.waited) == 4


def test_what_is_no_service_is_told() -> None:
    """Before any name is sent."""
    with pytest.raises(Upstream, match="not a reconciliation service"):
        Door(name=None).service()
    with pytest.raises(UsageError, match="not a web address"):
        over_http("")("file:///etc/passwd", None)


def test_retries_are_reported_at_once() -> None:
    """Before each wait, with the reason (13.23)."""
    door, notices = Door(RequestRefused("HTTP 503", 2.0)), list[str]()
    ReconciliationService(URL, door.send, door.waited.append, notices.append).proposals(
        [NameQuery("a")], QueryOptions()
    )
    assert notices == [f"{URL}: HTTP 503; attempt 2 of 5 in 2 s"]
    assert door.waited == [2.0]
