"""Three servers that follow a publisher, behind nginx with a shared cache, while releases come and storage fails."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context

import pytest

from citygraph.errors import Conflict
from citygraph.progress import Progress
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.storage.object_folder import ObjectFolder, key_of, open_folder, stored_files
from citygraph.storage.pulling import pull
from citygraph.storage.pushing import push
from citygraph.storage.release_pointer import RELEASES
from citygraph.web.application import create_app
from tests.buckets import BUCKET, make_bucket, variables
from tests.proxy import NGINX
from tests.running import Running, free_port, serving
from tests.small import build_small, publish_name
from tests.test_deployment import deployed

pytestmark = [
    pytest.mark.operations,
    pytest.mark.timeout(600),
    pytest.mark.skipif(NGINX is None, reason="NGINX IS NOT INSTALLED: servers behind a cache are not tested"),
]

HEADER = "X-Citygraph-Release"
QUERY = "/sparql?query=SELECT+(COUNT(*)+AS+?n){GRAPH+graph:notes{?s+?p+?o}}"
PATHS = {
    "/doc/city/izmir.ttl": "text/turtle",
    "/doc/city/izmir": "text/html",
    "/doc/city/izmir.jsonld": "application/ld+json",
    "/doc/agreement/izmir-bremen.nt": "*/*",
    "/releases.json": "application/json",
    "/dataset": "text/html",
    "/search?q=izmir": "text/html",
    QUERY: "text/csv",
}
RELEASES_PUBLISHED = 10


@dataclass
class Line:
    """A network between servers and storage that can be slow or cut."""

    port: int
    delay: float = 0.0
    is_cut: bool = False


def _copied(line: Line, source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while (data := source.recv(65536)) and not line.is_cut:
            time.sleep(line.delay)
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def _connected(line: Line, client: socket.socket, upstream: int) -> None:
    with client, socket.create_connection(("127.0.0.1", upstream)) as server:
        back = threading.Thread(target=_copied, args=(line, server, client), daemon=True)
        back.start()
        _copied(line, client, server)
        back.join()


@contextmanager
def line_to(upstream: int) -> Iterator[Line]:
    """Passes connections on to a port; when the line is cut, present ones are closed and new ones are refused."""
    listener = socket.create_server(("127.0.0.1", 0))
    line, done = Line(listener.getsockname()[1]), threading.Event()

    def accept() -> None:
        while not done.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                if line.is_cut:
                    client.close()
                    continue
                threading.Thread(target=_connected, args=(line, client, upstream), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield line
    finally:
        done.set()
        listener.close()


@contextmanager
def storage(folder: Path) -> Iterator[int]:
    """S3-compatible storage as a process of its own."""
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        code = "from moto.server import main; main()"
        process = subprocess.Popen([sys.executable, "-c", code, "-p", str(port)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError):
                make_bucket(port)
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


@dataclass
class Readers:
    """Clients that read without pause; each answer is noted by address, release and digest of its body."""

    port: int
    seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    cached: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def reading(self, clients: int) -> Iterator[None]:
        done = threading.Event()
        threads = [threading.Thread(target=self._read, args=(number, done)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _read(self, number: int, done: threading.Event) -> None:
        chance = random.Random(number)  # noqa: S311
        connection = HTTPSConnection("127.0.0.1", self.port, context=trusting())
        while not done.is_set():
            path = chance.choice(list(PATHS))
            # Half of the requests are new to the cache, which holds a variant for each value of these headers.
            weight = f";q=0.{chance.randrange(1, 10**9)}" if chance.random() < 0.5 else ""
            headers = {
                "Accept": PATHS[path] + weight,
                "Accept-Language": f"en{weight}",
                "Accept-Encoding": "identity",
            }
            try:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                body = response.read()
            except OSError as error:
                self.wrong.append(f"{path}: {error!r}")
                connection.close()
                continue
            if response.status != 200:
                self.wrong.append(f"{path}: {response.status} {body[:200]!r}")
            self.seen[path, response.headers[HEADER] or "", hashlib.sha256(body).hexdigest()] += 1
            self.cached[response.headers["X-Cache"] or ""] += 1
        connection.close()


def trusting() -> SSLContext:
    context = create_default_context()
    context.check_hostname, context.verify_mode = False, CERT_NONE
    return context


def truth(releases: Releases, port: int, number: int) -> dict[str, str]:
    """The digest of each body that the current release answers, made without any server."""
    client = create_app(Settings(releases=releases.root, trusted_proxies=1), releases).test_client()
    found = {QUERY: hashlib.sha256(f"n\r\n{number}\r\n".encode()).hexdigest()}
    for path, accept in PATHS.items():
        if path != QUERY:
            headers = {
                "Accept": accept,
                "Accept-Language": "en",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": f"127.0.0.1:{port}",
            }
            answer = client.get(path, headers=headers)
            assert answer.status_code == 200, path
            found[path] = hashlib.sha256(answer.data).hexdigest()
    return found


def current_of(server: Running) -> str:
    headers = {name.lower(): value for name, value in server.get("/doc/city/izmir.nt").headers.items()}
    return headers[HEADER.lower()]


def faults(folder: ObjectFolder, line: Line, publisher: Releases, other: Releases) -> list[Callable[[], None]]:
    """What goes wrong after each publication; each ends by itself, with all of it made good."""

    def away() -> None:
        line.is_cut = True
        time.sleep(4)
        line.is_cut = False

    def slow() -> None:
        line.delay = 0.3
        time.sleep(4)
        line.delay = 0.0

    def partial_copy() -> None:
        record = folder.read_record(RELEASES, publisher.current_id())
        folder.remove_record(RELEASES, publisher.current_id())
        time.sleep(3)
        folder.write_record(RELEASES, publisher.current_id(), record)

    def wrong_digest() -> None:
        files = stored_files(folder.read_record(RELEASES, publisher.current_id())["files"])
        file = next(one for one in files if one.path == "manifest.json")
        good = (publisher.current().path / "manifest.json").read_bytes()
        folder.store.put(key_of(file.sha256), [good.replace(b"quads", b"quods")])
        time.sleep(3)
        folder.store.put(key_of(file.sha256), [good])

    def two_writers() -> None:
        publish_name(other, 1000)
        with pytest.raises(Conflict):
            push(other, folder, Progress())

    return [away, slow, partial_copy, wrong_digest, two_writers]


@pytest.mark.parametrize("kind", ["bucket", "folder"])
def test_three_servers_never_fail_and_never_mix_releases(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) Ten releases under load; storage is away, slow, half copied, damaged, and written to by two."""
    for name in ("publisher", "nginx"):
        (tmp_path / name).mkdir()
    build_small(tmp_path / "publisher")
    publisher, other = Releases(tmp_path / "publisher" / "releases"), Releases(tmp_path / "other")
    with ExitStack() as stack:
        port = stack.enter_context(storage(tmp_path)) if kind == "bucket" else 0
        line = stack.enter_context(line_to(port))
        for name, value in variables(port).items():
            monkeypatch.setenv(name, value)
        address = f"s3://{BUCKET}/releases" if kind == "bucket" else str(tmp_path / "published")
        folder = open_folder(address, private=False)
        push(publisher, folder, Progress())
        pull(other, folder, Progress())
        # The servers have the line between themselves and the storage.
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{line.port}")
        settings = {"follow": address, "follow_interval": 0.5, "workers": 1, "engines": 1, "trusted_proxies": 1}
        servers = [
            stack.enter_context(serving(tmp_path / f"server{number}", tmp_path / f"log{number}", **settings))
            for number in range(3)
        ]
        proxy = stack.enter_context(deployed(tmp_path / "nginx", *servers))
        truths = {publisher.current_id(): truth(publisher, proxy.port, 0)}
        readers = Readers(proxy.port)
        breaking = faults(folder, line, publisher, other)
        with readers.reading(3):
            time.sleep(2)
            for number in range(1, RELEASES_PUBLISHED + 1):
                release = publish_name(publisher, number)
                truths[release] = truth(publisher, proxy.port, number)
                push(publisher, folder, Progress())
                if kind == "bucket" or number % len(breaking) > 1:
                    breaking[number % len(breaking)]()
                time.sleep(2)
            deadline = time.monotonic() + 60
            while {current_of(server) for server in servers} != {publisher.current_id()}:
                assert time.monotonic() < deadline, [current_of(server) for server in servers]
                time.sleep(0.5)
            time.sleep(2)
    for number in range(3):
        print((tmp_path / f"log{number}").read_text())  # noqa: T201
    assert readers.wrong == []
    mixed = [one for one in readers.seen if truths.get(one[1], {}).get(one[0]) != one[2]]
    assert mixed == []
    releases = {release for _, release, _ in readers.seen}
    print(os.linesep, kind, sum(readers.seen.values()), "answers of", len(releases), "releases", dict(readers.cached))  # noqa: T201
    assert publisher.current_id() in releases
    assert len(releases) > RELEASES_PUBLISHED / 2
    assert readers.cached["HIT"] > 0
