"""Changes to `citygraph.toml` that keep its comments."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tomlkit import TOMLDocument

from citygraph.instance import InstanceError, read_instance
from citygraph.instance_file import UPGRADES, upgraded, with_base

_TEXT = """# The settings of Bremen.
version = 1
home_city = "city/bremen"  # the path

[title]
de = "Bremen"  # short
"""


def rename_home(document: TOMLDocument) -> None:
    """An upgrade: home_city became home."""
    document["home"] = document.pop("home_city")


def add_zone(document: TOMLDocument) -> None:
    """An upgrade: the time zone became a key."""
    document["timezone"] = "Europe/Berlin"


def test_an_old_file_is_upgraded_step_by_step() -> None:
    """Comments stay, and new keys come before the tables (14 §1)."""
    text = upgraded(_TEXT, (rename_home, add_zone))
    assert "# The settings of Bremen." in text
    assert 'de = "Bremen"  # short' in text
    values = tomllib.loads(text)
    assert (values["version"], values["home"], values["timezone"]) == (3, "city/bremen", "Europe/Berlin")
    assert upgraded(text, (rename_home, add_zone)) == text


def test_the_newest_version_is_not_touched() -> None:
    """Not even its spaces."""
    text = f"version = {len(UPGRADES) + 1}\nhome   = 'auto'\n"
    assert upgraded(text) == text


def test_reading_replaces_an_old_file(tmp_path: Path) -> None:
    """The file without a version is of version 1."""
    path = tmp_path / "citygraph.toml"
    path.write_text("# Ours.\n[title]\nde = 'Bremen'\n", encoding="utf-8")
    with pytest.raises(InstanceError, match="version 2"):
        # This version of the software does not know what the upgrade leads to.
        read_instance(path, (add_zone,))
    assert path.read_text(encoding="utf-8").startswith("# Ours.\n")
    assert tomllib.loads(path.read_text(encoding="utf-8"))["version"] == 2


def test_a_base_is_set_before_the_tables() -> None:
    """Where the file had none."""
    values = tomllib.loads(with_base("[title]\nde = 'Bremen'\n", "https://a.example/"))
    assert values == {"title": {"de": "Bremen"}, "base": "https://a.example/"}
