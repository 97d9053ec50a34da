"""The reader of outside text: byte order marks are ignored, packed files unpacked, and errors have a place."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat

from citygraph.errors import BadData
from citygraph.source.files import extra_files
from citygraph.source.reading import opened_file, read_body, read_quads, read_text

MARK = b"\xef\xbb\xbf"
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:a="http://a/">
<rdf:Description rdf:about="http://a/s"><a:p>one</a:p></rdf:Description></rdf:RDF>"""
TEXTS = {
    "ttl": '<http://a/s> <http://a/p> "one" .',
    "trig": '<http://a/s> <http://a/p> "one" .',
    "nt": '<http://a/s> <http://a/p> "one" .',
    "nq": '<http://a/s> <http://a/p> "one" .',
    "jsonld": '{"@id": "http://a/s", "http://a/p": "one"}',
    "rdf": _XML,
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("extension", TEXTS)
def test_byte_order_mark_in_front_of_rdf_is_ignored(tmp_path: Path, extension: str, packed: bool) -> None:
    """(13.5) In every format, packed or not, the statements are those of the file without it."""
    path = tmp_path / f"x.{extension}{'.gz' if packed else ''}"
    data = MARK + TEXTS[extension].encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    (file,) = extra_files([path])
    assert [str(quad.triple) for quad in file.read()] == ['<http://a/s> <http://a/p> "one"']


def test_byte_order_mark_does_not_move_an_error() -> None:
    """(13.5) Line and column are those that an editor shows."""
    with pytest.raises(BadData) as plain:
        list(read_body(b"<http://a> !\n", RdfFormat.TURTLE, "x"))
    with pytest.raises(BadData) as marked:
        list(read_body(MARK + b"<http://a> !\n", RdfFormat.TURTLE, "x"))
    assert (marked.value.line, marked.value.column) == (plain.value.line, plain.value.column) == (1, 12)


def test_text_of_a_mark_alone_is_empty() -> None:
    """(13.5) An editor saves an empty file so."""
    assert list(read_body(MARK, RdfFormat.TURTLE, "x")) == []


def test_unseen_character_is_named_in_the_message() -> None:
    """(13.5) A mark between two joined files is an error, whose message shows its code."""
    with pytest.raises(BadData, match=r"x:2:1: .*U\+FEFF is not") as raised:
        list(read_body(b"<http://a> <http://b> 1 .\n" + MARK + b"<http://a> <http://b> 2 .", RdfFormat.TURTLE, "x"))
    assert "\ufeff" not in str(raised.value)


def test_text_files_are_read_without_mark_and_in_utf_8_only(tmp_path: Path) -> None:
    """(13.5) Queries, rules and shapes; a text in another encoding is refused with its line, and UTF-16 by its name."""
    path = tmp_path / "x.rq"
    path.write_bytes(MARK + b"ASK\r\n{}")
    assert read_text(path) == "ASK\n{}"
    path.write_bytes('ASK\n{ ?s ?p "ş" }'.encode("cp1254"))
    with pytest.raises(BadData, match=r"x\.rq:2: the byte 0xFE is not UTF-8"):
        read_text(path)
    path.write_bytes("ASK {}".encode("utf-16"))
    with pytest.raises(BadData, match="UTF-16"):
        read_text(path)


@pytest.mark.parametrize("keep", [0, 12, -9])
def test_packed_file_that_is_damaged_is_named(tmp_path: Path, keep: int) -> None:
    """(13.6) Not a packed file at all, cut, or with a wrong checksum: the error has the name of the file."""
    path = tmp_path / "x.ttl.gz"
    path.write_bytes(gzip.compress(b"<http://a> <http://b> 1 .")[:keep] if keep else b"<http://a> <http://b> 1 .")
    with pytest.raises(BadData, match=r"x\.ttl\.gz: the file cannot be unpacked"):
        list(read_quads(partial(opened_file, path), RdfFormat.TURTLE, path.name))


def test_file_may_have_any_name(tmp_path: Path) -> None:
    """(13.6) Spaces and signs in the name of a file are no fault of its statements."""
    path = tmp_path / "my notes #1 %.ttl"
    path.write_text('<http://a> <http://b> "one" .')
    (file,) = extra_files([path])
    assert len(list(file.read())) == 1
