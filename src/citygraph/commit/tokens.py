"""Bearer tokens for writing: made and revoked by an operator, kept as hashes, scoped to graphs and rights."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from citygraph.errors import Conflict, NotFound, Unauthorized, UsageError

RIGHTS = ("write", "admin")
# So that a token is known as one, by people and by scanners of leaked secrets.
_BEGINNING = "cgt_"
_NAME = re.compile(r"[\w.@+-]{1,64}")


@dataclass(frozen=True)
class Holder:
    """Who a token belongs to, and what it is good for. `prefixes` are the beginnings of names of graphs."""

    name: str
    rights: tuple[str, ...] = ("write",)
    prefixes: tuple[str, ...] = ("",)
    made: str = ""
    expires: str = ""  # a day, the last on which it is good; empty: no end


class Tokens:
    """The file of the tokens. It holds no token, only hashes: of 256 random bits one round of SHA-256 is enough."""

    def __init__(self, path: Path, today: Callable[[], str] = lambda: f"{datetime.now(UTC):%Y-%m-%d}") -> None:
        self._path = path
        self._today = today
        self._read_at: tuple[int, int, int] | None = None
        self._holders: dict[str, Holder] = {}

    def make(self, holder: Holder) -> str:
        """A new token, told this once. Raises Conflict if the name is taken, UsageError for a bad name or right."""
        if not _NAME.fullmatch(holder.name):
            raise UsageError(f"{holder.name!r} is no name for a token: letters, digits and . _ @ + - make one")
        if unknown := set(holder.rights) - set(RIGHTS):
            raise UsageError(f"there is no right {sorted(unknown)[0]!r}; there are {', '.join(RIGHTS)}")
        token = _BEGINNING + secrets.token_urlsafe(32)
        with self._changed() as holders:
            if any(other.name == holder.name for other in holders.values()):
                raise Conflict(f"there is a token {holder.name!r} already: revoke it first")
            holders[_hash(token)] = Holder(holder.name, holder.rights, holder.prefixes, self._today(), holder.expires)
        return token

    def revoke(self, name: str) -> None:
        """Let a token be good for nothing from now on. Raises NotFound."""
        with self._changed() as holders:
            hashes = [hash_ for hash_, holder in holders.items() if holder.name == name]
            if not hashes:
                raise NotFound(f"there is no token {name!r}")
            for hash_ in hashes:
                del holders[hash_]

    def holders(self) -> list[Holder]:
        """Whose tokens are good, by name."""
        return sorted(self._current().values(), key=lambda holder: holder.name)

    def holder(self, token: str) -> Holder:
        """Whose token this is. Raises Unauthorized if it is nobody's, or its time is over."""
        wanted = _hash(token)
        found = [holder for hash_, holder in self._current().items() if hmac.compare_digest(hash_, wanted)]
        if not found:
            raise Unauthorized("the token is not one of ours, or it was revoked")
        if found[0].expires and found[0].expires < self._today():
            raise Unauthorized(f"the token was good until {found[0].expires}")
        return found[0]

    def _current(self) -> dict[str, Holder]:
        """The tokens by hash, read again when the file is another: a revoked token is refused at once."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return {}
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        if state != self._read_at:
            self._holders = _read(self._path)
            self._read_at = state
        return self._holders

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Holder]]:
        """The tokens, to be changed and then written, by one at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f".{self._path.name}.lock")
        with os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            holders = _read(self._path) if self._path.exists() else {}
            yield holders
            _write(self._path, holders)


def bearer(authorization: str) -> str:
    """The token in an Authorization header (RFC 6750, 2.1). Raises Unauthorized if it holds none."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise Unauthorized("this needs a token, in the header Authorization: Bearer …")
    return token.strip()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> dict[str, Holder]:
    values = json.loads(path.read_text(encoding="utf-8"))
    return {
        hash_: Holder(**{**holder, "rights": tuple(holder["rights"]), "prefixes": tuple(holder["prefixes"])})
        for hash_, holder in values.items()
    }


def _write(path: Path, holders: dict[str, Holder]) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({hash_: asdict(holder) for hash_, holder in holders.items()}, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
