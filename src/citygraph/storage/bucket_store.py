"""Objects of S3-compatible storage, by obstore, which retries what may succeed later."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citygraph.errors import CitygraphError, Conflict, Forbidden, NotFound, Upstream, UsageError
from citygraph.storage.object_store import StoredObject

if TYPE_CHECKING:
    from obstore.store import S3Store

# A large object is read in parts, so that a slow line fails by part and not as a whole.
_PART = 8 * 1024 * 1024
_CONNECTING, _PART_SECONDS = "5s", "60s"
_RETRIES, _RETRYING = 4, timedelta(seconds=30)
_DURATION = re.compile(r" in [\d.]+[mµn]?s(?:, after \d+ retries, max_retries: \d+, retry_timeout: \w+)?")
# In messages, an error of obstore is its first line.
_LONGEST = 300


def open_bucket(bucket: str, prefix: str) -> BucketStore:
    """Returns the bucket, with credentials and endpoint from the variables AWS_…, else the credentials from a file.

    Raises UsageError if obstore is not installed.
    """
    try:
        from obstore.store import S3Store
    except ImportError:
        raise UsageError(
            "s3:// needs the package obstore: install it with pip install 'citygraph[s3]', or name a folder"
        ) from None
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    provider = _from_file()
    store = S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            # An endpoint without TLS is a deliberate setting.
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": _CONNECTING,
            "timeout": _PART_SECONDS,
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRYING},
        config={"endpoint": endpoint} if endpoint else None,
        credential_provider=provider,
    )
    return BucketStore(store, bucket, prefix)


class BucketStore:
    """A bucket, or a prefix in it, as an object store."""

    def __init__(self, store: S3Store, bucket: str, prefix: str) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix

    @property
    def name(self) -> str:
        """The address."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def place(self, key: str) -> str:
        """Returns the address of an object."""
        return f"{self.name}/{key}"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Does nothing: writers meet where they replace an object."""
        yield

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yields the objects whose keys begin with the name of a folder."""
        import obstore

        with self._errors(prefix):
            for batch in obstore.list(self._store, prefix.rstrip("/")):
                for one in batch:
                    yield StoredObject(one["path"], one["size"], one["last_modified"])

    def read(self, key: str, tag: str = "") -> tuple[bytes, str] | None:
        """Returns a small object and its entity tag; None if the tag is still that one. Raises NotFound."""
        import obstore
        from obstore.exceptions import NotModifiedError

        with self._errors(key):
            try:
                result = obstore.get(self._store, key, options={"if_none_match": tag} if tag else None)
            except NotModifiedError:
                return None
            return bytes(result.bytes()), result.meta["e_tag"] or ""

    def pieces(self, key: str, size: int) -> Iterator[bytes]:
        """Yields the bytes of an object, one more than its size if it is longer. Raises NotFound."""
        import obstore

        with self._errors(key):
            # A range of an empty object cannot be requested.
            is_large = size > _PART
            result = obstore.get(self._store, key, options={"range": (0, _PART)} if is_large else None)
            end = min(result.meta["size"], size + 1)
            yield bytes(result.bytes())[:end]
            for start in range(_PART, end, _PART) if is_large else ():
                yield bytes(obstore.get_range(self._store, key, start=start, end=min(start + _PART, end)))

    def put(self, key: str, content: Iterable[bytes]) -> None:
        """Writes an object, whatever was there."""
        import obstore

        with self._errors(key):
            obstore.put(self._store, key, _first_part(content), mode="overwrite")

    def replace(self, key: str, content: bytes, tag: str) -> None:
        """Writes a small object if the present one has this tag ("" if absent). Raises Conflict otherwise."""
        import obstore
        from obstore.exceptions import NotSupportedError

        with self._errors(key):
            # Without the version, which is None and would be refused.
            try:
                obstore.put(self._store, key, content, mode={"e_tag": tag} if tag else "create")
            except NotSupportedError:
                raise Upstream(f"{self.name} does not support conditional writes, which this needs") from None

    def delete(self, key: str) -> None:
        """Removes an object if it exists."""
        import obstore

        with self._errors(key):
            obstore.delete(self._store, key)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        """Turns the errors of obstore into those of citygraph."""
        from obstore import exceptions

        try:
            yield
        except CitygraphError:
            raise
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            raise Conflict(f"{self.place(key)} was replaced by another process meanwhile") from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
            raise Forbidden(
                f"{self.name} refuses access: check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or "
                "~/.aws/credentials) and their rights to list, read and write"
            ) from None
        except FileNotFoundError as error:
            what = f"there is no bucket {self._bucket}" if "NoSuchBucket" in str(error) else "missing"
            raise NotFound(f"{self.place(key)}: {what}") from None
        except exceptions.BaseError as error:
            raise Upstream(_sentence(self.name, str(error))) from None


def _sentence(name: str, text: str) -> str:
    # The same fault in the same words: without how long it took.
    reason = _DURATION.sub("", text.partition("\n")[0].partition("Debug source")[0]).strip()
    return f"{name} cannot be reached: {reason[:_LONGEST]}"


def _first_part(content: Iterable[bytes]) -> bytes | Iterator[bytes]:
    """Returns a small content whole, which is sent in one request; of a large one its pieces, sent in parts."""
    pieces = iter(content)
    begun, size = [], 0
    for piece in pieces:
        begun.append(piece)
        size += len(piece)
        if size > _PART:
            return _continued(begun, pieces)
    return b"".join(begun)


def _continued(begun: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from begun
    yield from rest


def _from_file() -> Any:
    """Returns a provider of the credentials in the file of AWS's tools, if no variable has them and the file does."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return None
    path = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(Path(path).expanduser(), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read as a file of credentials") from None
    profile = os.environ.get("AWS_PROFILE") or "default"
    if not parser.has_option(profile, "aws_access_key_id"):
        return None
    section = parser[profile]

    def provide() -> dict[str, object]:
        return {
            "access_key_id": section["aws_access_key_id"],
            "secret_access_key": section.get("aws_secret_access_key", ""),
            "token": section.get("aws_session_token"),
            "expires_at": None,
        }

    return provide
