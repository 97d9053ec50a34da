"""The layout of stored content: objects named by their SHA-256, and records that refer to them, written last."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from citygraph.errors import BadData, NotFound, UsageError
from citygraph.storage.folder_store import FolderStore
from citygraph.storage.object_store import ObjectStore

_OBJECTS = "objects/"
_RECORD = ".json"
_PIECE = 1024 * 1024
# Larger contents are not held in memory.
_SMALL = 8 * 1024 * 1024
# Younger objects are not removed, because a record may be about to refer to them.
_BEING_WRITTEN = timedelta(hours=12)


@dataclass(frozen=True)
class StoredFile:
    """A file: its path in the restored folder, and its content by digest."""

    path: str
    sha256: str
    size: int
    mode: int
    modified: int  # in nanoseconds


class ObjectFolder:
    """A folder or bucket of objects and records. Equal contents are stored once, whichever record names them."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self._there: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The folder or the address, for messages."""
        return self.store.name

    @contextmanager
    def writing(self, known: Iterable[str] = ()) -> Iterator[None]:
        """Prepares for objects to be added; those with the digests `known` are named by a record that stays.

        Raises Conflict if another process writes to the folder.
        """
        with self.store.writing():
            named, now = set(known), datetime.now(UTC)
            self._there = {
                sha256: one.size
                for one in self.store.listed(_OBJECTS)
                if (sha256 := digest_of(one.key)) in named or now - one.modified < _BEING_WRITTEN
            }
            yield

    def has(self, sha256: str, size: int) -> bool:
        """Returns whether an object need not be added."""
        return self._there.get(sha256) == size

    def add(self, file: IO[bytes]) -> tuple[str, int, bool]:
        """Stores the content of a file unless it exists; returns its digest, its size and whether it was new.

        Raises BadData if the file changed during the copy.
        """
        content = file.read(_SMALL + 1)
        if len(content) <= _SMALL:
            return self._add(iter([content]), hashlib.sha256(content).hexdigest(), len(content))
        file.seek(0)
        sha256, size = _sum(_pieces(file))
        file.seek(0)
        # Only the present size: lines may be appended during the copy.
        return self._add(_pieces(file, size), sha256, size)

    def _add(self, content: Iterator[bytes], sha256: str, size: int) -> tuple[str, int, bool]:
        if self.has(sha256, size):
            return sha256, size, False
        digest = hashlib.sha256()
        self.store.put(key_of(sha256), _summed(content, digest))
        if digest.hexdigest() != sha256:
            self.store.delete(key_of(sha256))
            raise BadData("was written to while it was copied", self.store.place(key_of(sha256)))
        self._there[sha256] = size
        return sha256, size, True

    def write_to(self, file: StoredFile, target: IO[bytes]) -> int:
        """Writes the content of a file to an open one; returns its size. Raises BadData if it is missing or damaged."""
        digest, size = hashlib.sha256(), 0
        try:
            for piece in _summed(self.store.pieces(key_of(file.sha256), file.size), digest):
                size += len(piece)
                target.write(piece)
        except NotFound:
            raise BadData(f"missing, with the content of {file.path}", self._place(file)) from None
        if (digest.hexdigest(), size) != (file.sha256, file.size):
            raise BadData(f"damaged: it should be the content of {file.path}", self._place(file))
        return size

    def problem(self, file: StoredFile) -> str:
        """Returns the problem with a file's object, including the file name; "" if the object is valid."""
        try:
            sha256, size = _sum(self.store.pieces(key_of(file.sha256), file.size))
        except NotFound:
            return f"{self._place(file)}: missing"
        except OSError as error:
            return f"{self._place(file)}: {error.strerror}"
        if (sha256, size) == (file.sha256, file.size):
            return ""
        return f"{self._place(file)}: damaged: {size} bytes with SHA-256 {sha256[:12]}…, instead of {file.size} bytes"

    def _place(self, file: StoredFile) -> str:
        return self.store.place(key_of(file.sha256))

    def write_record(self, kind: str, name: str, values: dict[str, Any]) -> str:
        """Writes a record, whose first line is the digest of the rest, and returns that digest."""
        text, digest = record_text(values)
        self.store.put(f"{kind}/{name}{_RECORD}", [text])
        return digest

    def names(self, kind: str) -> list[str]:
        """Returns the names of the records of a kind, the newest first."""
        keys = (one.key for one in self.store.listed(f"{kind}/"))
        names = (key.removeprefix(f"{kind}/").removesuffix(_RECORD) for key in keys if key.endswith(_RECORD))
        return sorted((name for name in names if "/" not in name), reverse=True)

    def read_record(self, kind: str, name: str, digest: str = "") -> dict[str, Any]:
        """Returns a record. Raises NotFound, BadData if it is damaged or has not the digest that is expected."""
        key = f"{kind}/{name}{_RECORD}"
        content, _ = self.store.read(key) or (b"", "")
        return record_values(content, self.store.place(key), digest)

    def remove_record(self, kind: str, name: str) -> None:
        """Removes a record; the objects that it names stay."""
        self.store.delete(f"{kind}/{name}{_RECORD}")

    def objects(self) -> dict[str, tuple[int, datetime]]:
        """Returns all objects by digest, with size and time."""
        return {digest_of(one.key): (one.size, one.modified) for one in self.store.listed(_OBJECTS)}

    def remove_object(self, sha256: str) -> None:
        """Removes an object."""
        self.store.delete(key_of(sha256))


