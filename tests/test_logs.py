"""Logs: one line for each record, in the same form in all processes, which nothing that is requested can break."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from citygraph.errors import UsageError
from citygraph.logs import start_logging
from citygraph.settings import Settings

# Ends of lines for some reader, commands for a terminal, marks that reverse what follows, and half a character.
HOSTILE = 'a\r\nFAKE\x1b[2K\u2028\x85\x7f\u202eb"\ud800'
_PROGRAM = """
import logging, sys
from citygraph.logs import log_request, start_logging
from citygraph.settings import read_settings
start_logging("writer", read_settings())
log = logging.getLogger("citygraph.test")
hostile = {hostile!r}
log.debug("not at this level")
log.warning("a warning: %s", hostile)
try:
    raise ValueError(hostile)
except ValueError:
    log.exception("failed")
log.info("%d", "no number")
log_request(hostile, {{"path": hostile, "status": 200}})
raise RuntimeError(hostile)
"""


def logged(**settings: str) -> tuple[list[str], list[str]]:
    """The lines on standard output and on standard error of a process that logs hostile text."""
    environment = {f"CITYGRAPH_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-c", _PROGRAM.format(hostile=HOSTILE)]
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, capture_output=True, env=environment | path, check=False)
    return done.stdout.decode().split("\n")[:-1], done.stderr.decode().split("\n")[:-1]


def test_no_text_forges_a_line_of_a_text_log() -> None:
    """(18) Each record is a line that begins with its time, level and process; a traceback is indented."""
    requests, lines = logged()
    heads = [line for line in lines if not line.startswith("    ")]
    assert [line.split(" ")[1:3] for line in heads[:-2]] == [["WARNING", "writer:"], ["ERROR", "writer:"]]
    assert heads[-2] == "a record of citygraph.test cannot be formatted"
    assert heads[-1].split(" ")[1:] == ["CRITICAL", "writer:", "uncaught", "exception"]
    assert "a warning: a\\r\\nFAKE\\x1b[2K\\u2028\\x85\\x7f\\u202eb" in heads[0]
    assert len(requests) == 1
    assert not {character for line in (*requests, *lines) for character in line} & set(HOSTILE[1:3] + "\x1b\u2028\x85")


def test_a_log_in_json_has_an_object_a_line() -> None:
    """(18) With time, level, process and message; requests with their own members; nothing is lost by escaping."""
    requests, lines = logged(log_format="json", log_level="debug")
    records: list[dict[str, Any]] = [json.loads(line) for line in lines if not line.startswith("a record of")]
    assert [(one["level"], one["process"]) for one in records] == [
        ("debug", "writer"), ("warning", "writer"), ("error", "writer"), ("critical", "writer")
    ]  # fmt: skip
    assert records[1]["message"] == f"a warning: {HOSTILE}"
    assert "ValueError: a\r\nFAKE" in records[2]["traceback"]
    (request,) = map(json.loads, requests)
    assert (request["path"], request["status"], request["level"]) == (HOSTILE, 200, "info")
    assert not set("".join((*requests, *lines))) & set("\u2028\x85\x7f")


def test_levels_leave_out_what_is_less_severe() -> None:
    """(18) error shows errors alone."""
    _, lines = logged(log_level="error")
    assert [line.split(" ")[1] for line in lines if not line.startswith(("    ", "a record"))] == ["ERROR", "CRITICAL"]


@pytest.mark.parametrize("settings", [{"log_format": "xml"}, {"log_level": "loud"}])
def test_an_unknown_format_or_level_is_refused(settings: dict[str, str]) -> None:
    """(18) With the choice there is."""
    with pytest.raises(UsageError, match="must be one of"):
        start_logging("main", Settings(**settings))  # type: ignore[arg-type]
