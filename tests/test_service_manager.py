"""What systemd is told by the server that it started."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from citygraph.service_manager import ServiceManager
from tests.running import PATIENCE, serving, wait_for
from tests.small import build_small

READY, STOPPING = b"READY=1\nSTATUS=serving", b"STOPPING=1\nSTATUS=stopping"


def listening(address: str) -> socket.socket:
    """A socket as systemd has it."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(address)
    manager.settimeout(PATIENCE)
    return manager


def test_systemd_learns_when_the_site_is_complete_alive_and_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18 Deployment) READY=1 once queries are answered, WATCHDOG=1 every two seconds, STOPPING=1 at SIGTERM."""
    with listening(str(tmp_path / "notify")) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000000")
        build_small(tmp_path)
        messages: list[bytes] = []

        def read() -> None:
            # At once, because the kernel holds no more than ten messages (net.unix.max_dgram_qlen).
            while messages[-1:] != [STOPPING]:
                messages.append(manager.recv(1024))

        reader = threading.Thread(target=read)
        reader.start()
        with serving(tmp_path / "releases", workers=1, engines=1) as server:
            wait_for(lambda: READY in messages)
            assert server.get("/sparql?query=ASK%7B%7D").status == 200
            before = len(messages)
            # Two seconds each, and in any case long before the ten minutes for which this manager would wait.
            wait_for(lambda: len(messages) >= before + 2)
        reader.join(PATIENCE)
    assert [message for message in messages if message != b"WATCHDOG=1"] == [READY, STOPPING]


def test_abstract_address_is_that_of_the_kernel() -> None:
    """sd_notify(3): the leading @ stands for a byte 0."""
    name = f"citygraph-test-{os.getpid()}"
    with listening(f"\0{name}") as manager:
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert manager.recv(1024) == READY


def test_server_goes_on_without_a_manager(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Nobody listens, or there is none: at most a line in the log."""
    ServiceManager({}).ready()
    assert caplog.text == ""
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).stopping()
    assert "does not get 'STOPPING=1'" in caplog.text
