"""The code blocks of README and docs/: each is run and prints what the page shows, or says why it is not."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import quote

import click
import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.cli.main import main
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.source.queries import read_query
from tests.docs_blocks import PAGES, REPOSITORY, DocsBlock, blocks_of, fences_of
from tests.running import Running

Built = tuple[Releases, Release, Report]
HERE = "http://127.0.0.1:8000"
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
# Programs that read a block from standard input.
COMMANDS = {
    "sh": ["bash", "-s"],
    "console": ["bash", "-s"],
    "r": ["Rscript", "--encoding=UTF-8", "-"],
    "js": ["node", "--input-type=module", "-"],
}
RUNNABLE = {*COMMANDS, "sparql", "python"}
# The blocks of a page are one program, because a process keeps no names.
ONE_PROGRAM = ("r", "js")
RUN = {
    page: blocks
    for page in PAGES
    if (blocks := [one for one in blocks_of(page) if one.language in RUNNABLE and not one.reason])
}
# What differs between two runs of the same command: names of releases, digests, durations, and the day itself.
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{12}|\b[0-9a-f]{8,64}\b| +\d+\.\d\d s$|(?<=\"elapsed\": )[\d.]+|"
    r"(?<=ended after )[\d.]+(?= s)|"
    r"\b20(?:26[-/]1[12]|2[7-9][-/]\d\d|[3-9]\d[-/]\d\d)[-/]\d\d\b",
    re.MULTILINE,
)


@pytest.fixture
def folder(tmp_path: Path, built: Built) -> Path:
    """The folder of a reader: the repository's sources, its release, and the tables as downloads."""
    for name in ("data", "ontology", "queries", "citygraph.toml"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    shutil.copytree(built[1].path / "tables", tmp_path, dirs_exist_ok=True)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "releases").symlink_to(built[0].root)
    return tmp_path


@pytest.mark.parametrize("page", list(RUN), ids=lambda page: page.stem)
def test_the_blocks_of_a_page_do_what_it_says(
    page: Path, izmir_site: Running, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(17) In their order: queries against the site, commands in a shell, programs in their languages."""
    monkeypatch.chdir(folder)
    if page.name == "README.md":
        # Its reader builds the first release.
        (folder / "var" / "releases").unlink()
    missing = {lacking for block in RUN[page] if (lacking := _lacking(block))}
    blocks = [block for block in RUN[page] if not _lacking(block)]
    names: dict[str, object] = {}
    for block in (one for one in blocks if one.language not in ONE_PROGRAM):
        for text, output in block.steps:
            printed = _printed(block.language, text, izmir_site, names)
            assert output is None or _is_shown(printed, output), f"{page.name}:{block.line} prints\n{printed}"
    for language in ONE_PROGRAM:
        steps = [step for block in blocks if block.language == language for step in block.steps]
        if steps:
            printed = _printed(language, "\n".join(text for text, _ in steps), izmir_site, names)
            assert _is_shown(printed, "".join(output or "" for _, output in steps)), printed
    if missing:
        pytest.skip(f"{len(blocks)} of {len(RUN[page])} blocks were run; not installed: {', '.join(sorted(missing))}")


def _lacking(block: DocsBlock) -> str:
    """Returns the program or Python module that a block needs and this machine has not."""
    program = COMMANDS.get(block.language, ["bash"])[0]
    if shutil.which(program) is None:
        return program
    modules = re.findall(r"^import (\w+)", block.text, re.MULTILINE) if block.language == "python" else []
    return next((module for module in modules if importlib.util.find_spec(module) is None), "")


def _printed(language: str, text: str, site: Running, names: dict[str, object]) -> str:
    """Returns what a block prints. Python programs of a page share their names."""
    text = text.replace(HERE, site.url)
    if language == "sparql":
        reply = site.get(f"/sparql?format=csv&query={quote(text)}")
        assert reply.status == 200, reply.body
        printed = reply.body.decode().replace("\r\n", "\n")
    elif language == "python":
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()) as out:
            warnings.simplefilter("ignore")
            exec(text, names)  # noqa: S102 - our own program
        printed = out.getvalue()
    else:
        printed = _printed_by_command(language, text)
    return printed.replace(site.url, HERE)


def _printed_by_command(language: str, text: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        COMMANDS[language],
        input=text,
        env={**own, "PATH": path, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    # A session may show a command that fails; its output then has the reason.
    assert language == "console" or done.returncode == 0, done.stderr
    return done.stdout if done.returncode == 0 else done.stdout + done.stderr


def _is_shown(printed: str, shown: str) -> bool:
    """Returns whether the page shows this output; … there stands for any text, alone on a line for any lines."""
    pattern = re.escape(_VOLATILE.sub("X", shown).rstrip()).replace(r"…\n", "(?:.*\n)*?").replace("…", ".*")
    return re.fullmatch(pattern, _VOLATILE.sub("X", printed).rstrip(), re.DOTALL) is not None


def test_every_block_is_run_or_parsed_or_says_why_not() -> None:
    """(17) A reason names the test that runs the same, or what the machine of the tests lacks."""
    for page in PAGES:
        assert len(blocks_of(page)) + sum(b.output is not None for b in blocks_of(page)) == fences_of(page), page
    for block in BLOCKS:
        assert block.reason or block.language in {*RUNNABLE, *_PARSERS, "text"}, f"{block}: no reason"
        for test in re.findall(r"tests/[\w/]+\.py", block.reason):
            assert (REPOSITORY / test).exists(), f"{block}: {test}"
        assert not block.reason.startswith("run by") or "tests/" in block.reason, block


def _unknown_options(text: str) -> list[str]:
    """Returns the options of our own commands in a text that these do not have."""
    unknown = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        command: click.Command | None = main if words[:1] == ["citygraph"] else None
        while isinstance(command, click.Group):
            words = words[1:]
            command = command.get_command(click.Context(command), words[0])
        options = [word.partition("=")[0] for word in words if command and word.startswith("--")]
        known = {name for option in (command.params if command else ()) for name in option.opts}
        unknown += [option for option in options if option not in known]
    return unknown


def _read_stored_query(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.rq"
        path.write_text(text, "utf-8")
        read_query(path, "example", {"city:HOME_PLACE": "city:izmir"}).bind({})


_PARSERS: dict[str, Callable[[str], object]] = {
    "rq": _read_stored_query,
    "toml": tomllib.loads,
    "json": json.loads,
    "trig": lambda text: list(parse(text, RdfFormat.TRIG)),
    "turtle": lambda text: list(parse(text, RdfFormat.TURTLE)),
}


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language in _PARSERS], ids=str)
def test_a_block_of_data_is_well_formed(block: DocsBlock) -> None:
    """(17) What a reader copies is accepted."""
    _PARSERS[block.language](block.text)


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.reason and one.language == "sh"], ids=str)
def test_commands_that_are_not_run_have_existing_options(block: DocsBlock) -> None:
    """(17) Commands that would take minutes or ask other hosts are at least read by our own command line."""
    assert not _unknown_options(block.text)
