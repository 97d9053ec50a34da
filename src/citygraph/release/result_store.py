"""Stored results: records in the folder of releases, which protect their releases from removal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from citygraph.errors import BadData, NotFound, StorageFull, TooLarge, UsageError
from citygraph.release.cited_result import ID, CitedResult, read_record
from citygraph.saving import replace_text

if TYPE_CHECKING:
    from citygraph.release.releases import Release, Releases

_FOLDER = ".results"
# A file occupies at least a block of the disk.
_BLOCK = 4096
# Bytes of the longest query of a record; longer ones are not for human readers.
LONGEST = 64 * 1024


class ResultStore:
    """The records of a folder of releases, one file per identifier; `limit` is in bytes, 0 for no limit."""

    def __init__(self, releases: Releases, limit: int = 0) -> None:
        self._releases = releases
        self._folder = releases.root / _FOLDER
        self._limit = limit

    def get(self, result_id: str) -> CitedResult:
        """Returns a stored record. Raises NotFound, with how to obtain it."""
        if ID.fullmatch(result_id):
            with suppress(FileNotFoundError):
                return _read(self._path(result_id))
        raise NotFound(
            f"the result {result_id[:40]!r} is not stored here: anyone who has its record, or its query and the digest "
            "of its release, can store it with POST /results, and gets the same identifier"
        )

    def has(self, result_id: str) -> bool:
        """Returns whether a result is stored."""
        return self._path(result_id).is_file()

    def store(self, record: CitedResult) -> CitedResult:
        """Stores a record and returns it, or returns the equal stored one. Its release is then protected.

        Raises TooLarge, StorageFull if the limit is reached, NotFound if the release has been removed.
        """
        text = record.as_json()
        if len(record.query.encode()) > LONGEST:
            raise TooLarge(f"a cited query may have {LONGEST} bytes in its normal form", LONGEST)
        # The lock is that of the releases: none is removed between this check and the record that protects it.
        with self._releases.locked():
            if self.has(record.id):
                return self.get(record.id)
            self._releases.get(record.release_id)
            self._check_limit(text)
            try:
                replace_text(self._path(record.id), text)
            except OSError as error:
                raise StorageFull(f"the result could not be stored: {error.strerror}") from error
        return record

    def remove(self, result_id: str) -> None:
        """Removes a record. Raises NotFound."""
        self.get(result_id)
        self._path(result_id).unlink()

    def records(self) -> Iterator[CitedResult]:
        """Yields all records, sorted by identifier. Raises BadData, which names the file, if one cannot be read."""
        for path in sorted(self._folder.glob("*.json")):
            # It has been removed in the meantime.
            with suppress(FileNotFoundError):
                yield _read(path)

    def _check_limit(self, text: str) -> None:
        """Raises StorageFull if a record of this text exceeds the limit; removes the rests of interrupted writes."""
        size = _size(len(text.encode()))
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.suffix == ".part":
                # Only one process at a time has the lock, so that this one was not finished.
                path.unlink(missing_ok=True)
            else:
                size += _size(path.stat().st_size)
        if self._limit and size > self._limit:
            raise StorageFull(
                f"the stored results have reached their limit of {self._limit} bytes (CITYGRAPH_STORED_RESULTS_SIZE): "
                "the operator can raise it, or remove results with `citygraph cite remove`"
            )

    def _path(self, result_id: str) -> Path:
        return self._folder / f"{result_id}.json"


def cited_releases(releases: Releases) -> dict[str, tuple[str, ...]]:
    """Returns the releases that stored results need, each with the identifiers of these results."""
    history = releases.history()
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for record in ResultStore(releases).records():
        release = release_of(record, history)
        if release is not None:
            ids[release.id].append(record.id)
    return {release_id: tuple(results) for release_id, results in ids.items()}


def release_of(record: CitedResult, history: Sequence[Release]) -> Release | None:
    """Returns the release of a record: the named one, else the first with the same digest."""
    same = [release for release in history if release.manifest.digest == record.release]
    named = (release for release in same if release.id == record.release_id)
    return next(named, None) or min(same, key=lambda release: release.id, default=None)


def protected(releases: Releases) -> dict[str, str]:
    """Returns the releases that are never pruned, each with the reason: pinned, or cited by stored results."""
    cited = {
        release_id: f"cited by {len(results)} stored result(s)"
        for release_id, results in cited_releases(releases).items()
    }
    return cited | releases.pins()


def _read(path: Path) -> CitedResult:
    try:
        return read_record(path.read_text(encoding="utf-8"))
    except UsageError as error:
        raise BadData(str(error), str(path)) from None


def _size(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK
