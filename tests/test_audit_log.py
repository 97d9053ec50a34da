"""The audit log: whole lines of many writers, parts by size and age, and the repair of a torn line."""

from __future__ import annotations

import getpass
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from citygraph.audit_log import AuditLog, read_lines
from citygraph.cli.main import main
from citygraph.settings import Settings

_WRITER = """
import sys
from pathlib import Path
from citygraph.audit_log import AuditLog
from citygraph.settings import Settings
log = AuditLog(Settings(audit=Path(sys.argv[1]), audit_size=int(sys.argv[2]), audit_parts=0))
for number in range(int(sys.argv[4])):
    log.write(sys.argv[3], "commit", "published", number=number, graphs=["x" * 50])
    print(number, flush=True)
"""


def log_at(folder: Path, **settings: int) -> AuditLog:
    return AuditLog(Settings(audit=folder / "audit.jsonl", **settings))  # type: ignore[arg-type]


def lines_of(log: AuditLog) -> list[dict[str, Any]]:
    """All lines; each must be JSON."""
    return [json.loads(line) for path in log.parts() for line in path.read_text().splitlines()]


def writer(folder: Path, name: str, count: int, size: int = 2000) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _WRITER, str(folder / "audit.jsonl"), str(size), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_lines_of_many_processes_are_whole_and_complete(tmp_path: Path) -> None:
    """(18) Three processes write while the log is rotated again and again: no line is lost, mixed or doubled."""
    processes = [writer(tmp_path, name, 60) for name in "abc"]
    for process in processes:
        process.communicate()
    log = log_at(tmp_path)
    lines = lines_of(log)
    assert sorted((line["who"], line["number"]) for line in lines) == [(name, n) for name in "abc" for n in range(60)]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert len(log.parts()) > 5
    assert all(path.stat().st_size < 2000 + 200 and path.stat().st_mode & 0o077 == 0 for path in log.parts())


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    """(18) SIGKILL at any moment: each line that was acknowledged is there, and others go on writing."""
    for delay in (0.0, 0.01, 0.05):
        process = writer(tmp_path, f"killed-{delay}", 100_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        acknowledged = 1 + process.communicate()[0].count(b"\n")
        log = log_at(tmp_path)
        log.write("other", "commit", "published")
        lines = lines_of(log)
        written = [line["number"] for line in lines if line["who"] == f"killed-{delay}"]
        assert written == list(range(len(written)))
        assert len(written) >= acknowledged
        assert lines[-1]["who"] == "other"


@pytest.mark.parametrize("torn", [b'{"time": "2026', '{"who": "İ'.encode()[:-1], b"x" * 200_000])
def test_a_torn_line_is_repaired_by_the_next(tmp_path: Path, torn: bytes) -> None:
    """(18) A line whose end was lost, in the middle of a character too, becomes the text of a line; none before is."""
    log = log_at(tmp_path)
    log.write("curator", "commit", "published")
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(torn)
    assert [line["who"] for line in read_lines(tmp_path / "audit.jsonl")] == ["curator"]
    log.write("curator", "rollback", "published")
    before, repair, after = lines_of(log)
    assert (before["action"], after["action"]) == ("commit", "rollback")
    assert (repair["action"], repair["text"]) == ("repair", torn.decode("utf-8", "replace"))


def test_parts_are_made_by_age_and_the_oldest_are_removed(tmp_path: Path) -> None:
    """(18) A log whose first line is older than the limit becomes a part; as many as are wanted are kept."""
    log = log_at(tmp_path, audit_days=30, audit_parts=2)
    path = tmp_path / "audit.jsonl"
    for number in range(4):
        old = datetime.now(UTC) - timedelta(days=31)
        path.write_text(json.dumps({"time": f"{old:%Y-%m-%dT%H:%M:%S.000Z}", "number": number}) + "\n")
        log.write("curator", "commit", "published")
    assert [line.get("number") for line in lines_of(log)] == [2, 3, None]
    log.write("curator", "commit", "published")
    assert len(log.parts()) == 3


def test_commands_are_in_the_log_with_the_user_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(18) What a command changed or could not change, and never a token."""
    for name in ("audit", "tokens", "releases"):
        monkeypatch.setenv(f"CITYGRAPH_{name.upper()}", str(tmp_path / f"{name}.jsonl"))
    run = CliRunner().invoke
    made = run(main, ["token", "make", "press", "--graphs", "graph:notes"])
    assert [run(main, arguments).exit_code for arguments in (["token", "revoke", "press"], ["rollback", "x"])] == [0, 2]
    lines = lines_of(log_at(tmp_path))
    assert [(line["command"], line["action"], line["outcome"]) for line in lines] == [
        ("make", "token", "made"), ("revoke", "token", "revoked"), ("rollback", "rollback", "NotFound")
    ]  # fmt: skip
    assert (lines[0]["who"], lines[0]["token"]) == (getpass.getuser(), "press")
    assert lines[0]["prefixes"] == ["https://w3id.org/citygraph/graph/notes"]
    assert made.output.startswith("cgt_")
    assert made.output.strip() not in (tmp_path / "audit.jsonl").read_text()


def test_a_line_that_cannot_be_written_is_in_the_log_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """(18) The change has happened, so that nobody is told that it failed."""
    (tmp_path / "audit.jsonl").mkdir()
    log_at(tmp_path).write("curator", "commit", "published", release="r1")
    assert "cannot be written" in caplog.text
    assert '"release": "r1"' in caplog.text
    assert list((tmp_path / "audit.jsonl").iterdir()) == []
