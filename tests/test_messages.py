"""Requests: parts that are computed when they are first needed are those of Werkzeug."""

from __future__ import annotations

import io
import random

import pytest
import werkzeug.wrappers

from citygraph.web.http.messages import Request

_PARTS = ("method", "path", "root_path", "scheme", "server", "query_string", "remote_addr", "url", "full_path", "host")


@pytest.mark.parametrize("seed", range(20))
def test_every_part_is_that_of_werkzeug(seed: int) -> None:
    """Whatever the order in which they are read (12, acceptance; 16 §1)."""
    draw = random.Random(seed)  # noqa: S311
    environ = {
        "REQUEST_METHOD": draw.choice(["GET", "get", "POST", "OPTIONS"]),
        "PATH_INFO": draw.choice(["", "/", "//x", "/sparql", "/doc/city/\xc3\xa7e\xc5\x9fme", "/\xff", "x/y "]),
        "SCRIPT_NAME": draw.choice(["", "/", "/releases/1", "/\xc3\xa7/"]),
        "QUERY_STRING": draw.choice(["", "query=ASK%20%7B%7D", "a=\xc3\xa7&a=2"]),
        "wsgi.url_scheme": draw.choice(["http", "https"]),
        "wsgi.input": io.BytesIO(),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": draw.choice(["80", "8000"]),
        "HTTP_HOST": draw.choice(["graph.example", "graph.example:8000"]),
        "HTTP_ACCEPT": "text/turtle",
        **draw.choice([{}, {"REMOTE_ADDR": "192.0.2.1"}]),
    }
    plain = werkzeug.wrappers.Request(dict(environ))
    request = Request(dict(environ))
    for part in draw.sample(_PARTS, len(_PARTS)):
        assert getattr(request, part) == getattr(plain, part), part
    assert dict(request.headers) == dict(plain.headers)
    assert request.args == plain.args


def test_an_unknown_part_is_an_attribute_error() -> None:
    """`hasattr`, which libraries use, works as for other objects (16 §1)."""
    request = Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
    assert not hasattr(request, "scheme_of")
    assert "werkzeug.request" not in request.environ
