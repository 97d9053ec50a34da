"""The pointer to the current release of a folder of objects, replaced only if it has not changed since it was read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from citygraph.errors import BadData, Conflict, NotFound
from citygraph.storage.object_folder import ObjectFolder, StoredFile, record_text, record_values, stored_files

RELEASES = "releases"
_POINTER = "current"


@dataclass(frozen=True)
class ReleasePointer:
    """The current release, and the digest of the record of each release that the publisher keeps, the oldest first.

    `beside` are files that belong to no single release: stored results, and the reasons for pins.
    """

    release: str
    publisher: str
    pushed: str
    records: dict[str, str]
    beside: tuple[StoredFile, ...] = field(default=())

    @property
    def described(self) -> str:
        """Who published what, for messages."""
        return f"{self.release}, pushed by {self.publisher} at {self.pushed}"


def read_pointer(folder: ObjectFolder, tag: str = "") -> tuple[ReleasePointer, str] | None:
    """Returns the pointer and its entity tag; None if it still has the tag.

    Raises NotFound if nothing was pushed there, BadData.
    """
    try:
        found = folder.store.read(_POINTER, tag)
    except NotFound as error:
        if "bucket" in str(error).rpartition(": ")[2]:
            raise
        raise NotFound(f"no release in {folder.name}: publish one there with `citygraph push {folder.name}`") from None
    if found is None:
        return None
    place = folder.store.place(_POINTER)
    return _pointer(record_values(found[0], place), place), found[1]


def replace_pointer(folder: ObjectFolder, pointer: ReleasePointer, tag: str) -> None:
    """Makes a release the current one, if the pointer still has the tag, "" for none.

    Raises Conflict with the other publisher and its release.
    """
    content, _ = record_text(asdict(pointer))
    try:
        folder.store.replace(_POINTER, content, tag)
    except Conflict as error:
        other = None
        with suppress(NotFound, BadData):
            other = read_pointer(folder)
        if other is not None and other[0] == pointer:
            # A response was lost, and the request was sent again.
            return
        now = f"the current release there is now {other[0].described}" if other else str(error)
        raise Conflict(f"another push to {folder.name} was faster: {now}; nothing was switched") from None


def _pointer(values: dict[str, Any], place: str) -> ReleasePointer:
    try:
        pointer = ReleasePointer(**{**values, "beside": stored_files(values["beside"])})
        if pointer.release in pointer.records:
            return pointer
    except (TypeError, KeyError):
        pass
    raise BadData("is not a pointer to a release: a newer version of citygraph may have written it", place)
