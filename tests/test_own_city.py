"""The guide to one's own city: each of its commands is run, in its order."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import Running, free_port, wait_until_up

REPOSITORY = Path(__file__).parents[1]
GUIDE = REPOSITORY / "docs" / "own-city.md"
BREMEN = REPOSITORY / "examples" / "bremen"
# Commands that are not run here, and why.
LEFT_OUT = {
    "python3 -m venv": "the tests have an environment",
    ". citygraph-env": "the tests have an environment",
    "pip install": "needs the network; test_starter.py installs the wheel",
    "python3 -m http.server": "runs until it is stopped; test_frozen_site.py serves frozen files",
    "git remote": "belongs to the push",
    "git push": "needs the network",
}


def commands() -> list[str]:
    """The lines of the guide's code blocks."""
    blocks = re.findall(r"^```\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def environment() -> dict[str, str]:
    """The environment of a person, in which no setting is set; git knows who commits."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    names = {
        f"GIT_{who}_{what}": "curator@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {**own, **names, "PYTHONPATH": str(REPOSITORY / "src")}


def words(command: str) -> list[str]:
    """The words of a command, with the checkout's program."""
    first, *others = shlex.split(command)
    program = [sys.executable, "-m", "citygraph.cli"] if first == "citygraph" else [first]
    # Turtle is enough here: the pages take half a minute.
    return [*program, *others, *(["--only", "ttl"] if others[:1] == ["freeze"] else [])]


def serve(folder: Path) -> bytes:
    """Starts the server of a folder as the guide does, and returns its home page."""
    port = free_port()
    own = {**environment(), "CITYGRAPH_PORT": str(port)}
    with subprocess.Popen(words("citygraph serve"), cwd=folder, env=own, stderr=subprocess.PIPE) as process:
        try:
            running = Running(port, process)
            wait_until_up(running)
            return running.get("/", Accept="text/html").body
        finally:
            process.terminate()


@pytest.mark.timeout(600)  # ten commands, five of which build a release
@pytest.mark.slow
def test_each_command_of_the_guide_works(tmp_path: Path) -> None:
    """(14 §3) A person's work between the commands is that of Bremen's officer."""
    folder, homes = tmp_path, []
    for command in commands():
        if any(command.startswith(start) for start in LEFT_OUT):
            continue
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ")
        elif command == "citygraph serve":
            homes.append(serve(folder))
        else:
            done = subprocess.run(
                words(command), cwd=folder, env=environment(), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if command.startswith("cp "):
            shutil.copy(BREMEN / "sheets" / "bremen.xlsx", folder / "sheets" / "bremen.xlsx")
            shutil.copy(BREMEN / "own-sheet.csv", folder / "own-sheet.csv")
        if command.startswith("citygraph sheets map "):
            assert '"Rahmenabkommen" = ""' in (folder / "own-sheet.toml").read_text(encoding="utf-8")
            shutil.copy(BREMEN / "own-sheet.toml", folder / "own-sheet.toml")
    first, second = homes
    assert b"Example partner" in first
    assert b"Example partner" not in second
    assert b"Rostock" in second
    assert (folder / "report.html").is_file()
    assert (folder / "site" / "doc" / "city" / "danzig.ttl").is_file()
    assert (folder / "data" / "sheets" / "rathaus-izmir.trig").read_bytes() == (
        BREMEN / "data" / "sheets" / "rathaus-izmir.trig"
    ).read_bytes()


def test_what_is_left_out_is_in_the_guide() -> None:
    """A command that the guide no longer has leaves the list, too."""
    assert all(any(command.startswith(start) for command in commands()) for start in LEFT_OUT)
