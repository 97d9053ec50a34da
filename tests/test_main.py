"""The command line as a user has it: output, exit codes, errors on one line."""

from __future__ import annotations

import csv
import errno
import io
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pyoxigraph import NamedNode

from citygraph.cli.__main__ import run as run_command
from citygraph.cli.console import LanguageTag, LazyGroup, local_address, system_error_text
from citygraph.rdf.terms import COMMON_GRAPHS
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from tests.commands import run
from tests.small import write_files

Built = tuple[Releases, Release, Report]


@pytest.fixture
def root(built: Built) -> Path:
    return built[0].root


@pytest.fixture
def small_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data of commands that load all files are those of a small graph."""
    monkeypatch.setenv("CITYGRAPH_DATA", str(write_files(tmp_path / "small").data))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--data", "", "build"),
        ("--releases", "", "releases"),
        ("freeze", ""),
        ("restore", "", "new"),
        ("backup", ""),
        ("push", ""),
        ("sheets", "check", ""),
        ("init", ""),
        ("validate", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused(arguments: tuple[str, ...]) -> None:
    """An unset variable of a shell script is not the working folder."""
    done = run(*arguments)
    assert (done.returncode, "the path is empty" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", ["build", "serve", "validate", "query", "releases", "running", "export"])
def test_every_command_explains_itself(command: str) -> None:
    """--help says what the command does and what its options mean."""
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"citygraph {command}" in done.stdout.replace("python -m citygraph.cli", "citygraph").replace(
        "main", "citygraph"
    )
    assert "--help" in done.stdout


def test_build_does_nothing_when_nothing_changed(root: Path) -> None:
    """A second build says that the release is up to date, and where it is."""
    before = [release.id for release in Releases(root).history()]
    done = run("build", releases=root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "up to date" in done.stdout
    assert "citygraph serve" in done.stdout
    assert [release.id for release in Releases(root).history()] == before


@pytest.mark.usefixtures("small_data")
def test_build_check_publishes_nothing(tmp_path: Path) -> None:
    """--check with --json: a line a step, then the report."""
    done = run("build", "--check", "--json", releases=tmp_path / "releases")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [line["step"] for line in lines[:-1]] == ["load", "derive", "describe", "validate"]
    assert lines[-1]["conforms"]
    assert Releases(tmp_path / "releases").history() == []


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('<https://w3id.org/citygraph/id/city/x> a <https://w3id.org/citygraph/ontology#City> .', 1, "violation"),
        ('<https://w3id.org/citygraph/id/city/x> a', 2, "new.ttl:1:"),
        ("", 0, "conform"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("small_data")
def test_validate_says_how_it_ended(tmp_path: Path, text: str, code: int, said: str) -> None:
    """Exit 0 conforms, 1 violates, 2 could not run."""
    path = tmp_path / "new.ttl"
    path.write_text(text)
    done = run("validate", str(path))
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.usefixtures("small_data")
def test_validate_speaks_the_language_of_the_reader(tmp_path: Path) -> None:
    """--lang prints messages and remedies of the shapes, and the verdict (14 §1)."""
    path = tmp_path / "new.ttl"
    path.write_text("<https://w3id.org/citygraph/id/city/x> a <https://w3id.org/citygraph/ontology#City> .")
    printed = run("validate", "--lang", "de-AT", str(path)).stdout
    assert "Der Entität fehlt eine Bezeichnung auf Englisch." in printed
    assert "Die Daten verstoßen gegen ihre Shapes." in printed
    assert "The " not in printed


@pytest.mark.parametrize(
    ("tag", "language"),
    [("tr-TR", "tr"), ("TR", "tr"), ("de_DE.UTF-8", "de"), ("C.UTF-8", "en"), ("pt-BR", "en"), ("x-plain", "en")],
)
def test_a_language_is_any_tag_of_bcp_47(tag: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A variant counts as its language; one without texts falls back to the first of the instance, with a note."""
    assert LanguageTag().convert(tag, None, None) == language
    note = f"note: there are no texts in {tag!r}; 'en' is used instead\n" if tag in ("pt-BR", "x-plain") else ""
    assert capsys.readouterr().err == note


def test_what_is_not_a_language_tag_is_refused() -> None:
    """With an example (14 §1)."""
    with pytest.raises(click.BadParameter, match="'türkçe' is not a language tag such as de or de-AT"):
        LanguageTag().convert("türkçe", None, None)


