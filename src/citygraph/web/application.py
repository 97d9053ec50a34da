"""What a web process of `citygraph serve` runs."""

from __future__ import annotations

from flask import Flask

from citygraph.release import Releases
from citygraph.settings import read_settings
from citygraph.sparql.engine import Engines
from citygraph.web import create_app


def application() -> Flask:
    """The application of one web process, from the settings that `citygraph serve` handed on."""
    settings = read_settings()
    return create_app(settings, Releases(settings.releases), Engines(settings))
