"""Kills what commits, builds and serves at random moments, and looks at what is left.

    python -m tests.kills --rounds 200 --seed 7

Each round kills one of: the process that commits, the writer, a build, the whole server, its main process alone.
Meanwhile clients write and note what was acknowledged. Then every acknowledged commit must be there, none that was
not may be half there or there twice, the manifest must fit the store, and the server must take the next commit by
itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Store

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.index.names import is_readable
from citygraph.rdf.nquads import SetDigest
from citygraph.rdf.terms import GRAPH, RDFS
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from tests.running import free_port
from tests.small import REPOSITORY, build_small

KINDS = ("batch", "writer", "build", "server", "parent")
# After these the server is started again; for the last one its children must have ended by themselves.
_WHOLE = ("server", "parent")
_CLIENTS = 3
_COUNTER = NamedNode("urn:x-kills:counter")
_VALUE = NamedNode("urn:x-kills:value")
_UP_AGAIN = 60.0
# Adds to a number and says two things of a node: so much of it twice, or half, is seen.
_UPDATE = """DELETE {{ GRAPH graph:kills {{ <urn:x-kills:counter> <urn:x-kills:value> ?old }} }}
INSERT {{ GRAPH graph:kills {{ <urn:x-kills:counter> a <urn:x-kills:Number> ; <urn:x-kills:value> ?new .
    <urn:x-kills:{0}> a <urn:x-kills:Number> ; <urn:x-kills:value> {0} ; rdfs:comment "{0}"@en . }} }}
WHERE {{ OPTIONAL {{ GRAPH graph:kills {{ <urn:x-kills:counter> <urn:x-kills:value> ?old }} }}
    BIND(COALESCE(?old, 0) + 1 AS ?new) }}
