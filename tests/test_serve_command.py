"""`citygraph serve --build`: a build where files have changed, and nothing else before the server starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import citygraph.serve
from citygraph.cli.__main__ import tune_allocator
from citygraph.cli.main import main
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from tests.small import write_files


def test_serve_builds_only_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first start publishes a release, the second serves it as it is, a changed file makes another (16 §8)."""
    served: list[str] = []
    sources = write_files(tmp_path)

    def run(settings: Settings) -> None:
        served.append(Releases(settings.releases).current_id())

    monkeypatch.setattr(citygraph.serve, "serve", run)
    folders = ["--data", str(tmp_path / "data"), "--releases", str(tmp_path / "releases")]
    for _ in range(2):
        assert CliRunner().invoke(main, [*folders, "serve", "--build"]).exit_code == 0
    with (sources.data / "register.trig").open("a") as file:
        file.write('GRAPH source:register { city:izmir rdfs:comment "More."@en }\n')
    assert CliRunner().invoke(main, [*folders, "serve"]).exit_code == 0
    assert len(set(served)) == 1
    assert CliRunner().invoke(main, [*folders, "serve", "--build"]).exit_code == 0
    assert len(set(served)) == 2


def test_serve_does_not_start_with_data_that_violate_the_shapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `make serve` stops where `citygraph build` does, with its exit status (16 §8)."""
    write_files(tmp_path)
    (tmp_path / "data" / "broken.trig").write_text("GRAPH {", encoding="utf-8")
    monkeypatch.setattr(citygraph.serve, "serve", lambda _: pytest.fail("it serves"))
    folders = ["--data", str(tmp_path / "data"), "--releases", str(tmp_path / "releases")]
    assert CliRunner().invoke(main, [*folders, "serve", "--build"]).exit_code == 2


def test_the_server_starts_with_an_allocator_for_many_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §1) Once, and not if the operator has set another."""
    started: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execve", lambda *given: started.append(given))
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    tune_allocator()
    ((program, arguments, environment),) = started
    assert (program, arguments) == (sys.executable, [sys.executable, *sys.orig_argv[1:]])
    monkeypatch.setenv("GLIBC_TUNABLES", environment["GLIBC_TUNABLES"])
    tune_allocator()
    assert len(started) == 1
