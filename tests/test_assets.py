"""Static files: what was built is named by its hash and kept for ever; what was not is told, and done without."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import brotli
import pytest
from werkzeug.test import Client, TestResponse

from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web.http.assets import StaticFiles, read_assets
from citygraph.web.http.file_replies import FileSender
from citygraph.web.http.messages import Request
from citygraph.web.pages.error_pages import ErrorPages
from citygraph.web.view.templates import Templates

STYLE = "p { color: teal }\n" * 200
SCRIPT = "workbench-ABCDEFGH.js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static folder with a style of ours, and a script as the build leaves it."""
    (tmp_path / "own.css").write_text(STYLE)
    built = tmp_path / "built"
    built.mkdir()
    (built / SCRIPT).write_text("plain")
    (built / f"{SCRIPT}.br").write_bytes(brotli.compress(b"plain"))
    (built / "manifest.json").write_text(
        json.dumps({"entries": {"workbench.js": SCRIPT}, "versions": {"@zazuko/yasqe": "4.6.2"}, "files": {}})
    )
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Client:
    """Somebody who asks for files."""
    files = StaticFiles(folder, FileSender(Settings()))
    errors = ErrorPages(Settings(), Releases(folder), Templates())

    def site(environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        reply = errors.guard(request, lambda one: files.file(one, one.path.removeprefix("/static/")))
        return reply.send(request.method, start_response)

    return Client(site)


def fetched(client: Client, path: str, **headers: str) -> TestResponse:
    """The answer, with its file read and closed."""
    response = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response.get_data()
    response.close()
    return response


def test_what_was_built_is_found_by_its_plain_name(folder: Path) -> None:
    """A template asks for "workbench.js"; the address has the hash."""
    assets = read_assets(folder)
    assert assets.has("workbench.js")
    assert assets.path("workbench.js") == f"static/built/{SCRIPT}"
    assert assets.missing == ("fonts", "outlines")


def test_nothing_built_is_no_error(tmp_path: Path) -> None:
    """Without Node the site says what it does without."""
    assets = read_assets(tmp_path)
    assert not assets.has("workbench.js")
    assert assets.missing == ("workbench", "fonts", "outlines")


def test_hashed_names_are_kept_for_ever_and_others_for_an_hour(client: Client) -> None:
    """A name with a hash never means anything else."""
    hashed = fetched(client, f"/static/built/{SCRIPT}").headers["Cache-Control"]
    assert {"public", "max-age=31536000", "immutable"} == set(hashed.split(", "))
    own = fetched(client, "/static/own.css").headers["Cache-Control"]
    assert {"public", "max-age=3600"} == set(own.split(", "))


def test_texts_are_compressed_as_the_client_likes(client: Client) -> None:
    """In brotli as the build pressed it; our own files by us, in brotli or gzip; or plain."""
    pressed = fetched(client, f"/static/built/{SCRIPT}", Accept_Encoding="br, gzip")
    assert (pressed.headers["Content-Encoding"], pressed.content_type) == ("br", "text/javascript; charset=utf-8")
    assert brotli.decompress(pressed.data) == b"plain"
    own = fetched(client, "/static/own.css", Accept_Encoding="gzip")
    assert gzip.decompress(own.data).decode() == STYLE
    assert "Accept-Encoding" in own.headers["Vary"]
    plain = fetched(client, "/static/own.css")
    assert "Content-Encoding" not in plain.headers
    assert plain.text == STYLE


def test_a_file_that_is_known_is_not_sent_again(client: Client) -> None:
    """304, in each coding."""
    for coding in ("br", "gzip", "identity"):
        tag = fetched(client, "/static/own.css", Accept_Encoding=coding).headers["ETag"]
        again = fetched(client, "/static/own.css", Accept_Encoding=coding, If_None_Match=tag)
        assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["nothing.css", "../test_assets.py", "..%2f..%2fetc%2fpasswd", "built", "built/../../x"]
)
def test_what_is_no_file_of_the_folder_is_not_found(client: Client, name: str) -> None:
    """No name leads out of the folder."""
    assert fetched(client, f"/static/{name}").status_code == 404
