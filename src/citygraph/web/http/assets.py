"""Static files: the assets that Node built under hashed names, and files with compression and caching."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from werkzeug.security import safe_join

from citygraph.errors import NotFound
from citygraph.web.http.bodies import SMALLEST, compress
from citygraph.web.http.file_replies import FileSender
from citygraph.web.http.messages import FOR_EVER, Reply, Request, coded_tag, is_unmodified
from citygraph.web.http.negotiation import encoding

STATIC = Path(__file__).parents[1] / "static"
BUILT = "built"
# web/build.mjs writes the manifest last: without it nothing was built, or the build stopped half-way.
_MANIFEST = "manifest.json"
_PARTS = (("workbench.js", "workbench"), ("fonts.css", "fonts"), ("world/land-110m.json", "outlines"))
_HASHED = re.compile(r".*-[0-9A-Za-z]{8,10}\.(?:js|css|woff2)")
_TEXTS = (".css", ".js", ".json", ".svg", ".txt")
_SHORT = 3600
_CODINGS = (("br", ".br"), ("gzip", ".gz"))
_STORED_CODINGS = tuple(coding for coding, _ in _CODINGS)
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".css": "text/css", ".txt": "text/plain"}


@dataclass(frozen=True)
class Assets:
    """The built assets: the file for each name that pages use, and the versions of the packages in them."""

    entries: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Returns whether an asset was built."""
        return name in self.entries

    def path(self, name: str) -> str:
        """Returns the path of an asset such as "workbench.js", for `addresses.path`."""
        return f"static/{BUILT}/{self.entries[name]}"

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts that the site lacks because they were not built."""
        return tuple(part for name, part in _PARTS if name not in self.entries)


def read_assets(folder: Path = STATIC) -> Assets:
    """Returns the assets in a static folder; none where Node is missing, for the site works without them."""
    try:
        manifest = json.loads((folder / BUILT / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Assets()
    return Assets(manifest["entries"], manifest["versions"])


class StaticFiles:
    """The files of a folder: compressed if the client accepts it, immutable if their name has a hash."""

    def __init__(self, folder: Path, sender: FileSender) -> None:
        self._folder = folder
        self._sender = sender
        # For the few files of this repository; Node has compressed its own already.
        self._compressed = lru_cache(64)(_compressed)

    def file(self, request: Request, name: str) -> Reply:
        """Returns a file by its public name. Raises NotFound for a name outside the folder, RangeNotSatisfiable."""
        path = Path(safe_join(str(self._folder), name) or "")
        if not path.is_file():
            raise NotFound(f"there is nothing at {request.path}")
        is_text = name.endswith(_TEXTS)
        coding = encoding(request.header("Accept-Encoding"), _STORED_CODINGS) if is_text else None
        reply = self._coded(request, path, name, coding) if coding else self._plain(request, path, name)
        if is_text:
            reply.append("Vary", "Accept-Encoding")
        return reply

    def _plain(self, request: Request, path: Path, name: str) -> Reply:
        return self._sender.reply(request, path, _headers(name))

    def _coded(self, request: Request, path: Path, name: str, coding: str) -> Reply:
        """Returns a text file in a content coding, compressed by the build or here."""
        headers = [*_headers(name), ("Content-Encoding", coding)]
        stored = path.with_name(path.name + dict(_CODINGS)[coding])
        if stored.is_file():
            return self._sender.reply(request, stored, headers, coding=coding)
        state = path.stat()
        if state.st_size < SMALLEST:
            return self._plain(request, path, name)
        tag = f"{state.st_mtime_ns:x}-{state.st_size:x}"
        headers.append(("ETag", coded_tag(tag, coding)))
        if is_unmodified(request, tag):
            return Reply(304, headers)
        return Reply(200, headers, self._compressed(path, state.st_mtime_ns, coding))


def _headers(name: str) -> list[tuple[str, str]]:
    return [("Content-Type", _type(name)), ("Cache-Control", _caching(name))]


def _compressed(path: Path, changed: int, coding: str) -> bytes:
    del changed  # a part of the cache key: a changed file is compressed again
    return compress(path.read_bytes(), coding)


def _caching(name: str) -> str:
    """Returns the value of Cache-Control: unlimited for a name with a hash of the contents."""
    return FOR_EVER if name.startswith(f"{BUILT}/") and _HASHED.fullmatch(name) else f"public, max-age={_SHORT}"


def _type(name: str) -> str:
    suffix = Path(name).suffix
    type_ = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"{type_}; charset=utf-8" if type_.startswith("text/") or type_.endswith("+xml") else type_
