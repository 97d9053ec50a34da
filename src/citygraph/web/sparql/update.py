"""What the addresses that write share: who may, the body within its limit, the answer, and the audit log."""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Protocol

from citygraph.commit.change import Change, Commit
from citygraph.commit.tokens import Holder, Tokens, bearer
from citygraph.engine.pool import Turns
from citygraph.errors import (
    Busy,
    CitygraphError,
    Forbidden,
    NotAcceptable,
    TooLarge,
    UnsupportedMedia,
    UsageError,
    Violations,
)
from citygraph.report import Report, Result, shown
from citygraph.settings import Settings
from citygraph.web.http import problems
from citygraph.web.http.addresses import client_address
from citygraph.web.http.negotiation import language, wanted
from citygraph.web.sparql.results import NEVER, Headers, Response

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


from typing import TYPE_CHECKING

from citygraph.commit.change import Update
from citygraph.errors import MethodNotAllowed
from citygraph.sparql.update_protocol import METHODS, parse_update

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


CORS = (
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Content-Language, ETag, Link, Location, Retry-After, X-Citygraph-Release, X-Citygraph-Rows",
    ),
    ("X-Content-Type-Options", "nosniff"),
)
# Our pages of errors quote what was sent; they need nothing but the style that stands in them.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_BLOCK = 64 * 1024
_PATIENCE = 2.0  # seconds for a place to become free
_log = logging.getLogger(__name__)


class Commits(Protocol):
    """What publishes changes: writer.Writer."""

    def commit(self, change: Change) -> Commit:
        """Publish a change."""
        ...


@dataclass(frozen=True)
class Asker:
    """Who asks: the client's address, and the holder of the token."""

    client: str
    holder: Holder


