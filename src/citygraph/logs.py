"""The logs of all processes: one line for each record, as text or JSON, with the name of the process."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from citygraph.errors import UsageError
from citygraph.settings import Settings

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
# The key of a record's own fields, which JSON has as members and text as name=value.
FIELDS = "citygraph_fields"
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2
# Characters that a terminal or a line reader could interpret as a line end or a command (Unicode: Cc, Zl, Zp; bidi).
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Characters that JSON need not escape, but some readers of lines take for the end of one.
_JSON_BREAKING = re.compile("[\x7f-\x9f\u2028\u2029]")

requests = logging.getLogger("citygraph.requests")


def start_logging(process: str, settings: Settings) -> None:
    """Sends the log of this process to standard error, and its lines about requests to standard output.

    Raises UsageError for an unknown format or level.
    """
    formatter = _formatter(process, settings.log_format)
    level = _one_of("CITYGRAPH_LOG_LEVEL", settings.log_level, LEVELS).upper()
    logging.basicConfig(level=level, handlers=[_LineHandler(_STANDARD_ERROR, formatter)], force=True)
    requests.handlers = [_LineHandler(_STANDARD_OUTPUT, formatter)]
    requests.propagate = False
    requests.setLevel(logging.INFO)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda given: _log_uncaught(given.exc_type, given.exc_value, given.exc_traceback)


def log_request(text: str, fields: Mapping[str, Any]) -> None:
    """Logs a request: `text` for people, with the same values as `fields`."""
    requests.info("%s", text, extra={FIELDS: fields})


def one_line(text: str) -> str:
    """Returns a text without characters that end a line or control a terminal: they are escaped as in Python."""
    return _BREAKING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _formatter(process: str, name: str) -> logging.Formatter:
    formats = {"text": _TextFormatter, "json": _JsonFormatter}
    return formats[_one_of("CITYGRAPH_LOG_FORMAT", name, FORMATS)](process)


def _one_of(variable: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise UsageError(f"{variable} is {value!r}: it must be one of {', '.join(values)}")
    return value


class _LineHandler(logging.Handler):
    """Writes each record in one call, so that lines of several processes do not mix."""

    def __init__(self, descriptor: int, formatter: logging.Formatter) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
        except (TypeError, ValueError):
            # A message that does not fit its arguments is an error in our code, and no reason to fail a request.
            data = f"a record of {one_line(record.name)} cannot be formatted\n".encode()
        # The reader of the log may have gone.
        with suppress(OSError):
            os.write(self._descriptor, data)


class _TextFormatter(logging.Formatter):
    """Formats `time LEVEL process: message`. Further lines, those of a traceback, are indented."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {self._process}: {one_line(record.getMessage())}"
        if trace := _traceback(self, record):
            line += "".join(f"\n    {one_line(one)}" for one in trace.splitlines())
        return line


class _JsonFormatter(logging.Formatter):
    """Formats an object of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        members: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if trace := _traceback(self, record):
            members["traceback"] = trace
        text = json.dumps(members, ensure_ascii=False, default=str)
        return _JSON_BREAKING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("citygraph").critical("uncaught exception", exc_info=(kind, error, trace))