def open_folder(address: str | Path, private: bool = True) -> ObjectFolder:
    """Returns the object folder at an address: a folder, or s3://bucket/prefix.

    Files in a `private` folder are readable by the owner only. Raises UsageError for any other address, or if the
    package for S3 is not installed.
    """
    if isinstance(address, Path) or "://" not in address:
        return ObjectFolder(FolderStore(Path(address), private))
    parts = urlsplit(address)
    if "@" in parts.netloc:
        # The address is not repeated, because it has a secret.
        raise UsageError(
            "an address must not have credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or write them to ~/.aws/credentials"
        )
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{parts.scheme}://{parts.netloc}{parts.path} is neither a folder nor s3://bucket/prefix")
    # Most commands need no network.
    from citygraph.storage.bucket_store import open_bucket

    return ObjectFolder(open_bucket(parts.netloc, parts.path.strip("/")))


def key_of(sha256: str) -> str:
    """Returns the key of an object."""
    return f"{_OBJECTS}{sha256[:2]}/{sha256[2:]}"


def digest_of(key: str) -> str:
    """Returns the digest of the object with a key."""
    return key.removeprefix(_OBJECTS).replace("/", "")


def record_text(values: dict[str, Any]) -> tuple[bytes, str]:
    """Returns the bytes of a record, and its digest."""
    text = json.dumps(values, ensure_ascii=False, indent=1).encode()
    digest = hashlib.sha256(text).hexdigest()
    return f"{digest}\n".encode() + text, digest


def record_values(content: bytes, place: str, digest: str = "") -> dict[str, Any]:
    """Returns the values of a record. Raises BadData if it is damaged or has not the digest that is expected."""
    first, _, text = content.partition(b"\n")
    actual = hashlib.sha256(text).hexdigest()
    if first.decode("ascii", "replace") != actual:
        raise BadData("damaged: its content does not have the digest in its first line", place)
    if digest and actual != digest:
        raise BadData(f"has another content than expected: SHA-256 {actual[:12]}…, not {digest[:12]}…", place)
    values = json.loads(text)
    if not isinstance(values, dict):
        raise BadData("is not a record", place)
    return values


def stored_files(values: Iterable[dict[str, Any]]) -> tuple[StoredFile, ...]:
    """Returns the files in a record."""
    return tuple(StoredFile(**file) for file in values)


def _pieces(file: IO[bytes], size: int = sys.maxsize) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(size, _PIECE))):
        size -= len(piece)
        yield piece


def _summed(pieces: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _sum(pieces: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
