"""Compiled forms of the package's own files, kept where and when Python keeps its compiled modules (PEP 3147)."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple

_SIZE = 16  # bytes of a digest


class CompiledFile(NamedTuple):
    """The compiled form of a file, such as __pycache__/tr.po.cpython-311.pyc; `key` is a digest of its inputs."""

    path: Path
    key: bytes

    @classmethod
    def of(cls, source: Path, *inputs: str) -> CompiledFile:
        """Returns the compiled form of a file, which depends on `inputs` and on the version of Python."""
        return cls(Path(cache_from_source(f"{source}.py")), _digest("\0".join(inputs).encode()))

    def read(self) -> bytes | None:
        """Returns the content; None if there is none for these inputs, or the file is damaged."""
        try:
            whole = self.path.read_bytes()
        except OSError:
            return None
        content = whole[2 * _SIZE :]
        return content if whole[: 2 * _SIZE] == self.key + _digest(content) else None

    def write(self, content: bytes) -> None:
        """Keeps the content, if Python may keep compiled modules too and the folder can be written."""
        if sys.dont_write_bytecode:
            return
        # Other processes may read and write it at the same time.
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(self.key + _digest(content) + content)
            part.replace(self.path)
        except OSError:
            with suppress(OSError):
                part.unlink()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_SIZE).digest()
