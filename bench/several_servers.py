"""Documents per second from several servers behind nginx with a shared cache: `python -m bench.several_servers --help`.

In the folder of an instance that is built. Its release is pushed to a folder, which the servers follow; nginx has the
rules for the cache that operators get (`deploy/nginx/proxy.conf`), here without TLS.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from shutil import which
from tempfile import TemporaryDirectory

from pyoxigraph import DefaultGraph, NamedNode

from bench.connection import Connection, Endpoint
from bench.load import Load, Request, measure
from bench.processes import free_port, rest, running
from citygraph.rdf.terms import ID, RDF
from citygraph.release.releases import Release, Releases

_ROOT = Path(__file__).parent.parent
_CITYGRAPH = (sys.executable, "-m", "citygraph.cli")
_PATIENCE = 120.0
_AIM = 1000
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=citygraph:20m max_size=2g use_temp_path=off;
  keepalive_requests 1000000;
  upstream citygraph {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://citygraph; include {rules}; }}
  }}
}}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints documents per second: made by a server, and repeated."""
    parser = argparse.ArgumentParser("python -m bench.several_servers", description=__doc__)
    parser.add_argument("--servers", type=int, default=3, help="servers behind nginx [3]")
    parser.add_argument("--clients", type=int, default=8, help="clients that ask without pause [8]")
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of each measurement [10]")
    parser.add_argument("--entities", type=int, default=200, help="entities whose documents are asked for [200]")
    parser.add_argument("--releases", type=Path, default=Path("var/releases"), help="releases [var/releases]")
    options = parser.parse_args(arguments)
    paths = _paths(Releases(options.releases).current(), options.entities)
    load = Load(options.clients, options.seconds)
    print(f"| {options.servers} servers, {options.clients} clients | a second (aim {_AIM}) | p99 (ms) | failed |")
    print("|---|---:|---:|---:|")
    with TemporaryDirectory() as folder, _deployed(Path(folder), options.releases, options.servers) as port:
        for what, extension, weight in (
            ("Turtle, each made anew", "ttl", True),
            ("HTML, each made anew", "html", True),
            ("Turtle, from the cache", "ttl", False),
            ("HTML, from the cache", "html", False),
        ):
            requests = [_request(port, f"{path}.{extension}", weight) for path in paths]
            if not weight:
                _fill(port, requests)
            figures = measure(Endpoint(port, "/"), requests, load)
            print(f"| {what} | {figures.rate:,.0f} | {figures.p99:.0f} | {figures.failed} |", flush=True)
    return 0


@contextmanager
def _deployed(folder: Path, releases: Path, number: int) -> Iterator[int]:
    """The port of nginx in front of so many servers that follow the current release."""
    published = str(folder / "published")
    subprocess.run([*_CITYGRAPH, "--releases", str(releases), "push", published], check=True, stdout=sys.stderr)
    with ExitStack() as stack:
        ports = [free_port() for _ in range(number)]
        for port in ports:
            environment = {**os.environ, "CITYGRAPH_PORT": str(port), "CITYGRAPH_TRUSTED_PROXIES": "1"}
            command = (*_CITYGRAPH, "--releases", str(folder / f"server{port}"), "serve", "--follow", published)
            log = folder / f"server{port}.log"
            rest(stack.enter_context(running(command, port, log, environment, _PATIENCE)), _PATIENCE)
        port = free_port()
        servers = " ".join(f"server 127.0.0.1:{one};" for one in ports)
        rules = _ROOT / "deploy" / "nginx" / "proxy.conf"
        text = _CONFIGURATION.format(folder=folder, port=port, servers=servers, rules=rules)
        (folder / "nginx.conf").write_text(text)
        nginx = which("nginx") or "/usr/sbin/nginx"
        options = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))
        stack.enter_context(running((nginx, *options), port, folder / "nginx.log", dict(os.environ), _PATIENCE))
        yield port


def _fill(port: int, requests: Sequence[Request]) -> None:
    """Asks for each document once, so that the cache has it."""
    connection = Connection(Endpoint(port, "/"), _PATIENCE)
    for request, _ in requests:
        connection.ask(request, keep=False)
    connection.close()


def _paths(release: Release, number: int) -> list[str]:
    """Paths of the documents of some entities, without extension."""
    quads = release.open_store().quads_for_pattern(None, RDF("type"), None, DefaultGraph())
    subjects = {quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)}
    # What has a number sign is a part of the document before it.
    entities = sorted(iri for iri in subjects if iri.startswith(ID) and "#" not in iri)
    return [f"/doc/{iri.removeprefix(ID)}" for iri in Random(1).sample(entities, min(number, len(entities)))]  # noqa: S311


def _request(port: int, path: str, is_new: bool) -> Request:
    """The bytes of a request; a serial number in a header makes each new to the cache."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Language: en"
    return (f"{head};q=0.".encode(), b"\r\n\r\n") if is_new else (f"{head}\r\n\r\n".encode(), b"")


if __name__ == "__main__":
    sys.exit(main())
