"""The rules for the values of settings: ranges, choices, addresses and paths."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LARGEST_PORT = 65535
# A server with 0 of one of them would start, and not respond to any request, or refuse each.
_AT_LEAST_ONE = (
    *("workers", "threads", "connections", "engines", "engine_queries", "store_queries", "reconcile_batch"),
    *("query_length", "query_depth", "query_breadth", "memory_limit", "body_limit", "write_memory_limit"),
)
_ABOVE_ZERO = ("time_limit", "write_time_limit", "follow_interval")
_CHOICES = {
    "store_mode": ("auto", "memory", "disk"),
    "stored_results": ("off", "token", "local", "anyone"),
    "log_format": ("text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}
_ADDRESSES = ("store", "store_update", "store_graphs", "wikidata_endpoint")
_PARAMETER = r"[^\s=&{}]+=(?:[^\s&{}]|\{seconds\}|\{milliseconds\})*"
_PARAMETERS = re.compile(f"{_PARAMETER}(?:&{_PARAMETER})*")
_FILES = ("tokens", "audit", "wikidata_comparison")


def requirement(name: str, value: Any) -> str:
    """Returns what the value of a setting must be, if it is not allowed; else ""."""
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else f"one of {', '.join(_CHOICES[name])}"
    if isinstance(value, int | float):
        return _of_number(name, value)
    if isinstance(value, Path):
        return _of_path(name, value)
    if name in _ADDRESSES:
        return "" if not value or is_web_address(value) else "an address that begins with https:// or http://"
    if name == "services":
        is_valid = all(map(is_web_address, value.split()))
        return "" if is_valid else "addresses that begin with https:// or http://, separated by spaces"
    if name == "store_parameters":
        is_valid = not value or _PARAMETERS.fullmatch(value) is not None
        return "" if is_valid else "parameters such as timeout={seconds} or timeout={milliseconds}, separated by &"
    return ""


def is_web_address(text: str) -> bool:
    """Returns whether a text is an absolute http or https address."""
    try:
        parts = urlsplit(text)
        # A port that is no number is found when it is read.
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_complete and not re.search(r"\s", text)


def _of_number(name: str, value: float) -> str:
    least = 1 if name in _AT_LEAST_ONE else 0
    if not math.isfinite(value) or value < least:
        return f"a number that is at least {least}"
    if name in _ABOVE_ZERO and value == 0:
        return "a number above 0"
    if name.endswith("port") and value > LARGEST_PORT:
        return f"at most {LARGEST_PORT}"
    return ""


def _of_path(name: str, path: Path) -> str:
    """Returns the rule for a path that does not fit what exists. It may not exist, because commands make it."""
    # os.path, because a folder that may not be read is no fault of the path.
    if name in _FILES and os.path.isdir(path):  # noqa: PTH112
        return "the name of a file, not of a folder"
    folders = path.parents if name in _FILES else (path, *path.parents)
    nearest = next((folder for folder in folders if os.path.exists(folder)), Path())  # noqa: PTH110
    if os.path.isdir(nearest):  # noqa: PTH112
        return ""
    return "a folder" if nearest == path else f"in a folder, but {nearest} is a file"
