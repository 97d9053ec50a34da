"""A server on a small graph, its clients, what they were told, and what must be true of the releases afterwards."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode, Store

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.index.names import is_readable
from citygraph.rdf.nquads import SetDigest
from citygraph.rdf.terms import GRAPH, RDFS
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from tests.kills.clients import Client, Commits, Documents, Queries, is_ready
from tests.process_tree import command, descendants, family, identity, still_runs
from tests.running import PATIENCE, free_port, wait_for
from tests.small import REPOSITORY, build_small

_UP_AGAIN = 120.0
# A line that a web process was killed before it wrote is written by then.
_LINE_WRITTEN = timedelta(seconds=90)
_COUNTER = NamedNode("urn:x-kills:counter")
_VALUE = NamedNode("urn:x-kills:value")
# Adds to a number and says two things of a node: so much of it twice, or half, is seen.
_UPDATE = """DELETE {{ GRAPH graph:kills {{ <urn:x-kills:counter> <urn:x-kills:value> ?old }} }}
INSERT {{ GRAPH graph:kills {{ <urn:x-kills:counter> a <urn:x-kills:Number> ; <urn:x-kills:value> ?new .
    <urn:x-kills:{0}> a <urn:x-kills:Number> ; <urn:x-kills:value> {0} ; rdfs:comment "{0}"@en . }} }}
WHERE {{ OPTIONAL {{ GRAPH graph:kills {{ <urn:x-kills:counter> <urn:x-kills:value> ?old }} }}
    BIND(COALESCE(?old, 0) + 1 AS ?new) }}
"""
# As a service manager does, sd_listen_fds(3).
_PASS_LISTENER = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])"""


