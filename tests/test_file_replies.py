"""Files in parts: each Range header gets what RFC 9110 wants, on every address that sends files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client, EnvironBuilder, TestResponse

from citygraph.errors import Busy, RangeNotSatisfiable
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.http.file_replies import FileBody, FileSender
from citygraph.web.http.messages import Reply, Request

BODY = bytes(range(100))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as one:
        yield one


@pytest.fixture(scope="module")
def site(built: tuple[Releases, Release, Report]) -> FlaskClient:
    return create_app(Settings(), built[0]).test_client()


def fetched(file: Path, method: str = "GET", **headers: str) -> TestResponse:
    """Returns the response to a request for the file, read and closed."""

    def site(environ: Any, start_response: Any) -> Any:
        reply = FileSender(Settings()).reply(Request(environ), file, [("Content-Type", "application/octet-stream")])
        return reply.send(environ["REQUEST_METHOD"], start_response)

    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Client(site).open(method=method, headers=sent)
    response.get_data()
    response.close()
    return response


@pytest.mark.parametrize(
    "path", ["/doc/city/izmir.ttl", "/releases.json", "/explore.csv", "/tables/cities.csv", "/dumps/citygraph.nq.gz"]
)
def test_another_version_than_that_of_if_match_is_not_sent(site: FlaskClient, path: str) -> None:
    """A part of another version would damage a download (RFC 9110, 13.1.1)."""
    tag = site.get(path).headers["ETag"]
    for method in ("GET", "HEAD"):
        for part in ({}, {"Range": "bytes=0-3"}):
            status = 206 if part and method == "GET" else 200
            for value in (tag, f'"another", {tag}', f'W/"another", {tag}', "*"):
                assert site.open(path, method=method, headers={"If-Match": value, **part}).status_code == status
            for value in ('"another"', f"W/{tag}", f'W/{tag}, "another"', '""'):
                assert site.open(path, method=method, headers={"If-Match": value, **part}).status_code == 412
    # It comes before If-None-Match (13.2.2).
    assert site.get(path, headers={"If-Match": '"another"', "If-None-Match": tag}).status_code == 412
    assert site.get(path, headers={"If-Match": tag, "If-None-Match": tag}).status_code == 304
    assert site.get("/doc/city/nowhere", headers={"If-Match": '"another"'}).status_code == 404


def test_a_file_that_was_modified_since_a_time_is_not_sent(site: FlaskClient) -> None:
    """Only where there is no If-Match, and the time can be read (RFC 9110, 13.1.4)."""
    path = "/dumps/citygraph.nq.gz"
    whole = site.get(path)
    modified, earlier = whole.headers["Last-Modified"], "Mon, 01 Jan 2001 00:00:00 GMT"
    assert site.get(path, headers={"If-Unmodified-Since": modified}).status_code == 200
    assert site.get(path, headers={"If-Unmodified-Since": earlier}).status_code == 412
    assert site.get(path, headers={"If-Unmodified-Since": "yesterday"}).status_code == 200
    both = {"If-Unmodified-Since": earlier, "If-Match": whole.headers["ETag"]}
    assert site.get(path, headers=both).status_code == 200


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-10", 90, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-262144", 0, 100),
        ("bytes=0-", 0, 100),
        ("Bytes=0-9", 0, 10),
        ("bytes=99-99", 99, 100),
        ("bytes=0-9, 10-19", 0, 20),
        ("bytes=5-14,0-9", 0, 15),
        ("bytes=0-9,500-", 0, 10),
    ],
)
def test_a_range_selects_a_part(file: Path, header: str, start: int, end: int) -> None:
    """206 with exactly these bytes; a suffix longer than the file is all of it (13.34)."""
    response = fetched(file, Range=header)
    assert (response.status_code, response.data) == (206, BODY[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/100"
    assert response.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=x-y", "bytes=9-0", "bytes=-", "lines=0-1", "0-9", "bytes=0-9,x", "bytes=0-0,9-9",
     "bytes=" + ",".join(["0-0"] * 101), "bytes=" + "9" * 5000 + "-"],
)  # fmt: skip
def test_other_headers_get_the_whole_file(file: Path, header: str) -> None:
    """What cannot be read is ignored, and so are several parts, which a server may ignore (13.34)."""
    response = fetched(file, Range=header)
    assert (response.status_code, response.data) == (200, BODY)
    assert "Content-Range" not in response.headers
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=100-,200-"])
def test_a_range_outside_the_file_is_an_error(file: Path, header: str) -> None:
    """The error has the size of the file (13.34)."""
    request = Request(EnvironBuilder(headers=[("Range", header)]).get_environ())
    with pytest.raises(RangeNotSatisfiable) as caught:
        FileSender(Settings()).reply(request, file, [])
    assert caught.value.size == 100


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-5"])
def test_an_empty_file_is_whole(tmp_path: Path, header: str) -> None:
    """Content-Range cannot name a part of nothing (13.34)."""
    (tmp_path / "empty").touch()
    response = fetched(tmp_path / "empty", Range=header)
    assert (response.status_code, response.data, response.headers["Content-Length"]) == (200, b"", "0")


def test_a_range_counts_only_for_the_known_file(file: Path) -> None:
    """If-Range with another tag, a weak one, or another time gets the whole file (13.34)."""
    whole = fetched(file)
    tag, changed = whole.headers["ETag"], whole.headers["Last-Modified"]
    for same in (tag, changed):
        assert fetched(file, Range="bytes=0-9", If_Range=same).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sat, 01 Jan 2000 00:00:00 GMT", "nonsense"):
        response = fetched(file, Range="bytes=0-9", If_Range=other)
        assert (response.status_code, response.data) == (200, BODY)
    assert fetched(file, Range="bytes=0-9", If_None_Match=tag).status_code == 304


def test_large_files_leave_room_for_others(tmp_path: Path, stack: ExitStack) -> None:
    """A client that stops reading holds a thread: few threads send large files, and fewer to one client (13.25)."""
    large = tmp_path / "large"
    with large.open("wb") as out:
        out.truncate(2 * 1024 * 1024)
    sender = FileSender(Settings(threads=16))

    def asked(address: str, method: str = "GET", **headers: str) -> Reply:
        request = EnvironBuilder(method=method, headers=list(headers.items()), environ_base={"REMOTE_ADDR": address})
        return sender.reply(Request(request.get_environ()), large, [])

    sent = [asked("192.0.2.1"), asked("192.0.2.1")]
    with pytest.raises(Busy) as caught:
        asked("192.0.2.1")
    assert caught.value.yours
    sent += [asked("192.0.2.2"), asked("192.0.2.3")]
    with pytest.raises(Busy) as caught:
        asked("192.0.2.4")
    assert not caught.value.yours
    # A small part is read at once, and HEAD reads nothing.
    assert asked("192.0.2.1", Range="bytes=-10").body == bytes(10)
    assert asked("192.0.2.1", "HEAD").header("Content-Length") == str(2 * 1024 * 1024)
    first = sent.pop(0).body
    assert isinstance(first, FileBody)
    assert sum(map(len, first)) == 2 * 1024 * 1024
    first.close()
    first.close()
    sent.append(asked("192.0.2.1"))
    # A body that nobody closes frees its place too.
    sent.clear()
    for number in range(4):
        body = asked(f"192.0.2.{number}").body
        assert isinstance(body, FileBody)
        stack.callback(body.close)


def test_head_has_the_headers_of_the_whole_file(file: Path) -> None:
    """A range has a meaning for GET only (13.34)."""
    response = fetched(file, "HEAD", Range="bytes=0-9")
    assert (response.status_code, response.data) == (200, b"")
    assert (response.headers["Content-Length"], response.headers["Accept-Ranges"]) == ("100", "bytes")


@pytest.mark.parametrize(
    "path", ["/tables/cities.parquet", "/dumps/citygraph.nq.gz", "/static/mark.svg", "/static/citygraph.css"]
)
def test_every_address_of_files_knows_ranges(site: FlaskClient, path: str) -> None:
    """Tables, dumps and static files alike (13.34)."""
    with site.get(path) as whole:
        size = len(whole.data)
    with site.get(path, headers={"Range": "bytes=-1000000000"}) as suffix:
        assert (suffix.status_code, suffix.data) == (206, whole.data)
    with site.get(path, headers={"Range": f"bytes={size}-"}) as outside:
        assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")
        assert outside.get_json()["type"].endswith("/problems/range-not-satisfiable")
    with site.get(path, headers={"Range": "bytes=0-0,-1"}) as several:
        assert (several.status_code, several.data) == (200, whole.data)
    with site.head(path) as head:
        assert (head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (str(size), "bytes")


@pytest.mark.parametrize("path", ["/explore.csv", "/doc/city/izmir.ttl", "/doc/city/izmir.html", "/releases.json"])
def test_parts_of_other_replies_are_served_too(site: FlaskClient, path: str) -> None:
    """Polars reads CSV only from addresses that support this (13.34)."""
    whole = site.get(path)
    part = site.get(path, headers={"Range": "bytes=0-3", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.data) == (206, whole.data[:4])
    assert part.headers["Content-Range"] == f"bytes 0-3/{len(whole.data)}"
    assert part.headers["Content-Length"] == "4"
    assert part.headers["ETag"] == whole.headers["ETag"]
    last = site.get(path, headers={"Range": "bytes=-99999999"})
    assert (last.status_code, last.data) == (206, whole.data)
    assert site.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert site.get(path, headers={"Range": "bytes=0-3", "If-Range": '"another"'}).data == whole.data
    assert site.head(path, headers={"Range": "bytes=0-3"}).status_code == 200
    packed = site.get(path, headers={"Accept-Encoding": "gzip"})
    packed_part = site.get(path, headers={"Accept-Encoding": "gzip", "Range": "bytes=5-9"})
    assert packed_part.data == packed.data[5:10]


@pytest.mark.parametrize("path", ["/health", "/doc/city/atlantis", "/id/city/izmir"])
def test_replies_that_are_no_whole_result_ignore_ranges(site: FlaskClient, path: str) -> None:
    """Without a validator, parts of different replies could be joined (13.34)."""
    assert site.get(path, headers={"Range": "bytes=0-3"}).status_code == site.get(path).status_code


def test_unsatisfiable_range_is_explained_to_a_browser(site: FlaskClient) -> None:
    """The page shows the size, which is a number (13.34)."""
    headers = {"Range": "bytes=99999999-", "Accept": "text/html"}
    response = site.get("/dumps/citygraph.ttl.gz", headers=headers)
    assert (response.status_code, response.mimetype) == (416, "text/html")
    size = response.headers["Content-Range"].removeprefix("bytes */")
    assert f"<dd>{size}</dd>" in response.text