def test_query_answers_in_the_format_asked(root: Path) -> None:
    """A stored query by name with a parameter; csv when the output is no terminal."""
    done = run("query", "partners", "-p", "city=city:baku", releases=root)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0, done.stderr
    assert len(rows) == 1
    assert "1985-09-04" in rows[0].values()
    for name, begin in (("json", "{"), ("xml", "<?xml"), ("tsv", "?"), ("md", "|")):
        assert run("query", "partners", "--format", name, releases=root).stdout.startswith(begin)


def test_query_reads_a_file_and_standard_input(root: Path, tmp_path: Path) -> None:
    """Text comes from a name, a file or -; a graph is written as Turtle."""
    text = "CONSTRUCT { ?s a cg:City } WHERE { ?s a cg:City }"
    (tmp_path / "q.rq").write_text(text)
    assert "a cg:City" in run("query", str(tmp_path / "q.rq"), releases=root).stdout
    assert "true" in run("query", "-", "--format", "json", releases=root, stdin="ASK { city:izmir a cg:City }").stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("query", "no-such"), "", "no stored query 'no-such'; there are: "),
        (("query", "parners"), "", "no stored query 'parners'; similar names: partners"),
        (("query", "no-such.rq"), "", "no-such.rq: no such file\n"),
        (("query", "partners.rq"), "", "partners.rq: no such file; stored queries with similar names: partners\n"),
        (("query", "./queries/parners.rq"), "", "no such file; stored queries with similar names: partners"),
        (("query", "recommended-label"), "", "similar names: quality/recommended-labels"),
        (("validate", "."), "", ". is a folder, and must be a file"),
        (("update", "."), "", ". is a folder, and must be a file"),
        (("sheets", "check", "."), "", ". is a folder, and must be a file"),
        (("sheets", "map", "."), "", ". is a folder, and must be a file"),
        (("query", "SELECT * { ?s ?p ?o }"), "", "give a query text to standard input, with -"),
        (("export", "graf:notes"), "", "there is no prefix 'graf': did you mean graph:notes?"),
        (("query", "-"), "SELECT * WHERE { ?s ?p }", "line 1, column"),
        (("query", "-", "--format", "ttl"), "SELECT * WHERE { ?s ?p ?o }", "text/csv"),
        (("query", "partners", "-p", "city=x> }"), "", "no entity has the name"),
        (("query", "partners", "-p", "city"), "", "NAME=VALUE"),
        (("export", "source:no-such"), "", "no graph"),
        (("query", "-", "--release", "../x"), "ASK {}", "no release"),
    ],
)
def test_a_mistake_gets_one_clear_line(root: Path, arguments: tuple[str, ...], stdin: str, said: str) -> None:
    """What and where, on standard error, with exit 2 and without a traceback."""
    done = run(*arguments, releases=root, stdin=stdin)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_release_the_error_says_what_to_do(tmp_path: Path) -> None:
    """Every command that reads names the one that builds."""
    for command in (("query", "partners"), ("releases",), ("export",)):
        done = run(*command, releases=tmp_path)
        assert done.returncode == 2
        assert "citygraph build" in done.stderr


def test_releases_are_listed_with_the_current_marked(root: Path, built: Built) -> None:
    """Newest first, for people and as JSON lines."""
    assert run("releases", releases=root).stdout.startswith(f"* {built[0].current_id()}")
    assert json.loads(run("releases", "--json", releases=root).stdout.splitlines()[0])["current"]


def test_export_writes_files_that_a_build_takes(root: Path, built: Built, tmp_path: Path) -> None:
    """The files from which the release was made, and the same text every time."""
    done = run("export", "--all", "--into", str(tmp_path), releases=root)
    assert done.returncode == 0
    assert (tmp_path / "places" / "place-register.trig").read_text() == run(
        "export", "source:place-register", releases=root
    ).stdout
    owners = built[1].manifest.owners
    files = {Path(*Path(owner).parts[1:]) for graph, owner in owners.items() if NamedNode(graph) not in COMMON_GRAPHS}
    common = {Path("catalog.ttl"), Path("curation.trig"), Path("translations.trig")}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} == files | common


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """CITYGRAPH_ variables that are no setting are told, not passed over."""
    monkeypatch.setenv("CITYGRAPH_PROT", "1")
    assert "CITYGRAPH_PROT is not a setting" in run("releases").stderr


