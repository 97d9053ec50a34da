"""A new instance, as `citygraph init` starts it from the wheel alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygraph.cli.instance_commands import init
from citygraph.instance import parse_instance
from tests.running import PATIENCE, Running, free_port, wait_until_up

REPOSITORY = Path(__file__).parents[1]
OPTIONS = {
    "--base": "https://daten.example.com/",
    "--title": 'Bremens "Städtepartnerschaften"',
    "--language": "de en",
    "--home": "Bremen",
    "--publisher": "Senatskanzlei",
    "--contact": "mailto:post@example.com",
}


def options(**changes: str) -> list[str]:
    """The arguments of init, with some changed."""
    values = {**OPTIONS, **{f"--{name}": value for name, value in changes.items()}}
    return [part for pair in values.items() for part in pair]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing else of the checkout is."""
    folder = tmp_path_factory.mktemp("wheel")
    # The front end is built by the installation; here it would take half a minute again.
    environment = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, env=environment)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command of the wheel in a folder."""
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment(installed))


def environment(installed: Path) -> dict[str, str]:
    """The environment in which Python finds the wheel before the checkout."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    return {**own, "PYTHONPATH": str(installed)}


def patient(installed: Path) -> dict[str, str]:
    """The same for a server, whose queries wait longer for its engines than they do by default."""
    return {**environment(installed), "CITYGRAPH_QUEUE_WAIT": str(PATIENCE)}


def test_a_wheel_alone_starts_and_serves_an_instance(installed: Path, tmp_path: Path) -> None:
    """The three commands of the documentation, in an empty folder."""
    assert run(installed, tmp_path, "init", "mycity", *options()).returncode == 0
    folder = tmp_path / "mycity"
    port = free_port()
    command = [sys.executable, "-m", "citygraph.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=patient(installed), stderr=subprocess.PIPE) as process:
        try:
            running = Running(port, process)
            wait_until_up(running)
            document = running.get("/doc/city/bremen.nt")
            assert (document.status, b"<https://daten.example.com/id/city/bremen>" in document.body) == (200, True)
            assert running.get("/ontology.ttl").status == 200
            assert b"Example partner" in running.get("/", Accept="text/html").body
        finally:
            process.terminate()


def test_an_instance_in_german_needs_no_english(installed: Path, tmp_path: Path) -> None:
    """No label is missing, labels are made in German, and every page names the site and its publisher (14 §1)."""
    assert run(installed, tmp_path, "init", "mycity", *options(language="de", title="Partnerstädte")).returncode == 0
    folder = tmp_path / "mycity"
    example = folder / "data" / "sources" / "example.trig"
    german = re.sub(
        r'"[^"]*"@en( ,)? ?', "", example.read_text(encoding="utf-8").replace('"Example"@en ;', '"Beispiel"@de ;')
    )
    example.write_text(german, encoding="utf-8")
    settings = (folder / "citygraph.toml").read_text(encoding="utf-8")
    licence = ("publicdomain/zero/1.0/", "licenses/by/4.0/")
    (folder / "citygraph.toml").write_text(f"{settings.replace(*licence)}time_limit = 70\n", encoding="utf-8")
    done = run(installed, folder, "validate")
    assert (done.returncode, "English" in done.stdout) == (0, False), done.stdout
    port = free_port()
    command = [sys.executable, "-m", "citygraph.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=patient(installed), stderr=subprocess.PIPE) as process:
        try:
            running = Running(port, process)
            wait_until_up(running)
            agreement = running.get("/doc/agreement/bremen-example-partner", Accept="text/html").body.decode()
            assert "<title>Städtepartnerschaft Bremen–Example partner · Partnerstädte</title>" in agreement
            about = running.get("/about", Accept="text/html").body.decode()
            assert '<html lang="de">' in about
            assert all(text in about for text in ("Senatskanzlei", "mailto:post@example.com", "CC BY 4.0"))
            assert "city:bremen" in running.get("/sparql", Accept="text/html").body.decode()
            assert b"Example partner" in running.get("/queries/partners", Accept="text/csv").body
            assert running.get("/tables/cities.csv").body.startswith(b"iri,label_de,label_en")
            dataset = running.get("/dataset.nt").body
            assert b"license> <https://creativecommons.org/licenses/by/4.0/>" in dataset
            assert b"publicdomain" not in dataset
            assert "<title>Partnerstädte: Veröffentlichungen</title>" in running.get("/feed").body.decode()
            for path in ("/", "/api", "/openapi.json", "/queries", "/dataset.ttl", "/cite.bib"):
                assert not re.search(rb"city[:/]izmir|SPARQL endpoint of citygraph", running.get(path).body), path
        finally:
            process.terminate()


def test_the_example_conforms_to_the_shapes(installed: Path, tmp_path: Path) -> None:
    """An English instance too, where two labels of the template are the same."""
    assert run(installed, tmp_path, "init", "mycity", *options(language="en")).returncode == 0
    done = run(installed, tmp_path / "mycity", "validate", "--no-warnings")
    assert done.returncode == 0, done.stdout


def test_without_the_example_an_instance_still_conforms(installed: Path, tmp_path: Path) -> None:
    """A curator deletes one file, and has the template for her own data (14 §3)."""
    assert run(installed, tmp_path, "init", "mycity", *options()).returncode == 0
    (tmp_path / "mycity" / "data" / "sources" / "example.trig").unlink()
    done = run(installed, tmp_path / "mycity", "validate", "--no-warnings")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "mycity" / "sheets" / "template.xlsx").is_file()


def test_the_settings_are_those_that_were_given(tmp_path: Path) -> None:
    """Quotation marks in a title are escaped."""
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *options()])
    assert result.exit_code == 0
    text = (tmp_path / "mycity" / "citygraph.toml").read_text(encoding="utf-8")
    instance = parse_instance(text)
    assert instance.title_in("de") == OPTIONS["--title"]
    assert (instance.home, instance.languages) == ("city/bremen", ("de", "en"))
    assert tomllib.loads(text)["publisher"]["contact"] == OPTIONS["--contact"]


