"""SPARQL Update, and the access control, body limits and audit log of all addresses that write."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Protocol

from citygraph.audit_log import AuditLog
from citygraph.commit.change import Change, Commit, Update, details_of
from citygraph.commit.tokens import TokenHolder, Tokens, bearer
from citygraph.errors import (
    BadData,
    Busy,
    CitygraphError,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    TooLarge,
    UnsupportedMedia,
    UsageError,
    Violations,
)
from citygraph.settings import Settings
from citygraph.sparql.update_protocol import parse_update
from citygraph.traces import child_span
from citygraph.web.http.addresses import client_address
from citygraph.web.http.bodies import BodyReceiver, declared_length
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.negotiation import reader_language
from citygraph.web.pages.error_pages import result_members

_BLOCK = 64 * 1024
_LONGEST_TEXT = 500  # in the audit log
_PATIENCE = 2.0  # seconds for a place to become free
# Errors of a change that is not right, rather than of the server.
_REFUSED = (UsageError, BadData, Violations, Conflict, PreconditionFailed, Forbidden, NotFound)


class Commits(Protocol):
    """Publishes changes; implemented by commit.writer.Writer."""

    def commit(self, change: Change) -> Commit:
        """Publishes a change."""
        ...


@dataclass(frozen=True)
class Principal:
    """The sender of a request: the client's address, and the holder of the token."""

    client: str
    holder: TokenHolder


