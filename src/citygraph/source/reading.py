"""The reader of all external RDF and text: files, packed files and the bodies of requests.

A byte order mark at the beginning is ignored, and errors have a name and a line.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from pyoxigraph import Quad, RdfFormat, parse

from citygraph.errors import BadData, UsageError
from citygraph.instance import current_instance
from citygraph.rdf.terms import with_instance_base
from citygraph.source.instance_languages import with_languages, with_translations
from citygraph.text import visible, without_mark

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Opener = Callable[[], IO[bytes]]


def check_file(path: Path) -> None:
    """Raises UsageError if a path is not that of a file."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder, and must be a file")
    if not path.is_file():
        raise UsageError(f"{path}: no such file")


def files_below(folder: Path, is_wanted: Callable[[str], bool], recursive: bool = True) -> list[Path]:
    """Returns the files in a folder, and in the folders in it, whose names are wanted, sorted; none without the folder.

    Links to files and folders are followed. Raises OSError for a folder that cannot be read, and BadData for a link to
    nothing that may be to such a file or folder: a release would lack their statements unnoticed.
    """
    return sorted(_files_below(folder, is_wanted, recursive, frozenset()))


def query_files_below(folder: Path) -> list[Path]:
    """Returns the stored queries in a folder and in the folders in it, sorted. Raises as `files_below`."""
    return files_below(folder, lambda name: name.endswith(".rq"))


def _files_below(
    folder: Path, is_wanted: Callable[[str], bool], recursive: bool, within: frozenset[tuple[int, int]]
) -> Iterator[Path]:
    try:
        status, entries = folder.stat(), list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    # A link to a folder that it is in leads to files that are read already.
    if (folder_id := (status.st_dev, status.st_ino)) in within:
        return
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir():
            if recursive:
                yield from _files_below(path, is_wanted, recursive, within | {folder_id})
        elif entry.is_file():
            if is_wanted(entry.name):
                yield path
        elif entry.is_symlink() and not path.exists():
            _refuse_link(path, is_wanted(entry.name), recursive)


def _refuse_link(path: Path, is_wanted: bool, recursive: bool) -> None:
    """Raises BadData for a link to nothing that a file or, with `recursive`, a folder is expected at."""
    # Editors leave hidden links to nothing while a file is open.
    if path.name.startswith("."):
        return
    if is_wanted:
        raise BadData("it links to a file that does not exist: restore it, or remove the link", str(path))
    if recursive and not path.suffix:
        raise BadData("it links to a folder that does not exist: restore it, or remove the link", str(path))


def read_text(path: Path) -> str:
    """Returns the text of a file. Raises BadData if it is not UTF-8."""
    return decoded_text(path.read_bytes(), str(path))


def read_packaged_text(path: Path, reader: str = "") -> str:
    """Returns the text of a file of ontology, shapes, rules or queries, with base and languages of the instance.

    English texts are translated (see `with_translations`). `reader` is the language of the reader of a query's result.
    Raises BadData if it is not UTF-8.
    """
    return _for_instance(read_text(path), reader)


# A build reads stored queries and shapes several times.
@lru_cache(512)
def _for_instance(text: str, reader: str) -> str:
    return with_languages(with_instance_base(with_translations(text)), current_instance(), reader)


def decoded_text(data: bytes, name: str) -> str:
    """Returns text that was read from `name`, with the line ends of Python. Raises BadData if it is not UTF-8."""
    try:
        return without_mark(data.decode("utf-8")).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_utf_8(data, error, name) from None


def unpacked_file(path: Path) -> bytes:
    """Returns the bytes of a file, unpacked if its name ends in `.gz`. Raises BadData if it cannot be unpacked."""
    with opened_file(path) as stream:
        try:
            return stream.read()
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadData(f"the file cannot be unpacked: {error}", str(path)) from None


def opened_file(path: Path) -> IO[bytes]:
    """Opens a file for reading, unpacked if its name ends in `.gz`."""
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def read_quads(opener: Opener, format_: RdfFormat, name: str, base: str | None = None) -> Iterator[tuple[int, Quad]]:
    """Yields the quads of RDF text as written, each with the line on which it ends.

    Raises BadData, with the name of the text, line and column, if it cannot be read.
    """
    # The parser reads only when it needs more: given one line at a time, the number of lines is its position.
    with opener() as stream:
        lines = _Lines(stream)
        try:
            for quad in parse(cast("IO[bytes]", lines), format_, base_iri=base):
                yield lines.count, quad
        except SyntaxError as error:
            raise BadData(visible(error.msg), name, error.lineno, error.offset) from None
        except UnicodeDecodeError as error:
            raise BadData(str(error), name, lines.count or None) from None
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadData(f"the file cannot be unpacked: {error}", name) from None
        except ValueError as error:
            raise BadData(visible(str(error)), name, lines.count or None) from None


def read_body(data: bytes, format_: RdfFormat, name: str, base: str | None = None) -> Iterator[tuple[int, Quad]]:
    """Yields the quads of RDF text in memory, as `read_quads` does."""
    return read_quads(lambda: io.BytesIO(data), format_, name, base)


class _Lines:
    """A stream without byte order mark that returns at most one line per read, and counts the lines it has begun."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at_start = True
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        first = self.count == 0
        self.count += self._at_start
        piece = self._stream.readline(size)  # a line longer than the parser's buffer comes in pieces
        self._at_start = piece.endswith(b"\n")
        if first and piece.startswith(codecs.BOM_UTF8):
            # An empty piece would be the end of the text.
            piece = piece[len(codecs.BOM_UTF8) :] or self._stream.readline(size)
        return piece


def _not_utf_8(data: bytes, error: UnicodeDecodeError, name: str) -> BadData:
    if data.startswith(_UTF_16):
        return BadData("the text is UTF-16: save it as UTF-8", name)
    line = data.count(b"\n", 0, error.start) + 1
    return BadData(f"the byte 0x{data[error.start]:02X} is not UTF-8: save the text as UTF-8", name, line)
