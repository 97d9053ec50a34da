"""What a web process of `citygraph serve` runs."""

from __future__ import annotations

import logging
import re

from flask import Flask

from citygraph.engine.engines import Engines
from citygraph.release.releases import Releases
from citygraph.settings import read_settings
from citygraph.web import create_app

# What would begin a line, or end the quotes around an address.
_BREAKING = re.compile('[\x00-\x1f"\x7f-\x9f\u2028\u2029]')


def application() -> Flask:
    """The application of one web process, from the settings that `citygraph serve` handed on."""
    settings = read_settings()
    logging.getLogger("granian.access").addFilter(on_one_line)
    return create_app(settings, Releases(settings.releases), Engines(settings))


def on_one_line(record: logging.LogRecord) -> bool:
    """Let nobody write lines of his own into the log of requests: the server decodes the address before it logs it."""
    if isinstance(record.args, dict):
        record.args = {
            name: _escaped(value) if isinstance(value, str) else value for name, value in record.args.items()
        }
    return True


def _escaped(text: str) -> str:
    return _BREAKING.sub(lambda found: f"%{ord(found[0]):02X}", text)
