"""Compiled forms of files: kept for the same inputs, and never in the way of a page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment

from citygraph import catalogues
from citygraph.compiled_file import CompiledFile
from citygraph.web.view import templates
from citygraph.web.view.templates import Templates


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which Python keeps its compiled modules."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    return tmp_path


def test_content_is_kept_for_the_same_inputs() -> None:
    """A changed file is compiled again."""
    CompiledFile.of(Path("/package/page.html"), "text").write(b"compiled")
    assert CompiledFile.of(Path("/package/page.html"), "text").read() == b"compiled"
    assert CompiledFile.of(Path("/package/page.html"), "changed").read() is None
    assert CompiledFile.of(Path("/package/other.html"), "text").read() is None


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda _: b"", lambda whole: whole + b"x"])
def test_damaged_file_is_not_read(damage: object) -> None:
    """A disk may have been full."""
    file = CompiledFile.of(Path("/package/page.html"), "text")
    file.write(b"compiled")
    file.path.write_bytes(damage(file.path.read_bytes()))  # type: ignore[operator]
    assert file.read() is None


def test_nothing_is_kept_where_python_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONDONTWRITEBYTECODE holds for these files, too."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    CompiledFile.of(Path("/package/page.html"), "text").write(b"compiled")
    assert list(folder.iterdir()) == []


def test_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    """The package may belong to another user."""
    (folder / "file").write_text("", encoding="utf-8")
    file = CompiledFile.of(Path("/file/page.html"), "text")
    file.write(b"compiled")
    assert file.read() is None


def test_templates_are_compiled_once_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later processes read what the first one has compiled."""
    name = "frame/languages.html"
    first = Templates()._environment.get_template(name)
    monkeypatch.setattr(Environment, "compile", _refuse)
    assert Templates()._environment.get_template(name).root_render_func is not first.root_render_func


def test_templates_are_compiled_again_by_another_version_of_jinja(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its update may correct errors in the code of templates."""
    name = "frame/languages.html"
    Templates()._environment.get_template(name)
    monkeypatch.setattr(templates, "version", lambda _: "next")
    monkeypatch.setattr(Environment, "compile", _refuse)
    with pytest.raises(AssertionError, match="compiled again"):
        Templates()._environment.get_template(name)


def test_catalogues_are_compiled_once_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later processes need no Babel for the texts of a language."""
    read = catalogues.translations.__wrapped__
    text = read("tr").gettext("Sources")
    monkeypatch.setattr(catalogues, "_compiled", _refuse)
    assert read("tr").gettext("Sources") == text != "Sources"


def _refuse(*_: object, **__: object) -> bytes:
    raise AssertionError("it is compiled again")
