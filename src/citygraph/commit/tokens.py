"""Bearer tokens for writing: created and revoked by an operator, stored as hashes, scoped to graphs and rights."""

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
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from citygraph.errors import CitygraphError, Conflict, NotFound, Unauthorized, UsageError
from citygraph.rdf.partial_dates import full_date, present_day
from citygraph.saving import naming

RIGHTS = ("write", "admin")
# A fixed prefix lets people and scanners for leaked secrets recognise a token.
_PREFIX = "cgt_"
_NAME = re.compile(r"[\w.@+-]{1,64}")


@dataclass(frozen=True)
class TokenHolder:
    """The holder of a token and its scope: rights, and prefixes of the IRIs of graphs."""

    name: str
    rights: tuple[str, ...] = ("write",)
    prefixes: tuple[str, ...] = ("",)
    made: str = ""
    expires: str = ""  # the last day on which it is valid; empty means no end


class Tokens:
    """The file of the tokens. It has only their hashes."""

    # A token is 256 random bits, which cannot be guessed, so that one round of SHA-256 is enough.

    def __init__(self, path: Path, today: Callable[[], str] = lambda: present_day().isoformat()) -> None:
        self._path = path
        self._today = today
        self._read_at: tuple[int, int, int] | None = None
        self._holders: dict[str, TokenHolder] = {}

    def make(self, holder: TokenHolder) -> str:
        """Creates a token and returns it; it cannot be read again.

        Raises Conflict if the name is taken, UsageError for an invalid name, right or last day.
        """
        if not _NAME.fullmatch(holder.name):
            raise UsageError(f"{holder.name!r} is not a name for a token: use letters, digits and . _ @ + -")
        if unknown := set(holder.rights) - set(RIGHTS):
            raise UsageError(f"there is no right {sorted(unknown)[0]!r}; there are {', '.join(RIGHTS)}")
        self._check_end(holder.expires)
        token = _PREFIX + secrets.token_urlsafe(32)
        with self._changed() as holders:
            if any(other.name == holder.name for other in holders.values()):
                raise Conflict(f"there is a token {holder.name!r} already: revoke it first")
            holders[_hash(token)] = TokenHolder(
                holder.name, holder.rights, holder.prefixes, self._today(), holder.expires
            )
        return token

    def revoke(self, name: str) -> None:
        """Revokes a token by the name of its holder. Raises NotFound."""
        with self._changed() as holders:
            hashes = [hash_ for hash_, holder in holders.items() if holder.name == name]
            if not hashes:
                raise NotFound(f"there is no token {name!r}")
            for hash_ in hashes:
                del holders[hash_]

    def rebase(self, move: Callable[[str], str], save: bool = True) -> int:
        """Replaces the prefixes of graphs by what `move` returns for them; returns how many change."""
        changed = sum(move(prefix) != prefix for holder in self.holders() for prefix in holder.prefixes)
        if changed and save:
            with self._changed() as holders:
                for hash_, holder in holders.items():
                    holders[hash_] = replace(holder, prefixes=tuple(map(move, holder.prefixes)))
        return changed

    def holders(self) -> list[TokenHolder]:
        """Returns the holders of all tokens, sorted by name."""
        return sorted(self._current().values(), key=lambda holder: holder.name)

    def holder(self, token: str) -> TokenHolder:
        """Returns the holder of a token. Raises Unauthorized for an unknown, revoked or expired token."""
        digest = _hash(token)
        # All hashes are compared, each in constant time, so that timing does not reveal how much of one matches.
        matches = [holder for hash_, holder in self._current().items() if hmac.compare_digest(hash_, digest)]
        if not matches:
            raise Unauthorized("the token is unknown or was revoked")
        if not self.is_valid(matches[0]):
            raise Unauthorized(f"the token was valid until {matches[0].expires}")
        return matches[0]

    def is_valid(self, holder: TokenHolder) -> bool:
        """Returns whether a holder's token has not expired. An end that is not a day has passed."""
        # Days are compared as text: 31.12.2027 would be after every day of this millennium.
        end = holder.expires
        return not end or (full_date(end) is not None and end >= self._today())

    def _check_end(self, end: str) -> None:
        if end and full_date(end) is None:
            raise UsageError(f"{end!r} is not a day such as 2027-12-31")
        if end and end < self._today():
            raise UsageError(f"the last day of the token, {end}, has passed")

    def _current(self) -> dict[str, TokenHolder]:
        """Returns the holders by hash, read again if the file has changed: revocation has effect at once."""
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
    def _changed(self) -> Iterator[dict[str, TokenHolder]]:
        """Yields the holders by hash for modification under a lock, and writes them afterwards."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A lock file of its own, because the file of the tokens is replaced by each change.
        lock = self._path.with_name(f".{self._path.name}.lock")
        with os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR, 0o600), "r+") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)
            holders = _read(self._path) if self._path.exists() else {}
            yield holders
            _write(self._path, holders)


def bearer(authorization: str) -> str:
    """Returns the token in an Authorization header (RFC 6750, 2.1). Raises Unauthorized if there is none."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise Unauthorized("a token is required in the header Authorization: Bearer …")
    return token.strip()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> dict[str, TokenHolder]:
    """Returns the holders by hash. Raises CitygraphError for a damaged file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {
            hash_: TokenHolder(**{**holder, "rights": tuple(holder["rights"]), "prefixes": tuple(holder["prefixes"])})
            for hash_, holder in values.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CitygraphError(f"{path} is damaged: restore it from a backup, or remove it and make new tokens") from None


def _write(path: Path, holders: dict[str, TokenHolder]) -> None:
    # Written to a new file and renamed, so that readers never see half of it, not even after a crash.
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with naming(path, new):
        with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({hash_: asdict(holder) for hash_, holder in holders.items()}, file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
