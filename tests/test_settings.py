"""Settings are data, read once."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from citygraph.errors import UsageError
from citygraph.settings import Settings, read_settings

DOCUMENTED = Path(__file__).parents[1] / "docs" / "settings.md"


def test_settings_come_from_the_environment() -> None:
    """A variable has the setting's type."""
    settings = read_settings(
        {"CITYGRAPH_PORT": "8080", "CITYGRAPH_FEDERATION": "yes", "CITYGRAPH_DATA": "/d", "X": "1"}
    )
    assert (settings.port, settings.federation, settings.data) == (8080, True, Path("/d"))


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CITYGRAPH_PORT", "many"), ("CITYGRAPH_FEDERATION", "perhaps"), ("CITYGRAPH_PROT", "8080")],
)
def test_a_wrong_setting_is_named(variable: str, value: str) -> None:
    """A value of the wrong type, or a name that is no setting, is told and not passed over."""
    with pytest.raises(UsageError, match=variable):
        read_settings({variable: value})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("port", "99999", "at most 65535"),
        ("metrics_port", "-1", "at least 0"),
        ("workers", "0", "at least 1"),
        ("engines", "0", "at least 1"),
        ("time_limit", "nan", "at least 0"),
        ("time_limit", "0", "above 0"),
        ("write_time_limit", "0", "above 0"),
        ("follow_interval", "0", "above 0"),
        ("query_depth", "0", "at least 1"),
        ("reconcile_batch", "0", "at least 1"),
        ("client_rate", "inf", "at least 0"),
        ("store_mode", "x", "one of auto, memory, disk"),
        ("stored_results", "x", "one of off, token, local, anyone"),
        ("log_level", "loud", "one of debug, info"),
        ("store", "foo", "begins with https:// or http://"),
        ("store_update", "http://", "begins with https:// or http://"),
        ("store_graphs", "http://[", "begins with https:// or http://"),
        ("wikidata_endpoint", "ftp://a.example/", "begins with https:// or http://"),
        ("services", "https://a.example/sparql b", "separated by spaces"),
        ("store_parameters", "timeout={second}", r"timeout=\{seconds\}"),
        ("store_parameters", "timeout={", r"timeout=\{seconds\}"),
        ("store_parameters", "timeout", r"timeout=\{seconds\}"),
    ],
)
def test_a_setting_out_of_range_is_refused_when_it_is_read(name: str, value: str, rule: str) -> None:
    """No process starts with a value that would make it fail later, from the environment or the file (14 §1)."""
    with pytest.raises(UsageError, match=f"CITYGRAPH_{name.upper()} is .*{rule}"):
        read_settings({f"CITYGRAPH_{name.upper()}": value})
    with pytest.raises(UsageError, match=rf"\[server\] {name} is .*{rule}"):
        read_settings({}, {name: value})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("audit", "folder", "the name of a file"),
        ("tokens", "folder", "the name of a file"),
        ("releases", "file", "a folder"),
        ("releases", "file/releases", "in a folder, but .*file is a file"),
        ("audit", "file/audit", "in a folder, but .*file is a file"),
        ("data", "file", "a folder"),
    ],
)
def test_a_path_that_does_not_fit_what_exists_is_refused(tmp_path: Path, name: str, value: str, rule: str) -> None:
    """A file where a folder must be, or the reverse."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"CITYGRAPH_{name.upper()} is .*{value}': it must be {rule}"):
        read_settings({f"CITYGRAPH_{name.upper()}": str(tmp_path / value)})


@pytest.mark.parametrize("name", [one.name for one in fields(Settings) if isinstance(one.default, Path)])
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_path_is_refused_and_never_the_working_folder(name: str, value: str) -> None:
    """In the environment and in citygraph.toml, with the path that applies without the setting."""
    default = getattr(Settings(), name)
    with pytest.raises(UsageError, match=f"CITYGRAPH_{name.upper()} is empty: .*{default}"):
        read_settings({f"CITYGRAPH_{name.upper()}": value}, {})
    with pytest.raises(UsageError, match=f"{name} is empty"):
        read_settings({}, {name: value})


def test_paths_that_do_not_exist_yet_and_usual_values_are_allowed(tmp_path: Path) -> None:
    """Commands make their folders; a store may have several parameters."""
    allowed = {
        "releases": str(tmp_path / "new" / "releases"),
        "audit": str(tmp_path / "new" / "audit.jsonl"),
        "services": "",
        "store": "https://store.example:8890/sparql?a=b",
        "store_parameters": "timeout={milliseconds}&default-graph-uri=&signal_void=on",
    }
    settings = read_settings({f"CITYGRAPH_{name.upper()}": value for name, value in allowed.items()})
    assert {name: str(getattr(settings, name)) for name in allowed} == allowed


def test_settings_survive_the_environment() -> None:
    """What a process hands to another arrives unchanged."""
    settings = Settings(port=1, federation=True, time_limit=0.5, data=Path("/ü"))
    assert read_settings(settings.as_environment()) == settings


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """As containers and systemd have them; a process that inherits both variables reads one value (18 Deployment)."""
    file = tmp_path / "token"
    file.write_text("secret\n")
    variables = {"CITYGRAPH_ADMIN_TOKEN_FILE": str(file)}
    settings = read_settings(variables)
    assert settings.admin_token == "secret"
    assert read_settings({**variables, **settings.as_environment()}) == settings
    file.unlink()
    with pytest.raises(UsageError, match=r"CITYGRAPH_ADMIN_TOKEN_FILE names .*token, which cannot be read"):
        read_settings(variables)
    with pytest.raises(UsageError, match="CITYGRAPH_PORT_FILE is not a setting"):
        read_settings({"CITYGRAPH_PORT_FILE": str(file)})


def test_settings_of_the_instance_are_below_those_of_the_environment() -> None:
    """The table [server] of citygraph.toml replaces defaults; a variable replaces the table (14 §1)."""
    server = {"port": 8080, "time_limit": 5, "federation": True, "data": "here"}
    settings = read_settings({"CITYGRAPH_PORT": "9090"}, server)
    assert (settings.port, settings.time_limit, settings.federation) == (9090, 5.0, True)
    assert settings.data == Path("here")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("prot", 8080, "did you mean port"),
        ("port", "many", r"\[server\] port is 'many'"),
        ("services", ["a"], "must be a text"),
        ("base", "https://a.example/", "outside of"),
        ("admin_token", "secret", "CITYGRAPH_ADMIN_TOKEN"),
    ],
)
def test_a_wrong_setting_of_the_instance_is_named(name: str, value: object, message: str) -> None:
    """The nearest name is suggested; a secret does not belong into a file that is published (14 §1)."""
    with pytest.raises(UsageError, match=message):
        read_settings({}, {name: value})


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda f: f.name)
def test_every_setting_is_documented_with_its_default(setting: object) -> None:
    """docs/settings.md has each setting's name, default and meaning."""
    name, default, help_ = setting.name, setting.default, setting.metadata["help"]  # type: ignore[attr-defined]
    assert f"| `CITYGRAPH_{name.upper()}` | `{default}` | {help_} |" in DOCUMENTED.read_text()
