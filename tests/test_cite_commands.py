"""citygraph cite: what docs/citing.md shows, verification, and the list of stored results."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from citygraph.cli.main import main
from citygraph.freeze.inprocess import InProcessEngine
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app

PAGE = (Path(__file__).parents[1] / "docs" / "citing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(citygraph .*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def releases(built: tuple[Releases, Release, Report], tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """The İzmir graph, in a folder of its own for stored results."""
    root = tmp_path_factory.mktemp("cite") / "releases"
    # Releases never change, so that the copy may have the same files.
    shutil.copytree(built[0].root, root, symlinks=True, copy_function=os.link)
    return Releases(root)


@pytest.fixture
def cite(releases: Releases) -> Command:
    """Runs citygraph cite."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--releases", str(releases.root), "cite", *arguments])

    return run


@pytest.fixture
def client(releases: Releases) -> FlaskClient:
    """A client of the site over the same releases."""
    return create_app(Settings(), releases, InProcessEngine(releases)).test_client()


def masked(text: str) -> str:
    """Returns a text without what changes with the data and the day."""
    text = re.sub(r"\d{4}([-/])\d\d\1\d\d(?:T\d{6}Z-[0-9a-f]{12})?", "DAY", text)
    return re.sub(r"\b[0-9a-f]{8,64}\b", "DIGEST", text)


@pytest.mark.parametrize(("commands", "shown"), EXAMPLES, ids=[text[:40] for text, _ in EXAMPLES])
def test_example_does_what_the_page_says(cite: Command, tmp_path: Path, commands: str, shown: str) -> None:
    """Each command of docs/citing.md, with the output that it shows (17, Citation)."""
    printed = ""
    for line in commands.splitlines():
        command, _, target = line.removeprefix("citygraph cite ").partition(" > ")
        words = [str(tmp_path / word) if word.endswith(".json") else word for word in shlex.split(command)]
        done = cite(*words)
        assert done.exit_code == 0, done.output
        if target:
            (tmp_path / target).write_text(done.stdout)
        else:
            printed += done.stdout
    assert masked(printed.replace("\r\n", "\n")) == masked(shown)


def test_request_stores_what_the_command_stores(client: FlaskClient, cite: Command) -> None:
    """The record of a request is that of the command, with the same identifier (17, Citation)."""
    reply = client.post("/results", json={"name": "partners", "parameters": {"city": "Baku"}})
    record = json.loads(reply.data)
    printed = cite("--query", "partners", "-p", "city=Baku", "--format", "record")
    assert json.loads(printed.stdout) == record
    assert client.get(f"/results/{record['id']}").status_code == 200


def test_verification_compares_digests(cite: Command, tmp_path: Path, releases: Releases) -> None:
    """0 the same, 1 other rows, 2 no such release or no record (17, Citation)."""
    path = tmp_path / "result.json"
    record = json.loads(cite("--query", "partners", "--format", "record", "--no-store").stdout)
    path.write_text(json.dumps(record))
    same = cite("verify", str(path), "--json")
    assert (same.exit_code, json.loads(same.stdout)["same"]) == (0, True)
    path.write_text(json.dumps({**record, "result": "0" * 64}))
    other = cite("verify", str(path))
    assert other.exit_code == 1
    assert "different: " in other.stdout
    path.write_text(json.dumps({**record, "query": record["query"].replace("izmir", "baku")}))
    changed = cite("verify", str(path))
    assert changed.exit_code == 2
    assert "contradicts itself" in changed.stderr
    assert cite("verify", str(tmp_path / "none.json")).exit_code == 2
    path.write_text("{}")
    assert f"{path}: this is not the record of a cited result" in cite("verify", str(path)).stderr.replace("\n", " ")


def test_file_is_cited_and_listed_until_it_is_removed(cite: Command, tmp_path: Path) -> None:
    """NOW() is the day of the citation (17, Citation)."""
    path = tmp_path / "own.rq"
    path.write_text("# mine\nSELECT ?now ?x { ?x a cg:City BIND(NOW() AS ?now) } ORDER BY ?x LIMIT 2")
    record = json.loads(cite("--query", str(path), "--format", "record").stdout)
    assert (record["rows"], record["columns"], record["name"]) == (2, ["now", "x"], "")
    assert "mine" not in record["query"]
    assert re.search(r'"\d{4}-\d\d-\d\dT00:00:00Z"', record["query"])
    assert date.fromisoformat(record["stored"][:10])
    assert record["id"] in cite("list").stdout
    assert json.loads(cite("list", "--json").stdout.splitlines()[0])["title"]
    assert cite("remove", record["id"]).exit_code == 0
    assert record["id"] not in cite("list").stdout
    assert cite("remove", record["id"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "--query says what is cited"),
        (("--query", "nothing"), "no file, no stored query, no table and no entity"),
        (("--query", "city:atlantis"), "has no statements about"),
        (("--query", "partners", "-p", "town=x"), "no parameter 'town'"),
        (("--query", "partners", "--release", "0" * 64), "no release"),
    ],
)
def test_what_cannot_be_cited_is_said(cite: Command, arguments: tuple[str, ...], problem: str) -> None:
    """On one line, with status 2 (17, Citation)."""
    done = cite(*arguments)
    assert (done.exit_code, problem in done.stderr) == (2, True), done.stderr
