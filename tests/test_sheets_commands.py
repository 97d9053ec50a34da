"""The commands for spreadsheets in a folder of their own: releases, the audit log, undo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = "Short name;Title;Publisher;Language;Date\nlist;List of partners;City;en;2024-05-01\n"
PLACES = "Name (en);Kind;Country;Source\nNuremberg;city;Germany;list\nNice;city;France;list\n"
COUNTRIES = "Germany;country;;list\nFrance;country;;list\n"
AGREEMENTS = "Partner;Kind;Date of the protocol;Source\nNice;sister-city agreement;1954;list\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """An instance without data, with the spreadsheet of one partner in `sheets/`."""
    answers = ("--base", "https://daten.example.eu/", "--title", "Ties", "--language", "en", "--home", "Nuremberg")
    started = run(tmp_path, "init", "mine", *answers, "--publisher", "City", "--contact", "https://example.eu/")
    assert started.returncode == 0, started.stderr
    folder = tmp_path / "mine"
    (folder / "data" / "sources" / "example.trig").unlink()
    sheets = {"sources": SOURCES, "places": PLACES + COUNTRIES, "agreements": AGREEMENTS}
    for name, text in sheets.items():
        (folder / "sheets" / f"{name}.csv").write_text(text, encoding="utf-8")
    assert run(folder, "build").returncode == 0
    return folder


def sheets(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `citygraph sheets` with the spreadsheets of the folder."""
    files = () if arguments == ("undo",) else [f"sheets/{name}.csv" for name in ("agreements", "places", "sources")]
    done = run(folder, "sheets", *arguments, *files, *(() if arguments == ("undo",) else ("--no-gazetteer",)))
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def releases(folder: Path) -> list[str]:
    """Returns the names of all releases, the oldest first."""
    return sorted(path.name for path in (folder / "var" / "releases").iterdir() if path.name.startswith("20"))


def test_an_import_and_its_undo_are_in_the_audit_log(instance: Path) -> None:
    """Each is a build, with its release; an import without a change makes no release."""
    before = releases(instance)
    assert "to undo" in sheets(instance, "import").stderr
    imported = releases(instance)
    (second,) = set(imported) - set(before)
    assert "nothing to publish" in sheets(instance, "import").stderr
    assert releases(instance) == imported
    assert "restored: data/sheets/list.trig" in sheets(instance, "undo").stderr
    (new,) = set(releases(instance)) - set(imported)
    lines = [json.loads(line) for line in (instance / "var" / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    written = [(line["command"], line["action"], line["outcome"], line["release"]) for line in lines]
    assert written == [
        ("build", "build", "published", before[0]),
        ("import", "build", "published", second),
        ("undo", "build", "published", new),
    ]


def test_an_undo_that_cannot_be_published_changes_nothing(instance: Path) -> None:
    """The files are as the import wrote them, and the import can be undone later."""
    sheets(instance, "import")
    written = instance / "data" / "sheets" / "list.trig"
    before = written.read_bytes()
    broken = instance / "data" / "broken.ttl"
    broken.write_text("<unfinished", encoding="utf-8")
    refused = run(instance, "sheets", "undo")
    assert (refused.returncode, "broken.ttl" in refused.stderr) == (2, True), refused.stderr
    assert "restored" not in refused.stderr
    assert written.read_bytes() == before
    broken.unlink()
    assert "restored: data/sheets/list.trig" in sheets(instance, "undo").stderr
    assert not written.exists()
