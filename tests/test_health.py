"""/ready and /startup: each part by itself, where the parts are folders and files of the release."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient

from citygraph.parent import bound_command
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web.application import create_app
from tests.small import build_small


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release that a test may damage."""
    return build_small(tmp_path)


@pytest.fixture
def client(release: Release) -> FlaskClient:
    """A site without engines and writer."""
    return create_app(Settings(releases=release.path.parent), Releases(release.path.parent)).test_client()


def missing(client: FlaskClient) -> tuple[int, list[str]]:
    reply = client.get("/ready")
    assert reply.json is not None
    return reply.status_code, reply.json["missing"]


def test_documents_work_without_the_search_index(client: FlaskClient, release: Release) -> None:
    """(18) The index is named as the missing part; who needs documents only may ask for the store alone."""
    assert missing(client) == (200, [])
    (release.path / "search.sqlite").unlink()
    assert missing(client) == (503, ["index"])
    assert client.get("/ready?part=store").status_code == 200
    assert client.get("/doc/city/izmir.ttl").status_code == 200


def test_a_full_disk_is_missing_and_a_low_one_degraded(
    client: FlaskClient, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) No room for a commit is 503; room for few builds is told with 200; documents work in both cases."""
    size = sum(path.stat().st_size for path in release.path.rglob("*") if path.is_file())
    for free, status, state in ((1000, 503, "failing"), (2 * size, 200, "degraded")):
        disk = SimpleNamespace(f_bavail=free, f_bfree=free, f_blocks=10**12, f_frsize=1)
        monkeypatch.setattr(os, "statvfs", lambda _, disk=disk: disk)
        reply = client.get("/ready")
        assert reply.json is not None
        assert (reply.status_code, reply.json["status"]) == (status, state)
        assert reply.json["missing" if status == 503 else "degraded"] == ["disk"]
        assert "free" in reply.json["parts"]["disk"]
        assert client.get("/doc/city/izmir.ttl").status_code == 200


def test_a_store_that_has_gone_is_missing(client: FlaskClient, release: Release) -> None:
    """(18) Nothing but /health and /startup answers then."""
    release.store_path.rename(release.path / "elsewhere")
    status, parts = missing(client)
    assert (status, "store" in parts) == (503, True)
    assert [client.get(path).status_code for path in ("/health", "/startup")] == [200, 200]


def test_an_unknown_part_is_told(client: FlaskClient) -> None:
    """(18) A probe that asks for a part that there is not would otherwise be satisfied for ever."""
    reply = client.get("/ready?part=motor", headers={"Accept": "application/json"})
    assert reply.status_code == 400
    assert "'motor'" in reply.text


def test_a_start_has_its_own_address(release: Release, tmp_path: Path) -> None:
    """(18) /startup is 503 until the site was complete once, with the state of the parts; then it stays 200."""
    settings = Settings(releases=release.path.parent, engine_socket=str(tmp_path / "service.sock"))
    client = create_app(settings, Releases(settings.releases)).test_client()
    reply = client.get("/startup")
    assert reply.json is not None
    assert (reply.status_code, reply.json["status"], reply.json["parts"]["store"]) == (503, "starting", "ok")
    (tmp_path / "complete").touch()
    assert client.get("/startup").status_code == 200


def test_a_child_is_bound_before_it_imports_anything() -> None:
    """(18) Its parent's death must not wait for the imports of a module, which may take longer than 2 s."""
    assert bound_command("citygraph.engine.host", "x")[1:] == ["-m", "citygraph.parent", str(os.getpid()),
                                                                "citygraph.engine.host", "x"]  # fmt: skip
