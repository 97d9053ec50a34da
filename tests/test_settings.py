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


def test_settings_survive_the_environment() -> None:
    """What a process hands to another arrives unchanged."""
    settings = Settings(port=1, federation=True, time_limit=0.5, data=Path("/ü"))
    assert read_settings(settings.as_environment()) == settings


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda f: f.name)
def test_every_setting_is_documented_with_its_default(setting: object) -> None:
    """docs/settings.md has each setting's name, default and meaning."""
    name, default, help_ = setting.name, setting.default, setting.metadata["help"]  # type: ignore[attr-defined]
    assert f"| `CITYGRAPH_{name.upper()}` | `{default}` | {help_} |" in DOCUMENTED.read_text()
