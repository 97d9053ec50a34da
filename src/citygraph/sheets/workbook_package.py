"""Spreadsheet files: their kind by the first bytes, and the parts of workbooks within limits."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NoReturn
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile

from citygraph.errors import UsageError

MOST_BYTES = 256 * 2**20  # of a file, and of all parts of a workbook that are read
_MOST_PARTS = 10_000
_BOOKS = {
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.spreadsheet-template": "ods",
}
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0"
SAVE = "open it in a spreadsheet program and save it as .xlsx or .ods"
# Kinds of files that are not tables, by their first bytes.
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a text document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file: unpack it"),
    (b"7z\xbc\xaf", "a compressed file: unpack it"),
    (b"Rar!", "a compressed file: unpack it"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
)
_MARKED = (
    ("<html", f"a web page: {SAVE}"),
    ("<!doctype html", f"a web page: {SAVE}"),
    ("<table", f"a web page: {SAVE}"),
    ("<?xml", f"an XML file: {SAVE}"),
    ("<office:document", f"an XML file: {SAVE}"),
)

Start = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True)
class Package:
    """The parts of a workbook by name, unpacked; each is XML. `kind` is "xlsx" or "ods"."""

    path: Path
    kind: str
    parts: Mapping[str, bytes]
    has_macros: bool = False

    def part(self, name: str) -> bytes:
        """Returns a part. Raises UsageError if the file does not have it."""
        if name not in self.parts:
            raise UsageError(f"{self.path} is not a complete workbook: it has no part {name}")
        return self.parts[name]

    def parse(
        self,
        name: str,
        start: Start,
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Calls the functions for each element of a part, and for its texts. A name is a namespace, a space, a name.

        Raises UsageError if the part is not well-formed, or has a document type: entities could make it endless.
        """
        parser = ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = start
        if end:
            parser.EndElementHandler = end
        if text:
            parser.CharacterDataHandler = text
            # The library ends a value where one of these begins.
            parser.CommentHandler = parser.StartCdataSectionHandler = self._refuse_parts_of_texts
        parser.StartDoctypeDeclHandler = self._refuse_type
        parser.XmlDeclHandler = self._require_utf8
        try:
            parser.Parse(self.part(name), True)
        except (ExpatError, ValueError) as error:
            raise UsageError(f"{self.path} is broken: its part {name} cannot be read ({error}): {SAVE}") from None

    def refuse(self, sheet: str, place: str, what: str) -> UsageError:
        """Returns the error about a cell that no spreadsheet program writes."""
        return UsageError(f"{self.path} is broken at {sheet}!{place}: {what}: {SAVE}")

    def _refuse_parts_of_texts(self, *_: object) -> None:
        raise UsageError(f"{self.path} has XML comments or CDATA, which no spreadsheet program writes: {SAVE}")

    def _refuse_type(self, *_: object) -> None:
        raise UsageError(f"{self.path} has a document type declaration, which no spreadsheet program writes: {SAVE}")

    def _require_utf8(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise UsageError(f"{self.path} has XML in {encoding}, not in UTF-8: {SAVE}")


def packed(parts: Mapping[str, bytes]) -> BytesIO:
    """Returns an archive of these parts."""
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def kind_of(path: Path) -> str:
    """Returns "package" for a workbook, "text" for a table in a text file, by the first bytes of the file.

    Raises UsageError with the kind of file for anything else.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UsageError(f"{path} has {size:,} bytes; at most {MOST_BYTES:,} are read")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise UsageError(f"{path} is an empty file")
    if head.startswith(_ZIP):
        return "package"
    if head.startswith(_OLE):
        _refuse_old(path)
    for mark, what in _OTHERS:
        if head.startswith(mark):
            raise UsageError(f"{path} is not a spreadsheet, but {what}")
    beginning = head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip().lower()
    for word, what in _MARKED:
        if beginning.startswith(word):
            raise UsageError(f"{path} is not a spreadsheet, but {what}")
    return "text"


def _refuse_old(path: Path) -> NoReturn:
    # The names of the streams are in UTF-16.
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise UsageError(f"{path} is protected by a password: save it without one")
    raise UsageError(f"{path} is a file of an old Office program, such as .xls: {SAVE}")


def open_package(path: Path) -> Package:
    """Reads the parts of a workbook that can hold cells.

    Raises UsageError with the reason if it is not a workbook, is protected by a password, is broken or is too large.
    """
    try:
        with ZipFile(path) as archive:
            return _package(path, archive)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} is a broken or incomplete archive ({error})") from None


def _package(path: Path, archive: ZipFile) -> Package:
    infos = {info.filename.replace("\\", "/").lstrip("/"): info for info in archive.infolist()}
    if len(infos) > _MOST_PARTS or len(infos) < len(archive.infolist()):
        raise UsageError(f"{path} has too many parts, or two of one name: {SAVE}")
    if any(info.flag_bits & 1 for info in infos.values()):
        raise UsageError(f"{path} is protected by a password: save it without one")
    xml_parts = {name: info for name, info in infos.items() if name == "mimetype" or name.endswith((".xml", ".rels"))}
    total = sum(info.file_size for info in xml_parts.values())
    if total > MOST_BYTES:
        raise UsageError(f"{path} unpacked has {total:,} bytes; at most {MOST_BYTES:,} are read")
    # A part is never read further than the size that was added up.
    parts = {name: archive.read(info) for name, info in xml_parts.items()}
    kind = _kind(path, infos.keys(), parts)
    if kind == "ods" and b"encryption-data" in parts.get("META-INF/manifest.xml", b""):
        raise UsageError(f"{path} is protected by a password: save it without one")
    macros = any(name.endswith("vbaProject.bin") or name.startswith("Basic/") for name in infos)
    return Package(path, kind, parts, macros)


def _kind(path: Path, names: Iterable[str], parts: Mapping[str, bytes]) -> str:
    listed = list(names)
    kind = _BOOKS.get(parts.get("mimetype", b"").decode("ascii", "replace").strip())
    if kind:
        return kind
    if any(name.startswith("xl/") and name.endswith(".bin") and "workbook" in name for name in listed):
        raise UsageError(f"{path} is a binary workbook, .xlsb: {SAVE}")
    if b"spreadsheetml" in parts.get("[Content_Types].xml", b""):
        return "xlsx"
    for folder, what in (("word/", "a text document"), ("ppt/", "slides"), ("Index/", f"a Numbers file: {SAVE}")):
        if any(name.startswith(folder) for name in listed):
            raise UsageError(f"{path} is not a spreadsheet, but {what}")
    raise UsageError(f"{path} is an archive, but not a workbook: unpack it")