@dataclass
class Ground:
    """A folder with files, releases and a server on them, and what its clients were told.

    With a `listener`, the server gets it as from a service manager, so that connections wait while it is restarted.
    """

    folder: Path
    random: random.Random
    workers: int = 2
    engines: int = 2
    queue_wait: float = Settings.queue_wait
    port: int = field(default_factory=free_port)
    listener: socket.socket | None = None
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    sent: int = 0
    acknowledged: set[int] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def listen(self) -> None:
        """Listens for the server, as a service manager does."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)

    @property
    def releases(self) -> Releases:
        """Those of the server."""
        return Releases(self.folder / "releases")

    @property
    def pid(self) -> int:
        """The main process."""
        assert self.process is not None
        return self.process.pid

    def environment(self) -> dict[str, str]:
        """Of all that is started here."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        # Each release has a counting store, so that there is a process that writes it.
        settings = Settings(data=self.folder / "data", releases=self.folder / "releases", port=self.port,
                            workers=self.workers, engines=self.engines, counting_triples=1, queue_wait=self.queue_wait,
                            tokens=self.folder / "tokens.json", audit=self.folder / "audit.jsonl",
                            ontology=REPOSITORY / "ontology", queries=REPOSITORY / "queries")  # fmt: skip
        return {**os.environ, **settings.as_environment(), "TMPDIR": str(self.folder / "tmp")}

    def make(self) -> None:
        """Builds the first release, makes a token, starts the server and waits for the first commit."""
        build_small(self.folder)
        self.token = Tokens(self.folder / "tokens.json").make(TokenHolder("killer"))
        self.start()
        self.wait_for_a_commit()

    def start(self) -> None:
        """Starts the server as a user would, with nothing done by hand before."""
        arguments = [sys.executable, "-m", "citygraph.cli", "serve"]
        descriptors = []
        if self.listener is not None:
            descriptors = [self.listener.fileno()]
            arguments = [sys.executable, "-c", _PASS_LISTENER, str(descriptors[0]), *arguments]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                arguments,
                env=self.environment(),
                start_new_session=True,
                stdout=log,
                stderr=log,
                pass_fds=descriptors,
            )

    def stop(self) -> None:
        """Ends the server cleanly."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        if self.listener is not None:
            self.listener.close()

    # clients

    def write(self) -> bool:
        """Sends one update; whether it was acknowledged."""
        with self._lock:
            self.sent += 1
            number = self.sent
        status = self._post(_UPDATE.format(number), f"update-{number}")
        with self._lock:
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.add(number)
        return status == 200

    def _post(self, text: str, name: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sparql-update"}
        headers["X-Request-Id"] = name
        try:
            connection.request("POST", "/update", text.encode(), headers)
            reply = connection.getresponse()
            body = reply.read()
            if reply.status >= 500:
                self.errors[json.loads(body)["detail"]] += 1
            return reply.status if body else 0
        except (OSError, http.client.HTTPException, ValueError):
            return 0
        finally:
            connection.close()

    def wait_for_a_commit(self) -> None:
        """Waits until an update is acknowledged."""
        deadline = time.monotonic() + _UP_AGAIN
        while not self.write():
            assert time.monotonic() < deadline, f"no commit was taken for {_UP_AGAIN:g} s: {self.why()}"
            time.sleep(0.1)

    @contextmanager
    def writers(self, count: int, pause: float = 0.02) -> Iterator[None]:
        """Writes from so many sides during the block."""
        resting = threading.Event()

        def keep_writing() -> None:
            while not resting.wait(pause):
                self.write()

        threads = [threading.Thread(target=keep_writing) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            resting.set()
            for thread in threads:
                thread.join()

    @contextmanager
    def load(self, documents: int = 3, queries: int = 3, commits: int = 2) -> Iterator[list[Client]]:
        """Clients that behave well, during the block: by default eight."""
        resting = threading.Event()
        clients: list[Client] = [
            *(Documents(self.port, resting) for _ in range(documents)),
            *(Queries(self.port, resting, number) for number in range(queries)),
            *(Commits(self.port, resting, number, self.token) for number in range(commits)),
        ]
        for client in clients:
            client.start()
        try:
            yield clients
        finally:
            resting.set()
            for client in clients:
                client.join()

    # kills

    def kill(self, pid: int, kind: str) -> list[tuple[int, str]]:
        """Kills a process with SIGKILL. Returns the processes below it, which must end within two seconds."""
        below = [identity(child) for child in descendants(pid)]
        os.kill(pid, 9)
        self.killed[kind] += 1
        return below

    def is_complete(self) -> bool:
        """Whether each kind of process is there as often as it should be, and the site says that it is ready."""
        kinds = family(self.pid)
        wanted = {"web": self.workers, "host": 1, "supervisor": 1, "engine": self.engines, "writer": 1}
        return all(len(kinds[kind]) >= count for kind, count in wanted.items()) and is_ready(self.port)

    # what is left

    def check(self) -> None:
        """Compares what is there with what was told; a commit has been acknowledged since the last kill."""
        release = self.releases.current()
        store = release.open_store()
        self._check_commits(store)
        digest = SetDigest()
        counts = {}
        for graph in store.named_graphs():
            assert isinstance(graph, NamedNode)
            counts[graph.value] = digest.add(store.quads_for_pattern(None, None, None, graph))
        assert (digest.hex, counts) == (release.manifest.digest, release.manifest.graphs)
        assert is_readable(release.path / "search.sqlite")
        self._check_history()
        self._check_audit_log()

    def _check_audit_log(self) -> None:
        """Checks that each acknowledged commit has a line, that each other has one in time, and that none is torn."""
        lines = self._audit_lines()
        published = [line for line in lines if line["outcome"] == "published"]
        assert {f"update-{number}" for number in self.acknowledged} <= {line.get("request_id") for line in published}
        early = f"{datetime.now(UTC) - _LINE_WRITTEN:%Y-%m-%dT%H:%M:%SZ}"
        old = [
            record["id"] for one in self.releases.history() for record in one.manifest.commits if record["time"] < early
        ]
        # One that changed nothing beside others of its release has a line with another outcome.
        wait_for(lambda: {line.get("change") for line in self._audit_lines()}.issuperset(old))
        changes = Counter(line.get("change") for line in self._audit_lines())
        assert [change for change in old if changes[change] != 1] == []

    def _audit_lines(self) -> list[dict[str, Any]]:
        parts = self.folder.glob("audit.jsonl*")
        return [json.loads(line) for part in parts for line in part.read_text().splitlines()]

    def _check_commits(self, store: Store) -> None:
        values = {quad.subject: quad.object for quad in store.quads_for_pattern(None, _VALUE, None, GRAPH("kills"))}
        counter = values.pop(_COUNTER)
        notes = {quad.subject for quad in store.quads_for_pattern(None, RDFS("comment"), None, GRAPH("kills"))}
        present = {int(value.value) for value in values.values() if isinstance(value, Literal)}
        assert self.acknowledged <= present, f"lost: {sorted(self.acknowledged - present)}"
        assert notes == set(values), "one is half there"
        assert isinstance(counter, Literal)
        assert int(counter.value) == len(present), "one was done twice, or another's was overwritten"

    def _check_history(self) -> None:
        """All releases follow each other; nothing else is in the folder but what a living process stages."""
        history = self.releases.history()
        assert [one.manifest.parent for one in history] == [*(one.id for one in history[1:]), None]
        names = {path.name for path in self.releases.root.iterdir()}
        odd = (
            names
            - {one.id for one in history}
            - {"current", ".lock", ".writing", ".building", ".patterns.json", ".results"}
        )
        assert {name for name in odd if not name.startswith((".serving-", ".staging-"))} == set()
        assert self.releases.sweep() == 0, "the commit after the kill has not swept"

    def why(self) -> str:
        """What to say if the server does not do what it should."""
        assert self.process is not None
        log = (self.folder / "server.log").read_text(errors="replace")
        return f"{dict(self.statuses)}, exit status {self.process.poll()}, the log ends with:\n{log[-2000:]}"

    def leavings(self) -> list[str]:
        """What is in the folders of a server that ended cleanly and should not be."""
        left = [path.name for path in self.releases.root.glob(".s*ing-*")]
        return left + [path.name for path in (self.folder / "tmp").iterdir()]

    def figures(self) -> dict[str, object]:
        """The figures of a run."""
        return {
            "kills": sum(self.killed.values()),
            "killed": dict(sorted(self.killed.items())),
            "sent": self.sent,
            "acknowledged": len(self.acknowledged),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "errors": dict(self.errors),
            "releases": len(self.releases.history()),
        }


def wait_until_ended(processes: list[tuple[int, str]], seconds: float = 2.0) -> None:
    """Waits until these processes have ended. Raises AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while alive := [process for process in processes if still_runs(process)]:
        lines = [command(pid)[-200:] for pid, _ in alive]
        assert time.monotonic() < deadline, f"these outlive their parent by more than {seconds:g} s: {lines}"
        time.sleep(0.02)
