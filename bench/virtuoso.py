"""Virtuoso 7 of Debian (virtuoso-opensource-7-bin), with the default graph of a release in a database of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

from bench.connection import Connection, Endpoint
from bench.dataset import write_default_graph
from bench.processes import NotReady, free_port, running
from citygraph.release.releases import Release
from citygraph.stores.store_service import StoreAddresses

PROGRAM, _CLIENT = "virtuoso-t", "isql-vt"
GRAPH = "http://bench.example/"
# Without it, its own graphs are queried too.
PARAMETERS = f"default-graph-uri={quote_plus(GRAPH)}&"
# Of 8 KiB, for two gigabytes of data, as its manual recommends for four gigabytes of memory and more.
_BUFFERS = 170_000
# Queries have no time limit.
_CONFIGURATION = """[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
[TempDatabase]
DatabaseFile = {folder}/temporary.db
TransactionFile = {folder}/temporary.trx
[Parameters]
ServerPort = {sql}
DisableUnixSocket = 1
ServerThreads = 20
NumberOfBuffers = {buffers}
MaxDirtyBuffers = {dirty}
DirsAllowed = {data}
CheckpointInterval = 0
[HTTPServer]
ServerPort = {port}
ServerRoot = {folder}
ServerThreads = 20
[SPARQL]
ResultSetMaxRows = {rows}
"""
_LOAD = "ld_add('{path}', '{graph}');\nrdf_loader_run();\ncheckpoint;\n"


def missing() -> str:
    """Returns why Virtuoso cannot take part, or nothing."""
    absent = [name for name in (PROGRAM, _CLIENT) if not shutil.which(name)]
    return f"{', '.join(absent)} not found: apt-get install virtuoso-opensource-7-bin" if absent else ""


def version() -> str:
    """Returns the version of the installed server."""
    text = subprocess.run((PROGRAM, "-?"), check=False, capture_output=True, text=True)
    found = re.search(r"Version ([\w.]+)", text.stdout + text.stderr)
    return found[1] if found else "unknown"


def command(release: Release, port: int) -> tuple[str, ...]:
    """Returns the command of a server on this port, after the data are loaded; they are kept for the next run."""
    triples = write_default_graph(release).absolute()
    folder = triples.with_suffix(".virtuoso")
    sql = free_port()
    if not (folder / "loaded").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _load(folder, triples, port, sql, release.manifest.triples)
        (folder / "loaded").touch()
    return _command(folder, triples, port, sql)


@dataclass(frozen=True)
class VirtuosoStore:
    """A running server: its addresses for SPARQL, its port for SQL, its process, and its database."""

    addresses: StoreAddresses
    sql: int
    pid: int
    folder: Path

    def load(self, files: Path, loaders: int = 2) -> None:
        """Loads the files of a release that are in the folder which the server may read, as virtuoso.sh does."""
        arguments = ("sh", str(files / "virtuoso.sh"), f"127.0.0.1:{self.sql}", "dba", "dba", str(loaders))
        subprocess.run(arguments, check=True, stdout=sys.stderr)

    @property
    def size(self) -> int:
        """The bytes of the database."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())


@contextmanager
def bulk_store_server(folder: Path, files: Path, buffers: int = _BUFFERS, rows: int = 0) -> Iterator[VirtuosoStore]:
    """A server over the database in a folder, new if it is empty, which may read `files`, until the block ends.

    `buffers` are of 8 KiB each; `rows` is the number of rows at which results are cut, 0 for none.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    port, sql = free_port(), free_port()
    command = _command(folder, files.absolute() / "any", port, sql, buffers, rows)
    # After a power cut it reads its log first.
    with running(command, port, folder / "server.log", {}, 900.0) as pid:
        url = f"http://127.0.0.1:{port}/sparql"
        addresses = StoreAddresses(url, f"{url}-auth", user="dba", password="dba")  # noqa: S106 - as it is installed
        yield VirtuosoStore(addresses, sql, pid, folder)
        _run(folder, sql, "checkpoint;\nshutdown;\n")


@contextmanager
def store_server(folder: Path, buffers: int = _BUFFERS, rows: int = 0) -> Iterator[StoreAddresses]:
    """A server for queries and updates over the database in a folder, new if it is empty, until the block ends."""
    with bulk_store_server(folder, folder / "none", buffers, rows) as server:
        yield server.addresses


def _command(
    folder: Path, triples: Path, port: int, sql: int, buffers: int = _BUFFERS, rows: int = 0
) -> tuple[str, ...]:
    configuration = folder / "virtuoso.ini"
    values = {"folder": folder, "data": triples.parent, "sql": sql, "port": port}
    values |= {"buffers": buffers, "dirty": buffers * 3 // 4, "rows": rows}
    configuration.write_text(_CONFIGURATION.format(**values), encoding="utf-8")
    return (PROGRAM, "+foreground", "+configfile", str(configuration))


def _load(folder: Path, triples: Path, port: int, sql: int, expected: int) -> None:
    print(f"loading {triples.name} into Virtuoso", file=sys.stderr)
    with running(_command(folder, triples, port, sql), port, folder / "load.log", {}, 900.0):
        _run(folder, sql, _LOAD.format(path=triples, graph=GRAPH))
        endpoint = Endpoint(port, "/sparql", parameters=PARAMETERS)
        connection = Connection(endpoint, 900.0)
        reply = connection.ask(endpoint.request("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"))
        connection.close()
        count = int(json.loads(reply.body)["results"]["bindings"][0]["n"]["value"])
        if count != expected:
            raise NotReady(f"Virtuoso has {count} triples instead of {expected}")
        _run(folder, sql, "shutdown;\n")


def _run(folder: Path, sql: int, statements: str) -> None:
    """Runs statements of SQL, each on lines of its own."""
    script = folder / "statements.sql"
    script.write_text(statements, encoding="utf-8")
    arguments = (_CLIENT, f"127.0.0.1:{sql}", "dba", "dba", str(script))
    # Its status does not matter: it is an error for a server that stops, and the triples are counted.
    subprocess.run(arguments, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
