"""What systemd is told by the server that it started."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from citygraph.service_manager import ServiceManager
from tests.running import serving
from tests.small import build_small


def listening(address: str) -> socket.socket:
    """A socket as systemd has it."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(address)
    manager.settimeout(20)
    return manager


def test_systemd_learns_when_the_site_is_complete_alive_and_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18 Deployment) READY=1 once queries are answered, WATCHDOG=1 every two seconds, STOPPING=1 at SIGTERM."""
    with listening(str(tmp_path / "notify")) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "60000000")
        build_small(tmp_path)
        with serving(tmp_path / "releases", workers=1, engines=1) as server:
            messages = [manager.recv(1024)]
            while messages[-1] != b"READY=1\nSTATUS=serving":
                assert messages[-1] == b"WATCHDOG=1"
                messages.append(manager.recv(1024))
            assert server.get("/sparql?query=ASK%7B%7D").status == 200
            before = time.monotonic()
            assert {manager.recv(1024), manager.recv(1024)} == {b"WATCHDOG=1"}
            # Two seconds each; the manager would wait for a minute.
            assert time.monotonic() - before < 30
        manager.setblocking(False)
        while (message := manager.recv(1024)) == b"WATCHDOG=1":
            pass
        assert message == b"STOPPING=1\nSTATUS=stopping"


def test_abstract_address_is_that_of_the_kernel() -> None:
    """sd_notify(3): the leading @ stands for a byte 0."""
    name = f"citygraph-test-{os.getpid()}"
    with listening(f"\0{name}") as manager:
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert manager.recv(1024) == b"READY=1\nSTATUS=serving"


def test_server_goes_on_without_a_manager(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Nobody listens, or there is none: at most a line in the log."""
    ServiceManager({}).ready()
    assert caplog.text == ""
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).stopping()
    assert "does not get 'STOPPING=1'" in caplog.text
