"""Checked uploads kept between preview and publication: one JSON file each, named by a hash, for a day."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citygraph.errors import NotFound
from citygraph.saving import replace_text
from citygraph.sheets.checked_upload import CheckedUpload, upload_from_json

_KEPT_SECONDS = 24 * 60 * 60.0
_MOST = 100  # the oldest are deleted first
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KeptCheck:
    """A check of a token's holder. After publication it has the releases before and after, to undo it."""

    name: str
    holder: str
    upload: CheckedUpload
    before: str = ""
    published: str = ""
    undone: str = ""


class KeptChecks:
    """A folder of checks. It has the content read from the uploaded files, not the files themselves."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def name_of(self, holder: str, parts: Iterable[bytes]) -> str:
        """Returns the name of a check, by its sender, its files and how they were read."""
        digest = hashlib.sha256(holder.encode())
        for part in parts:
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def copy_path(self, name: str) -> Path:
        """Returns where the copy of the workbook with its problems is."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder / f"{name}.xlsx"

    def keep(self, check: KeptCheck) -> KeptCheck:
        """Writes a check, and deletes expired ones."""
        self._sweep()
        values = {**check.__dict__, "upload": check.upload.as_json()}
        replace_text(self._path(check.name), json.dumps(values, ensure_ascii=False))
        return check

    def mark_published(self, check: KeptCheck, before: str, published: str) -> KeptCheck:
        """Records the release that a check was published in, and the one before it."""
        return self.keep(replace(check, before=before, published=published, undone=""))

    def mark_undone(self, check: KeptCheck, release: str) -> KeptCheck:
        """Records the release that undid the publication."""
        return self.keep(replace(check, undone=release))

    def get(self, name: str, holder: str) -> KeptCheck:
        """Returns a check of this holder. Raises NotFound."""
        try:
            if not _NAME.fullmatch(name):
                raise FileNotFoundError(name)
            path = self._path(name)
            if path.stat().st_mtime < self._clock() - _KEPT_SECONDS:
                raise FileNotFoundError(name)
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound("the check of these files is no longer kept: upload them again") from None
        if values["holder"] != holder:
            raise NotFound("the check of these files is no longer kept: upload them again")
        return KeptCheck(**{**values, "upload": upload_from_json(values["upload"])})

    def _path(self, name: str) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder / f"{name}.json"

    def _sweep(self) -> None:
        ages = []
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            # Another process may have deleted it.
            try:
                ages.append((path.stat().st_mtime, path))
            except FileNotFoundError:
                continue
        ages.sort(reverse=True, key=lambda one: one[0])
        oldest = self._clock() - _KEPT_SECONDS
        for place, (age, path) in enumerate(ages):
            # Each check is a file or two.
            if age < oldest or place >= _MOST * 2:
                path.unlink(missing_ok=True)