def test_a_wrong_setting_ends_a_command_with_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It names the setting or the option, its value, and what is expected."""
    file = tmp_path / "file"
    file.touch()
    done = run("releases", releases=file)
    assert (done.returncode, done.stderr) == (2, f"citygraph: --releases is '{file}': it must be a folder\n")
    monkeypatch.setenv("CITYGRAPH_STORE", "foo")
    done = run("serve")
    expected = "citygraph: CITYGRAPH_STORE is 'foo': it must be an address that begins with https:// or http://\n"
    assert (done.returncode, done.stderr) == (2, expected)


def test_a_reader_that_has_seen_enough_is_no_error(root: Path) -> None:
    """`citygraph query … | head` ends quietly."""
    command = [sys.executable, "-m", "citygraph.cli", "--releases", str(root), "query", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 100000")
        process.stdin.close()
        assert process.stdout.readline() == b"a,b,c,d,e,f\r\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("end", [KeyboardInterrupt, click.Abort])
def test_an_interrupted_command_has_a_status_of_its_own(end: type[BaseException]) -> None:
    """1 would mean that the data are invalid, so that a script would report a violation."""

    @click.command()
    def interrupted() -> None:
        raise end

    group = LazyGroup("citygraph", commands={"interrupted": interrupted})
    result = CliRunner().invoke(group, ["interrupted"])
    assert (result.exit_code, result.stderr) == (130, "\ncitygraph: interrupted\n")


def test_an_interrupt_before_the_command_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The imports take most of the time of a small command."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("citygraph.cli.main.main", interrupt)
    monkeypatch.setattr(sys, "argv", ["citygraph", "releases"])
    with pytest.raises(SystemExit) as ended:
        run_command()
    assert ended.value.code == 130


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "var/x"), "var/x: there is no permission: run the command"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full: make room, and run the command again"),
        (OSError("No space left on device (os error 28)"), "the disk is full: make room"),
        (OSError(errno.EROFS, "Read-only file system", "x"), "x: the file system is read-only"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", b"x"), "x: it is a folder: name a file"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (OSError("something else"), "something else"),
    ],
)
def test_errors_of_the_system_are_in_words(error: OSError, text: str) -> None:
    """Each says what to do where that is known, and has no number of the system."""
    assert system_error_text(error).startswith(text)
    assert "Errno" not in system_error_text(error)


def test_an_error_of_the_system_is_in_the_language_of_the_command() -> None:
    """As the errors of citygraph are."""
    text = system_error_text(IsADirectoryError(errno.EISDIR, "Is a directory", "rapor"), "tr")
    assert text == "rapor: bu bir klasör: bir dosya adı yazın"


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("0.0.0.0", "http://127.0.0.1:80")],
)
def test_the_address_of_the_site_can_be_opened(host: str, address: str) -> None:
    """An IPv6 host is in brackets, and a server that listens on all addresses is reached on its own machine."""
    assert local_address(Settings(host=host, port=80)) == address


@pytest.mark.parametrize(
    ("option", "name", "text"),
    [
        ("--html", "docs", "docs is a folder"),
        ("--workbook", "docs", "docs is a folder"),
        ("--workbook", "report.csv", "report.csv: the name of a workbook ends with .xlsx"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_check(option: str, name: str, text: str) -> None:
    """A check may take minutes: the file to check is not even looked for."""
    done = run("sheets", "check", "missing.xlsx", option, name, "--lang", "en")
    assert (done.returncode, text in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--url", "https://site.test?lang=de"),
        ("--url", "https://site.test#top"),
        ("--url", "https://site.test", "--base-path", "a b"),
    ],
)
def test_an_address_that_no_site_has_is_refused(root: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Nothing of the address is left out without a word."""
    done = run("freeze", str(tmp_path / "site"), *options, releases=root)
    assert (done.returncode, "is not the address of a site" in done.stderr) == (2, True)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("option", ["--pin", "--unpin"])
@pytest.mark.parametrize("name", ["", "../{current}/manifest.json", "{current}/manifest.json"])
def test_only_a_release_is_pinned(root: Path, option: str, name: str) -> None:
    """An empty name is no list of releases, and a path is no pin: its file stays."""
    current = Releases(root).current_id()
    done = run("releases", option, name.format(current=current), releases=root)
    assert (done.returncode, done.stdout, done.stderr.startswith("citygraph: ")) == (2, "", True)
    assert (root / str(current) / "manifest.json").is_file()
