"""Static files: what Node built and under which hashed names, what is missing, and each file compressed on the wire."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory
from werkzeug.datastructures import MIMEAccept
from werkzeug.security import safe_join

from citygraph.web.http.bodies import SMALLEST, compress

STATIC = Path(__file__).parents[1] / "static"
BUILT = "built"
# The manifest that web/build.mjs writes last: without it nothing was built, or not to its end.
_MANIFEST = "manifest.json"
_PARTS = (("workbench.js", "workbench"), ("fonts.css", "fonts"), ("world/land-110m.json", "outlines"))
# A name with a hash of what is in it never means anything else.
_HASHED = re.compile(r".*-[0-9A-Za-z]{8,10}\.(?:js|css|woff2)")
_TEXTS = (".css", ".js", ".json", ".svg", ".txt")
_SHORT = 3600
_CODINGS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".css": "text/css", ".txt": "text/plain"}


@dataclass(frozen=True)
class Assets:
    """What was built: the file of each name that pages ask for, and the versions of what it is made of."""

    entries: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether it was built."""
        return name in self.entries

    def path(self, name: str) -> str:
        """The path of what was built from a name such as "workbench.js", to be given to `addresses.path`."""
        return f"static/{BUILT}/{self.entries[name]}"

    @property
    def missing(self) -> tuple[str, ...]:
        """What the site does without because it was not built."""
        return tuple(part for name, part in _PARTS if name not in self.entries)


def read_assets(folder: Path = STATIC) -> Assets:
    """What lies in a static folder. Nothing is built where Node is missing: the site does without."""
    try:
        manifest = json.loads((folder / BUILT / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Assets()
    return Assets(manifest["entries"], manifest["versions"])


def mount_assets(app: Flask, folder: Path = STATIC) -> None:
    """Answer for /static/."""
    app.register_blueprint(StaticFiles(folder).blueprint())


class StaticFiles:
    """The files of a folder, compressed if the client reads that, and kept for ever if their name has a hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Our own few files; what Node built has been pressed already.
        self._pressed = lru_cache(64)(_pressed)

    def blueprint(self) -> Blueprint:
        """The address."""
        blueprint = Blueprint("assets", __name__)
        blueprint.add_url_rule("/static/<path:name>", "file", self.file, methods=["GET"])
        return blueprint

    def file(self, name: str) -> Response:
        """One file, of those that have a public name. A name that leads out of the folder is not found."""
        found = safe_join(str(self._folder), name)
        is_text = name.endswith(_TEXTS)
        coding = _coding(request.accept_encodings) if is_text and found and Path(found).is_file() else ""
        response = self._plain(name) if not coding else self._coded(Path(str(found)), name, coding)
        if _HASHED.fullmatch(name) and name.startswith(f"{BUILT}/"):
            response.cache_control.immutable = True
        if is_text:
            response.vary.add("Accept-Encoding")
        return response

    def _plain(self, name: str) -> Response:
        return send_from_directory(self._folder, name, mimetype=_type(name), max_age=_max_age(name), conditional=True)

    def _coded(self, path: Path, name: str, coding: str) -> Response:
        """A text in a content coding: as it was pressed by the build, or by us."""
        suffix = dict(_CODINGS)[coding]
        if Path(f"{path}{suffix}").is_file():
            response = send_from_directory(
                self._folder, name + suffix, mimetype=_type(name), max_age=_max_age(name), conditional=True
            )
            response.headers["Content-Encoding"] = coding
            return response
        state = path.stat()
        if state.st_size < SMALLEST:
            return self._plain(name)
        response = Response(self._pressed(path, state.st_mtime_ns, coding), mimetype=_type(name))
        response.headers["Content-Encoding"] = coding
        response.cache_control.public = True
        response.cache_control.max_age = _max_age(name)
        response.set_etag(f"{state.st_mtime_ns:x}-{state.st_size:x}-{coding}")
        return response.make_conditional(request)  # type: ignore[return-value]


def _pressed(path: Path, changed: int, coding: str) -> bytes:
    del changed  # part of the key: a file that has changed is pressed anew
    return compress(path.read_bytes(), coding)


def _coding(accepted: MIMEAccept | object) -> str:
    """The content coding that is used, or nothing."""
    quality = getattr(accepted, "quality", None)
    return next((coding for coding, _ in _CODINGS if quality and quality(coding) > 0), "")


def _max_age(name: str) -> int:
    return 31_536_000 if name.startswith(f"{BUILT}/") and _HASHED.fullmatch(name) else _SHORT


def _type(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
