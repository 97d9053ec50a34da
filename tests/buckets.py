"""S3-compatible storage on loopback: a moto server, and the variables by which citygraph finds it."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

BUCKET = "city-graph"
SECRET = "secret-that-nobody-may-see"


@contextmanager
def bucket_server() -> Iterator[int]:
    """A server with an empty bucket, in threads of this process; the port on which it listens."""
    server = pytest.importorskip("moto.server", reason="storage on loopback needs moto").ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server(ip_address="127.0.0.1", port=0, verbose=False)
    # A result of the store may only be released by the thread that made it, not by one of the server's.
    gc.collect()
    running.start()
    try:
        port: int = running.get_host_and_port()[1]
        make_bucket(port)
        yield port
    finally:
        running.stop()


def make_bucket(port: int, name: str = BUCKET) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{name}")
    assert connection.getresponse().status == 200
    connection.close()


def variables(port: int) -> dict[str, str]:
    """What a process needs in its environment to reach the bucket."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key-of-a-test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def without_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
