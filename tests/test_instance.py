"""The settings of an instance, and its base IRI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from citygraph.instance import (
    Instance,
    InstanceError,
    current_instance,
    instance_base,
    parse_instance,
    read_instance,
)

_COMPLETE = """
version = 1
base = "https://daten.example.com/"
home = "city/bremen"
languages = ["de", "en"]
timezone = "Europe/Berlin"
title = { de = "Bremens Städtepartnerschaften", en = "Bremen's twin towns" }
tagline = { de = "Wer mit wem" }

[publisher]
name = "Senatskanzlei"
contact = "mailto:post@example.com"
"""


def test_a_file_sets_what_makes_an_instance() -> None:
    """Texts fall back to the languages of the instance, in their order."""
    instance = parse_instance(_COMPLETE)
    assert instance.languages == ("de", "en")
    assert instance.title_in("tr") == "Bremens Städtepartnerschaften"
    assert instance.tagline_in("en") == "Wer mit wem"
    assert instance.publisher.name == "Senatskanzlei"
    assert str(instance.zone) == "Europe/Berlin"


def test_without_a_file_there_are_defaults() -> None:
    """They are those of the vocabulary itself."""
    assert Instance().base == "https://w3id.org/citygraph/"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('bas = "https://a.example/"', "did you mean 'base'"),
        ('[publisher]\nadress = "x"', "did you mean 'address'"),
        ('base = "ftp://a.example/"', "https://"),
        ('timezone = "Europe/Bremen"', "not a time zone"),
        ("languages = []", "at least one language"),
        ('title = "Bremen"', "must map languages to texts"),
        ("base = ", "not valid TOML"),
        ("version = 99", "version 99"),
        ('version = "1"', "version must be a whole number"),
        ("base = 1", "base must be a text"),
        ('base = "https://data.example.com /"', "is not a base"),
        ('base = "https:///data/"', "is not a base"),
        ('base = "https://data.example.com/?a="', "is not a base"),
        ('base = "https://data.example.com/graph#"', "is not a base"),
        ('languages = "de en"', "languages must be a list of texts"),
        ("languages = [3]", "languages must be a list of texts"),
        ('languages = ["el_GR"]', "'el_GR' is not a language tag, such as de or de-AT"),
        ('languages = ["greek"]', "'greek' is not a language tag"),
        ('languages = ["EL"]', "'EL' is not a language tag"),
        ('title = { en = "Athens", gr = "Αθήνα" }', "title: 'gr' is not the tag of a language: did you mean 'el'?"),
        ('languages = ["cz-CZ"]', "languages: 'cz-CZ' is not the tag of a language: did you mean 'cs'?"),
        ('tagline = { gb = "x" }', "tagline: 'gb' is not the tag of a language: did you mean 'en'?"),
        ('languages = ["xx"]', "'xx' is not the tag of a language, such as de or de-AT"),
        ('title = { german = "Bremen" }', "title: 'german' is not a language tag"),
        ('title = { de = "" }', "the text for de is empty"),
        ('former_bases = "https://old.example.com/"', "former_bases must be a list of texts"),
        ('former_bases = ["old"]', "'old' is not a base"),
        ('licence = "CC-BY-4.0"', "licence must be the address of the licence"),
        ('home = "Bremen"', "home must be the path of an identifier, such as city/bremen, not 'Bremen'"),
        ('home = "https://data.example.com/id/city/bremen"', "home must be the path of an identifier"),
        ('examples = { person = "Erika" }', "person must be the path of an identifier"),
        ("examples = { person = 3 }", "person must be a text"),
        ("[publisher]\nname = 0", "name must be a text"),
        ("server = 3", "server must be a table"),
    ],
)
def test_an_invalid_key_or_value_is_an_error_that_says_what_to_write(text: str, message: str) -> None:
    """A misspelt key would otherwise be ignored silently."""
    with pytest.raises(InstanceError, match=message):
        parse_instance(text)


@pytest.mark.parametrize("tag", ["el", "de-AT", "zh-Hant", "ku", "kmr", "he", "iw", "sr-Latn-RS"])
def test_every_language_may_be_that_of_an_instance(tag: str) -> None:
    """Also one of three letters, which no list here has, and one with a script."""
    assert parse_instance(f'languages = ["{tag}"]').languages == (tag,)


def test_an_invalid_file_is_a_message_of_the_command(tmp_path: Path) -> None:
    """The status is that of an error of usage."""
    (tmp_path / "citygraph.toml").write_text("bas = 1\n", encoding="utf-8")
    command = [sys.executable, "-m", "citygraph.cli", "validate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: citygraph.toml: 'bas' is not a key: did you mean 'base'?\n"


def test_the_base_of_the_file_is_the_base_of_all_terms(tmp_path: Path) -> None:
    """The vocabulary keeps its IRIs."""
    (tmp_path / "citygraph.toml").write_text('base = "https://daten.example.com"\n', encoding="utf-8")
    code = "from citygraph.rdf.terms import *; print(DATASET.value, PREFIXES['city'], PREFIXES['role'], CG)"
    environment = {name: value for name, value in os.environ.items() if name != "CITYGRAPH_BASE"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == [
        "https://daten.example.com/dataset",
        "https://daten.example.com/id/city/",
        "https://w3id.org/citygraph/ontology/roles/",
        "https://w3id.org/citygraph/ontology#",
    ]


def test_a_base_that_is_no_web_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable; every command ended with a traceback (14 §1)."""
    monkeypatch.setenv("CITYGRAPH_BASE", "foo")
    with pytest.raises(InstanceError, match="CITYGRAPH_BASE is 'foo': it must begin with https://"):
        instance_base.__wrapped__()


def test_a_base_with_a_space_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No identifier can begin with it."""
    monkeypatch.setenv("CITYGRAPH_BASE", "https://data.example.com /")
    with pytest.raises(InstanceError, match="write an address such as"):
        instance_base.__wrapped__()


def test_settings_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    """An editor of Windows may save İ in another encoding; the message names the file (14 §1)."""
    file = tmp_path / "citygraph.toml"
    file.write_bytes('[title]\ntr = "İzmir"\n'.encode("cp1254"))
    with pytest.raises(InstanceError, match=r"citygraph\.toml cannot be read as a text in UTF-8"):
        read_instance(file)


def test_settings_that_link_to_nothing_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without them, a release would have another base."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CITYGRAPH_CONFIG", raising=False)
    Path("citygraph.toml").symlink_to("nowhere")
    with pytest.raises(InstanceError, match=r"citygraph\.toml is not a file, or links to one that does not exist"):
        current_instance.__wrapped__()


def test_settings_that_cannot_be_read_are_reported_with_the_reason(tmp_path: Path) -> None:
    """The message named an encoding before."""
    (tmp_path / "citygraph.toml").mkdir()
    with pytest.raises(InstanceError, match=r"citygraph\.toml cannot be read: Is a directory"):
        read_instance(tmp_path / "citygraph.toml")