def test_the_identifier_of_the_home_city_may_be_chosen(tmp_path: Path) -> None:
    """A name in Japanese letters would be read as Chinese."""
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *options(**{"home": "金沢市", "home-id": "kanazawa"})])
    assert result.exit_code == 0, result.output
    assert current_home(tmp_path / "mycity") == "city/kanazawa"
    example = (tmp_path / "mycity" / "data" / "sources" / "example.trig").read_text(encoding="utf-8")
    assert "cg:party city:kanazawa , city:example-partner" in example


def current_home(folder: Path) -> str:
    """The home place in the settings of an instance."""
    return str(tomllib.loads((folder / "citygraph.toml").read_text(encoding="utf-8"))["home"])


def test_an_identifier_that_no_build_could_use_is_refused(tmp_path: Path) -> None:
    """The message has one that is possible."""
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *options(**{"home-id": "São Paulo"})])
    assert (result.exit_code, (tmp_path / "mycity").exists()) == (2, False)
    assert "sao-paulo" in result.output


def test_options_that_are_missing_are_asked_for(tmp_path: Path) -> None:
    """One question each, in the order of the options."""
    answers = "\n".join(OPTIONS.values()) + "\n"
    result = CliRunner().invoke(init, [str(tmp_path / "mycity")], input=answers)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "mycity" / "data" / "catalog.ttl").is_file()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("language", "el_GR en", "'el_GR' is not a language tag"),
        ("language", "German", "'German' is not a language tag"),
        ("title", " ", "the text for de is empty"),
        ("base", "https:///data/", "is not a base"),
    ],
)
def test_options_that_no_build_could_use_are_refused(tmp_path: Path, option: str, value: str, message: str) -> None:
    """The folder is not made: a build would fail at a file that the curator has not written."""
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *options(**{option: value})])
    assert message in str(result.exception)
    assert not (tmp_path / "mycity").exists()


def test_options_that_nobody_can_be_asked_for_are_named(tmp_path: Path) -> None:
    """Without a terminal there is no answer: the error has all missing options, and nothing is written."""
    given = options()[: 2 * list(OPTIONS).index("--publisher")]
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *given], input="")
    assert result.exit_code == 2
    assert "there is no terminal to ask for them: --publisher, --contact" in result.output
    assert not (tmp_path / "mycity").exists()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    """Nothing in it is touched."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(init, [str(tmp_path), *options()])
    assert result.exit_code == 2
    assert "not empty" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("base", "ftp://a.example/", "https://"), ("home", "…", "--home-id"), ("timezone", "Bremen", "time zone")],
)
def test_an_invalid_answer_is_refused_before_anything_is_written(
    tmp_path: Path, option: str, value: str, message: str
) -> None:
    """The message says what is expected."""
    result = CliRunner().invoke(init, [str(tmp_path / "mycity"), *options(**{option: value})])
    assert result.exit_code != 0
    assert message in (result.output or str(result.exception)) or message in str(result.exception)
    assert not (tmp_path / "mycity").exists()


def test_the_next_command_can_be_pasted(tmp_path: Path) -> None:
    """A folder with a space in its name is quoted."""
    result = CliRunner().invoke(init, [str(tmp_path / "Stadt Grünwald"), *options()])
    assert f"next: cd '{tmp_path}/Stadt Grünwald' && citygraph serve" in result.output


def test_a_file_is_no_folder_for_an_instance(tmp_path: Path) -> None:
    """The message says what is there, and not that it is full."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(init, [str(tmp_path / "notes.txt"), *options()])
    assert (result.exit_code, "notes.txt is a file: name a new folder" in result.output) == (2, True)
    result = CliRunner().invoke(init, [str(tmp_path / "notes.txt" / "city"), *options()])
    assert (result.exit_code, "a part of the path is a file" in result.output) == (2, True)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_link_that_leads_nowhere_stays(tmp_path: Path) -> None:
    """A refused folder is as it was before, links included."""
    link = tmp_path / "city"
    link.symlink_to("missing")
    for folder in (link, link / "below"):
        result = CliRunner().invoke(init, [str(folder), *options()])
        assert (result.exit_code, "in the way" in result.output) == (2, True)
    assert link.readlink() == Path("missing")