class WriteAccess:
    """Admits holders of tokens for writing, limits concurrent bodies and commits, and logs each attempt."""

    def __init__(
        self,
        settings: Settings,
        commits: Commits,
        tokens: Tokens,
        bodies: BodyReceiver | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._commits = commits
        self._tokens = tokens
        self._bodies = bodies or BodyReceiver(settings)
        self._metrics = metrics or Metrics()
        self._audit = AuditLog(settings)
        # Waiting commits hold threads, and some must stay free.
        self._waiting = BoundedSemaphore(max(1, settings.threads * 3 // 4))

    def admit(self, request: Request, token: str = "") -> Principal:
        """Returns the sender, by the header, or by a token from a form.

        Raises Unauthorized, Forbidden for a token that is not for writing, or if this server follows another one.
        """
        if self._settings.follow:
            raise Forbidden("this server only reads: it shows what another one publishes; send changes to that one")
        holder = self._tokens.holder(token or bearer(request.header("Authorization")))
        if "write" not in holder.rights:
            raise Forbidden(f"the token of {holder.name} is not for writing")
        return Principal(client_address(request.environ, self._settings.trusted_proxies), holder)

    def body(self, request: Request) -> bytes:
        """Returns the body, unpacked. Raises TooLarge, UnsupportedMedia for an unknown coding, UsageError, Busy."""
        limit = self._settings.body_limit
        declared = declared_length(request.environ)
        if declared is not None and declared > limit:
            raise TooLarge(f"the body has {declared} bytes; the limit is {limit}", limit)
        body = self._bodies.receive(request.environ, limit, _PATIENCE)
        if len(body) > limit:
            raise TooLarge(f"the body has more than {limit} bytes", limit)
        coding = (request.header("Content-Encoding") or "identity").strip().casefold()
        if coding == "identity":
            return body
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise UnsupportedMedia(f"the content coding {coding[:40]!r} is not read: gzip is", ("gzip",))
        return unpacked(body, limit)

    def commit(self, request: Request, principal: Principal, change: Change) -> Commit:
        """Publishes a change, and logs the outcome. Raises what the writer raises, Busy."""
        if not self._waiting.acquire(timeout=_PATIENCE):
            raise Busy("too many commits are waiting", retry_after=5)
        try:
            return self._commit(request, principal, change)
        finally:
            self._waiting.release()

    def _commit(self, request: Request, principal: Principal, change: Change) -> Commit:
        begun = self._metrics.begin_commit()
        outcome, counted, details = "Interrupted", "failed", {}
        try:
            with child_span("commit"):
                commit = self._commits.commit(change)
            outcome = "published" if commit.published else "unchanged"
            counted = "dry run" if change.dry_run else outcome
            details = details_of(commit)
        except CitygraphError as error:
            outcome, counted = type(error).__name__, "refused" if isinstance(error, _REFUSED) else "failed"
            details = {"why": str(error)[:_LONGEST_TEXT]}
            raise
        finally:
            # Before the response: a change that is acknowledged is in the log.
            seconds = self._metrics.end_commit(counted, begun)
            about = {"change": change.id, "message": change.message[:_LONGEST_TEXT], "dry_run": change.dry_run}
            about["seconds"] = seconds
            self.log(request, principal, "commit", outcome, **about, **details)
        return commit

    def log(self, request: Request, principal: Principal, action: str, outcome: str, **details: Any) -> None:
        """Writes a line of the audit log."""
        client = principal.client
        self._audit.write(principal.holder.name, action, outcome, **origin_of(request, client), **details)


def origin_of(request: Request, client: str) -> dict[str, str]:
    """Returns where a change came from, for the audit log."""
    # Without the query string, which may contain a token or a text.
    return {"client": client, "method": request.method, "path": request.path, "request_id": request.id}


def unpacked(body: bytes, limit: int) -> bytes:
    """Returns a gzip or deflate body, unpacked up to the limit. Raises TooLarge, UsageError."""
    out = bytearray()
    while body:
        packed = zlib.decompressobj(wbits=47 if body[:1] in (b"\x1f", b"x") else -15)
        try:
            while body and not packed.eof:
                out += packed.decompress(body, _BLOCK)
                body = packed.unconsumed_tail
                if len(out) > limit:
                    raise TooLarge(f"the body unpacks to more than {limit} bytes", limit)
        except zlib.error as error:
            raise UsageError(f"the body cannot be unpacked: {error}") from None
        if not packed.eof:
            raise UsageError("the body cannot be unpacked: it ends too early")
        # A gzip file may be several, one after the other (RFC 1952, 2.2).
        body = packed.unused_data
    return bytes(out)


def answer_commit(commit: Commit, request: Request, dry_run: bool, base: str, status: int = 200) -> Reply:
    """Returns the outcome of a commit as JSON, with warnings in the reader's language."""
    language = reader_language(request)
    members: dict[str, Any] = {
        "release": f"{base}releases/{commit.release}",
        "digest": commit.digest,
        "added": commit.added,
        "removed": commit.removed,
        "graphs": list(commit.graphs),
        "published": commit.published,
        "dry_run": dry_run,
        "warnings": [result_members(warning, language) for warning in commit.warnings],
    }
    if commit.blank_nodes:
        members["blank_nodes"] = commit.blank_nodes
        members["note"] = f"{commit.blank_nodes} blank node(s) got IRIs below {base}.well-known/genid/"
    body = json.dumps(members, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Language", language),
        ("X-Citygraph-Release", commit.release),
        ("Link", f'<{base}releases/{commit.release}>; rel="describedby"'),
        ("Cache-Control", NO_STORE),
    ]
    return Reply(status, headers, body)


class UpdateEndpoint:
    """SPARQL Update over HTTP (SPARQL 1.1 Protocol, 2.2)."""

    def __init__(self, settings: Settings, access: WriteAccess) -> None:
        self._settings = settings
        self._access = access

    def update(self, request: Request) -> Reply:
        """Applies an update and returns what changed. Raises what the access, the parser and the writer raise."""
        principal = self._access.admit(request)
        body = self._access.body(request)
        operation = parse_update(request.method, request.query, request.environ.get("CONTENT_TYPE") or "", body)
        update = Update(operation.text, operation.using, operation.using_named, base=self._settings.base)
        holder = principal.holder
        change = Change(update, holder.name, operation.message, holder.prefixes, dry_run=operation.dry_run)
        commit = self._access.commit(request, principal, change)
        return answer_commit(commit, request, operation.dry_run, self._settings.base)
