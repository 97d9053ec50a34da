"""A server for tests of writing: /sparql, /update and /graphs over a folder of releases, with one token.

    python -m tests.writing_server PORT FOLDER

With CITYGRAPH_OPEN_WRITES=1 it begins with an empty dataset, without shapes or owners, for the W3C's tests. Queries are
evaluated in the web process; what is written goes the way it always goes.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.commit.writer_client import start_writer
from citygraph.engine.engines import Answer
from citygraph.release.releases import Manifest, Releases
from citygraph.server.web_processes import listeners, run
from citygraph.settings import export_to_environment, read_settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.web import create_app

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Direct:
    """Evaluates queries in this process."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """What the engines do, without any limit."""
        out = io.BytesIO()
        result = evaluate(self._releases.get(release_id).open_store(), query)
        rows = result.write(out)
        return Answer(result.format, out.getvalue(), 0.001, rows, release_id)


def make_app() -> WSGIApplication:
    """The application."""
    settings = read_settings()
    releases = Releases(settings.releases)
    return create_app(settings, releases, Direct(releases)).wsgi_app


def main(port: int, folder: Path) -> None:
    """Serve until SIGTERM; the token is in FOLDER/token."""
    settings = read_settings().with_changes(
        releases=folder / "releases", tokens=folder / "tokens.json", audit=folder / "audit.jsonl"
    )
    if settings.open_writes:
        with Releases(settings.releases).stage() as staged:
            staged.publish(Manifest(digest="0" * 64))
    tokens = Tokens(settings.tokens)
    if not tokens.holders():
        (folder / "token").write_text(tokens.make(TokenHolder("tester")))
    with start_writer(settings) as writer:
        export_to_environment(writer.settings)
        serving = read_settings().with_changes(port=port, workers=1)
        run(listeners(serving), serving, make_app())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    main(int(sys.argv[1]), Path(sys.argv[2]))