class Gate:
    """Lets those write who may, and logs each attempt."""

    def __init__(self, settings: Settings, commits: Commits, tokens: Tokens) -> None:
        self._settings = settings
        self._commits = commits
        self._tokens = tokens
        # Who sends slowly, or waits for a commit, holds a thread: never all of them, and no client most of them.
        self._bodies_of = Turns(max(1, settings.threads // 8))
        self._bodies = BoundedSemaphore(max(1, settings.threads // 4))
        self._waiting = BoundedSemaphore(max(1, settings.threads * 3 // 4))

    def admit(self, environ: WSGIEnvironment) -> Asker:
        """Who asks. Raises Unauthorized, Forbidden for a token that is not for writing."""
        holder = self._tokens.holder(bearer(environ.get("HTTP_AUTHORIZATION") or ""))
        if "write" not in holder.rights:
            raise Forbidden(f"the token of {holder.name} is not for writing")
        return Asker(client_address(environ, self._settings.trusted_proxies), holder)

    def body(self, environ: WSGIEnvironment) -> bytes:
        """The body, unpacked. Raises TooLarge, UnsupportedMedia for a coding we do not read, UsageError, Busy."""
        limit = self._settings.body_limit
        length = environ.get("CONTENT_LENGTH") or ""
        declared = int(length) if length.isdecimal() else None
        if declared is not None and declared > limit:
            raise TooLarge(f"the body has {declared} bytes; the limit is {limit}", limit)
        body = self._receive(environ, limit + 1 if declared is None else declared)
        if len(body) > limit:
            raise TooLarge(f"the body has more than {limit} bytes", limit)
        coding = (environ.get("HTTP_CONTENT_ENCODING") or "identity").strip().casefold()
        if coding == "identity":
            return body
        if coding not in {"gzip", "x-gzip", "deflate"}:
            raise UnsupportedMedia(f"the content coding {coding[:40]!r} is not read: gzip is", ("gzip",))
        return unpacked(body, limit)

    def _receive(self, environ: WSGIEnvironment, size: int) -> bytes:
        client = client_address(environ, self._settings.trusted_proxies)
        if not self._bodies_of.take(client, wait=_PATIENCE):
            raise Busy("too many bodies of yours are being received", retry_after=5, yours=True)
        try:
            with _held(self._bodies, "too many bodies are being received"):
                return bytes(environ["wsgi.input"].read(size))
        finally:
            self._bodies_of.end(client)

    def commit(self, environ: WSGIEnvironment, asker: Asker, change: Change) -> Commit:
        """Publish a change, and log what came of it. Raises what the writer raises, Busy."""
        with _held(self._waiting, "too many commits are waiting"):
            return self._commit(environ, asker, change)

    def _commit(self, environ: WSGIEnvironment, asker: Asker, change: Change) -> Commit:
        begun = time.monotonic()
        told: dict[str, Any] = {}
        try:
            commit = self._commits.commit(change)
            told = {"outcome": "published" if commit.published else "unchanged", "release": commit.release,
                    "added": commit.added, "removed": commit.removed, "graphs": commit.graphs}  # fmt: skip
        except CitygraphError as error:
            told = {"outcome": type(error).__name__, "why": str(error)[:500]}
            raise
        finally:
            told["dry_run"] = change.dry_run
            self._audit(environ, asker, told | {"seconds": round(time.monotonic() - begun, 3)})
        return commit

    def _audit(self, environ: WSGIEnvironment, asker: Asker, told: dict[str, Any]) -> None:
        """A line of the log. The address goes without its query: nobody's token or text ends up in a file."""
        line = {
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "who": asker.holder.name,
            "client": asker.client,
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("PATH_INFO") or "",
            **told,
        }
        text = json.dumps(line, ensure_ascii=False) + "\n"
        path = self._settings.audit
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # One write of a line to a file opened for appending is not torn by others.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, text.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
        except OSError:
            _log.exception("the audit log cannot be written: %s", text)


@contextmanager
def _held(places: BoundedSemaphore, full: str) -> Iterator[None]:
    """One of the places for the time of a block. Raises Busy when there is none."""
    if not places.acquire(timeout=_PATIENCE):
        raise Busy(full, retry_after=5)
    try:
        yield
    finally:
        places.release()


def unpacked(body: bytes, limit: int) -> bytes:
    """A gzip or deflate body, unpacked as far as the limit and no further. Raises TooLarge, UsageError."""
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


def answer_commit(commit: Commit, dry_run: bool, base: str, status: str = "200 OK") -> Response:
    """What a commit did, as JSON."""
    told: dict[str, Any] = {
        "release": f"{base}releases/{commit.release}",
        "digest": commit.digest,
        "added": commit.added,
        "removed": commit.removed,
        "graphs": list(commit.graphs),
        "published": commit.published,
        "dry_run": dry_run,
        "warnings": [_told(warning, "en") for warning in commit.warnings],
    }
    if commit.blank_nodes:
        told["blank_nodes"] = commit.blank_nodes
        told["note"] = f"{commit.blank_nodes} blank node(s) got IRIs below {base}.well-known/genid/"
    body = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
    headers: Headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("X-Citygraph-Release", commit.release),
        ("Link", f'<{base}releases/{commit.release}>; rel="describedby"'),
        NEVER,
    ]
    return status, headers, (body,)


def edge(
    environ: WSGIEnvironment, start_response: StartResponse, base: str, respond: Callable[[], Response]
) -> Iterable[bytes]:
    """The edge of the program for an address beside Flask: whatever happens, the client gets an answer."""
    try:
        status, headers, body = respond()
    except Violations as error:
        status, headers, body = _answer_violations(environ, error.report, base)
    except CitygraphError as error:
        status, headers, body = _answer_problem(environ, error, base)
    except Exception as error:
        _log.exception("a fault in answering %s", environ.get("PATH_INFO"))
        status, headers, body = _answer_problem(environ, error, base)
    headers = list(headers)
    headers.extend(header for header in CORS if header[0] not in {name for name, _ in headers})
    start_response(status, headers)
    if environ["REQUEST_METHOD"] == "HEAD":
        close = getattr(body, "close", None)
        if close is not None:
            close()
        return ()
    return body


def _answer_problem(environ: WSGIEnvironment, error: Exception, base: str) -> Response:
    problem = problems.problem_of(error)
    html = _accepts(environ)[0]
    body = problems.as_html(problem, base) if html else problems.as_json(problem, base)
    type_ = "text/html; charset=utf-8" if html else problems.MEDIA_TYPE
    return problem.status_line, [*_heads(body, type_, "en"), *problem.headers], (body,)


def _answer_violations(environ: WSGIEnvironment, report: Report, base: str) -> Response:
    """The report: in plain words as problem+json or a page, or as it is in Turtle."""
    spoken = language(environ.get("HTTP_ACCEPT_LANGUAGE") or "")
    html, turtle = _accepts(environ)
    status = "422 Unprocessable Content"
    if turtle:
        body = report.turtle.encode()
        return status, _heads(body, "text/turtle; charset=utf-8", spoken), (body,)
    violations = [_told(result, spoken) for result in report.results]
    detail = _SENTENCES[spoken].format(len(report.violations))
    problem = problems.Problem(problems.VIOLATIONS, detail, {"violations": violations})
    if html:
        body = _page(detail, report, spoken)
        return status, _heads(body, "text/html; charset=utf-8", spoken), (body,)
    body = problems.as_json(problem, base)
    return status, _heads(body, problems.MEDIA_TYPE, spoken), (body,)


_SENTENCES = {
    "en": "{} violation(s) of the shapes; nothing was changed.",
    "tr": "Şekillere {} aykırılık var; hiçbir şey değiştirilmedi.",
}


def _heads(body: bytes, type_: str, spoken: str) -> Headers:
    policy = [("Content-Security-Policy", _POLICY)] if type_.startswith("text/html") else []
    return [
        *policy,
        ("Content-Type", type_),
        ("Content-Language", spoken),
        ("Content-Length", str(len(body))),
        ("Vary", "Accept, Accept-Language"),
        NEVER,
    ]


def _accepts(environ: WSGIEnvironment) -> tuple[bool, bool]:
    """Whether a page is wanted, and whether Turtle is, by name."""
    accept = environ.get("HTTP_ACCEPT") or ""
    try:
        accepted = wanted(accept)
    except NotAcceptable:
        return False, False
    return accepted.html, "text/turtle" in accept and "json" not in accept and not accepted.html


def _told(result: Result, spoken: str) -> dict[str, str]:
    told = {
        "severity": result.severity,
        "focus": result.focus_node,
        "label": result.label,
        "path": result.path,
        "value": shown(result.value) if result.value else "",
        "message": result.message(spoken),
        "remedy": result.remedy(spoken),
        "shape": result.shape,
    }
    return {name: text for name, text in told.items() if text}


def _page(detail: str, report: Report, spoken: str) -> bytes:
    """A page that needs nothing else; all that came from outside is escaped."""
    rows = "".join(
        f"<li><p><strong>{escape(told.get('label') or told['focus'])}</strong>: {escape(told['message'])} "
        f"<code>{escape(told.get('value', ''))}</code></p><p>{escape(told.get('remedy', ''))}</p></li>"
        for told in (_told(result, spoken) for result in report.results)
    )
    title = escape(problems.VIOLATIONS.title)
    return (
        f'<!doctype html>\n<html lang="{spoken}"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{escape(detail)}</p><ol>{rows}</ol></body></html>\n"
    ).encode("utf-8", "replace")


PATH = "/update"
_PREFLIGHT = (
    ("Allow", ", ".join(METHODS)),
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    ("Access-Control-Allow-Headers", "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)


class UpdateEndpoint:
    """The callable."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        self._settings = settings
        self._gate = gate

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; an error is a problem, never a page of the server."""
        return edge(environ, start_response, self._settings.base, lambda: self._respond(environ))

    def _respond(self, environ: WSGIEnvironment) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return "204 No Content", list(_PREFLIGHT), ()
        if method != "POST":
            raise MethodNotAllowed(f"{method} is not a method of this address: updates are sent by POST", METHODS)
        asker = self._gate.admit(environ)
        body = self._gate.body(environ)
        asked = parse_update(method, environ.get("QUERY_STRING") or "", environ.get("CONTENT_TYPE") or "", body)
        update = Update(asked.text, asked.using, asked.using_named, base=self._settings.base)
        holder = asker.holder
        change = Change(update, holder.name, asked.message, holder.prefixes, dry_run=asked.dry_run)
        commit = self._gate.commit(environ, asker, change)
        return answer_commit(commit, asked.dry_run, self._settings.base)