"""


@dataclass
class Ground:
    """A folder with files, releases and a server on them, and what its clients were told."""

    folder: Path
    random: random.Random
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    sent: int = 0
    acknowledged: set[int] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _resting: threading.Event = field(default_factory=threading.Event)

    @property
    def releases(self) -> Releases:
        """Those of the server."""
        return Releases(self.folder / "releases")

    def environment(self) -> dict[str, str]:
        """Of all that is started here."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        settings = Settings(data=self.folder / "data", releases=self.folder / "releases", port=self.port, engines=1,
                            workers=1, tokens=self.folder / "tokens.json", audit=self.folder / "audit.jsonl",
                            ontology=REPOSITORY / "ontology", queries=REPOSITORY / "queries")  # fmt: skip
        return {**os.environ, **settings.as_environment(), "TMPDIR": str(self.folder / "tmp")}

    def make(self) -> None:
        """Build the first release, make a token, start the server."""
        build_small(self.folder)
        self.token = Tokens(self.folder / "tokens.json").make(TokenHolder("killer"))
        self.start()

    def start(self) -> None:
        """Start the server as a user would, with nothing done by hand before."""
        command = [sys.executable, "-m", "citygraph.cli", "serve"]
        self.process = subprocess.Popen(command, env=self.environment(), start_new_session=True)

    def stop(self) -> None:
        """End the server cleanly."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    # clients

    def write(self) -> bool:
        """Send one update; whether it was acknowledged."""
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
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/sparql-update"}
        headers["X-Request-Id"] = name
        try:
            connection.request("POST", "/update", text.encode(), headers)
            reply = connection.getresponse()
            return reply.status if reply.read() else 0
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _keep_writing(self, pause: float) -> None:
        while not self._resting.is_set():
            self.write()
            time.sleep(pause)

    # kills

    def round(self, kind: str) -> None:
        """Write from several sides, kill at a random moment, and wait until a commit is taken again."""
        self._resting.clear()
        # A build that races with commits only loses: let it be alone in half of its rounds.
        alone = kind == "build" and self.random.random() < 0.5
        threads = [threading.Thread(target=self._keep_writing, args=(0.02,)) for _ in range(0 if alone else _CLIENTS)]
        for thread in threads:
            thread.start()
        self._kill_build() if kind == "build" else self._kill(kind)
        self._resting.set()
        for thread in threads:
            thread.join()
        if kind in _WHOLE:
            self.start()
        self._wait_for_a_commit()

    def _kill(self, kind: str) -> None:
        assert self.process is not None
        time.sleep(self.random.uniform(0.0, 0.8))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            victims = list(self._victims(kind))
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed[kind] += 1
            if victims:
                break
        if kind in _WHOLE:
            self.process.wait()

    def _victims(self, kind: str) -> Iterator[int]:
        """The processes to kill; there is a batch only while a commit is under way."""
        assert self.process is not None
        below = list(descendants(self.process.pid))
        if kind in _WHOLE:
            yield from (self.process.pid, *(below if kind == "server" else ()))
            return
        writers = [pid for pid in below if b"citygraph.commit.writer" in command(pid)]
        for pid in writers:
            is_batch = parent(pid) in writers
            if is_batch == (kind == "batch"):
                if is_batch:
                    time.sleep(self.random.uniform(0.0, 0.4))
                yield pid

    def _kill_build(self) -> None:
        done = [sys.executable, "-m", "citygraph.cli", "build", "--force", "--quiet"]
        build = subprocess.Popen(done, env=self.environment(), stderr=subprocess.DEVNULL, start_new_session=True)
        with suppress(subprocess.TimeoutExpired):
            build.wait(self.random.uniform(0.3, 4.5))
        with suppress(ProcessLookupError):
            os.killpg(build.pid, signal.SIGKILL)
            self.killed["build"] += build.poll() is None
        build.wait()

    def _wait_for_a_commit(self) -> None:
        deadline = time.monotonic() + _UP_AGAIN
        while not self.write():
            assert time.monotonic() < deadline, f"no commit was taken for {_UP_AGAIN:g} s: {self.statuses}"
            time.sleep(0.1)

    # what is left

    def check(self) -> None:
        """Hold what is there against what was told; a commit has been taken since the kill."""
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
        """Each acknowledged commit has a line, and no line is torn."""
        lines = [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]
        published = {line["request_id"] for line in lines if line["outcome"] == "published"}
        assert {f"update-{number}" for number in self.acknowledged} <= published

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
        """All releases follow each other; nothing else lies in the folder but what a living process stages."""
        history = self.releases.history()
        assert [one.manifest.parent for one in history] == [*(one.id for one in history[1:]), None]
        names = {path.name for path in self.releases.root.iterdir()}
        odd = names - {one.id for one in history} - {"current", ".lock", ".writing", ".patterns.json", ".results"}
        assert {name for name in odd if not name.startswith((".serving-", ".staging-"))} == set()
        assert self.releases.sweep() == 0, "the commit after the kill has not swept"

    def leavings(self) -> list[str]:
        """What lies in the folders of a server that ended cleanly and should not."""
        left = [path.name for path in self.releases.root.glob(".s*ing-*")]
        return left + [path.name for path in (self.folder / "tmp").iterdir()]


def descendants(pid: int) -> Iterator[int]:
    """The processes below one."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, path.read_text().split()):
                yield from (child, *descendants(child))


def command(pid: int) -> bytes:
    """The command line of a process; empty if it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def parent(pid: int) -> int:
    """The process above one; 0 if it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def run(folder: Path, rounds: int, seed: int, kinds: tuple[str, ...] = KINDS, pruned: int = 40) -> Ground:
    """So many rounds, each kind in turn, each looked at."""
    ground = Ground(folder, random.Random(seed))  # noqa: S311 - it chooses moments
    ground.make()
    try:
        ground._wait_for_a_commit()
        for number in range(rounds):
            ground.round(kinds[number % len(kinds)])
            try:
                ground.check()
            except AssertionError as error:
                raise AssertionError(f"round {number} ({kinds[number % len(kinds)]}), seed {seed}: {error}") from error
            if number % pruned == pruned - 1:
                print(json.dumps(told(ground, number + 1)), flush=True)  # noqa: T201
    finally:
        ground.stop()
    assert ground.leavings() == []
    return ground


def told(ground: Ground, rounds: int) -> dict[str, object]:
    """The figures of a run."""
    return {
        "rounds": rounds,
        "killed": dict(ground.killed),
        "sent": ground.sent,
        "acknowledged": len(ground.acknowledged),
        "statuses": {str(status): count for status, count in sorted(ground.statuses.items())},
        "releases": len(ground.releases.history()),
    }


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        ground = run(Path(folder), asked.rounds, asked.seed, tuple(asked.kinds.split(",")))
        print(json.dumps(told(ground, asked.rounds)))  # noqa: T201


if __name__ == "__main__":
    main()
