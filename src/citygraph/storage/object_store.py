"""The interface of a store of objects by key: a folder, or a bucket of S3-compatible storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing."""

    key: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Keeps objects by key, each written whole or not at all. No name or error has credentials."""

    @property
    def name(self) -> str:
        """The folder or the address, for messages."""
        ...

    def place(self, key: str) -> str:
        """Returns where an object is, for messages."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Prepares for many objects to be written. Raises Conflict if another process writes, where that is known."""
        ...

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yields the objects whose keys begin with the name of a folder, which ends with a slash."""
        ...

    def read(self, key: str, tag: str = "") -> tuple[bytes, str] | None:
        """Returns a small object and its entity tag; None if the tag is still that one. Raises NotFound."""
        ...

    def pieces(self, key: str, size: int) -> Iterator[bytes]:
        """Yields the first bytes of an object, up to the size that is expected. Raises NotFound."""
        ...

    def put(self, key: str, content: Iterable[bytes]) -> None:
        """Writes an object, whatever was there."""
        ...

    def replace(self, key: str, content: bytes, tag: str) -> None:
        """Writes a small object if the present one has this tag ("" if absent). Raises Conflict otherwise."""
        ...

    def delete(self, key: str) -> None:
        """Removes an object if it exists."""
        ...
