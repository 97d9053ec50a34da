"""Tokens are told once, kept as hashes, and good for nothing once revoked."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from citygraph.commit.tokens import TokenHolder, Tokens, bearer
from citygraph.errors import CitygraphError, Conflict, NotFound, Unauthorized, UsageError


def test_a_token_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    """The file has no token in it, and nobody else may read it."""
    tokens = Tokens(tmp_path / "tokens.json")
    token = tokens.make(TokenHolder("ada", prefixes=("https://e/",)))
    assert tokens.holder(token).name == "ada"
    assert tokens.holder(token).prefixes == ("https://e/",)
    assert token not in (tmp_path / "tokens.json").read_text()
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_a_revoked_token_is_refused_at_once(tmp_path: Path) -> None:
    """By a process too that has known it as good."""
    tokens, serving = Tokens(tmp_path / "tokens.json"), Tokens(tmp_path / "tokens.json")
    token, other = tokens.make(TokenHolder("ada")), tokens.make(TokenHolder("bob"))
    assert serving.holder(token).name == "ada"
    tokens.revoke("ada")
    with pytest.raises(Unauthorized):
        serving.holder(token)
    assert serving.holder(other).name == "bob"
    with pytest.raises(NotFound):
        tokens.revoke("ada")


def test_a_token_has_an_end(tmp_path: Path) -> None:
    """It is good on its last day and not after."""
    token = Tokens(tmp_path / "t", lambda: "2026-01-01").make(TokenHolder("ada", expires="2026-01-31"))
    assert Tokens(tmp_path / "t", lambda: "2026-01-31").holder(token).name == "ada"
    with pytest.raises(Unauthorized, match="2026-01-31"):
        Tokens(tmp_path / "t", lambda: "2026-02-01").holder(token)


@pytest.mark.parametrize("end", ["31.12.2027", "2027", "2027-12", "20271231", "2027-02-30", "tomorrow", "2025-12-31"])
def test_a_token_ends_on_a_day_to_come(tmp_path: Path, end: str) -> None:
    """Another text would be compared with days: 31.12.2027 is after every day of this millennium."""
    with pytest.raises(UsageError, match=end):
        Tokens(tmp_path / "t", lambda: "2026-01-01").make(TokenHolder("ada", expires=end))


def test_a_token_whose_end_is_not_a_day_is_refused(tmp_path: Path) -> None:
    """A file of an earlier version may have such an end."""
    tokens = Tokens(tmp_path / "t", lambda: "2026-01-01")
    token = tokens.make(TokenHolder("ada", expires="2026-12-31"))
    (tmp_path / "t").write_text((tmp_path / "t").read_text().replace("2026-12-31", "31.12.2026"))
    with pytest.raises(Unauthorized, match=r"31\.12\.2026"):
        tokens.holder(token)


def test_names_are_unique_and_rights_known(tmp_path: Path) -> None:
    """A name says whose commit it was; it must not mean two."""
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.make(TokenHolder("ada"))
    with pytest.raises(Conflict):
        tokens.make(TokenHolder("ada"))
    with pytest.raises(UsageError):
        tokens.make(TokenHolder("bob", rights=("everything",)))
    with pytest.raises(UsageError):
        tokens.make(TokenHolder("two\nlines"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "cgt_x"])
def test_a_header_without_a_token_is_refused(header: str) -> None:
    """Nothing else than Bearer is read (RFC 6750)."""
    with pytest.raises(Unauthorized):
        bearer(header)


def test_no_token_at_all_is_good(tmp_path: Path) -> None:
    """Without a file nobody may write."""
    with pytest.raises(Unauthorized):
        Tokens(tmp_path / "none").holder("")


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"hash": {"name": "ada"}}', '{"hash": 1}'])
def test_a_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    """The command ended with a traceback."""
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(CitygraphError, match=r"tokens\.json is damaged"):
        Tokens(path).holders()
    with pytest.raises(CitygraphError, match=r"tokens\.json is damaged"):
        Tokens(path).make(TokenHolder("ada"))
    assert path.read_text() == text


def test_a_full_disk_is_reported_with_the_name_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of writing has no name of its own."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match=r"tokens\.json'$"):
        Tokens(tmp_path / "tokens.json").make(TokenHolder("ada"))
    assert not (tmp_path / "tokens.json").exists()
