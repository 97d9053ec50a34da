"""The client's HTTP requests; SPARQLWrapper sends the queries.

A response is complete, or an error is raised. A request that may succeed later is sent again, after the server's
Retry-After.
"""

from __future__ import annotations

import ast
import platform
import random as random_numbers
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

from SPARQLWrapper import JSON, POST, SPARQLWrapper
from SPARQLWrapper import __version__ as wrapper_version
from SPARQLWrapper.SPARQLExceptions import SPARQLWrapperException

from citygraph import __version__
from citygraph.client.graph_errors import GraphError, IncompleteResult, LimitExceeded, Unavailable, error_of
from citygraph.client.retries import RetryPolicy, seconds_of

RESULTS = "application/sparql-results+json, application/n-triples;q=0.9"
JSON_TYPE = "application/json"
# Parameters of the address of a stored query, which belong to no query: with a limit, the result would not be whole.
RESERVED_PARAMETERS = frozenset({"format", "output", "lang", "run", "timeout", "limit", "after"})
_PIECE = 1 << 18
# Seconds in which data must arrive. The server itself reports that its limit is reached, and needs a moment for this.
_SILENCE, _GRACE = 330.0, 5.0
# Where SPARQLWrapper's errors have the body of the response.
_BODY_MARK = "\n\nResponse:\n"


@dataclass(frozen=True)
class WebRequest:
    """A request below the root of a site: a SPARQL query, a form, or a plain GET.

    `seconds` is the limit of the whole exchange.
    """

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    form: Mapping[str, str] | None = None
    accept: str = JSON_TYPE
    seconds: float | None = None


@dataclass(frozen=True)
class WebResponse:
    """A whole response; the names of headers are in lower case. `url` is the address after redirections."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Transport(Protocol):
    """A transport of requests to a site; `root` is its address."""

    root: str

    def send(self, request: WebRequest) -> WebResponse:
        """Returns the response with a status of success. Raises GraphError."""
        ...


@dataclass(frozen=True)
class TransferState:
    """The state of an exchange: "sent", "receiving" or "waiting" for the next attempt, `wait` seconds from now."""

    stage: str
    attempt: int = 1
    received: int = 0
    total: int | None = None
    wait: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        if self.stage == "waiting":
            return f"attempt {self.attempt} failed ({self.reason}); the next one is in {self.wait:.0f} s"
        of = f" of {self.total:,}" if self.total else ""
        return f"{self.stage}: {self.received:,}{of} bytes" if self.received else self.stage


def user_agent(contact: str = "") -> str:
    """Returns the User-Agent: this client, its user's contact address, and its libraries."""
    about = f" ({contact})" if contact else ""
    return f"citygraph-client/{__version__}{about} SPARQLWrapper/{wrapper_version} Python/{platform.python_version()}"


def _ignore(state: TransferState) -> None:
    del state


@dataclass
class HttpTransport:
    """A transport over HTTP; `progress` hears of each piece and each wait."""

    root: str
    agent: str
    policy: RetryPolicy
    progress: Callable[[TransferState], object] = _ignore
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random_numbers.random

    def send(self, request: WebRequest) -> WebResponse:
        """Returns the response, after as many attempts as the policy allows. Raises GraphError."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._send_once(request, attempt)
            except Unavailable as fault:
                if self.policy.gives_up(attempt, fault.retry_after):
                    fault.add_note(f"after {attempt} attempt(s); the server asks to wait {fault.retry_after:.0f} s")
                    raise
                wait = max(fault.retry_after, self.policy.backoff(attempt, self.random()))
                self.progress(TransferState("waiting", attempt, wait=wait, reason=str(fault)))
                self.sleep(wait)

    def _send_once(self, request: WebRequest, attempt: int) -> WebResponse:
        url = f"{self.root}/{quote(request.path)}"
        # Anyone who knows the name can end the query.
        name = secrets.token_urlsafe(24)
        try:
            return self._exchanged(url, request, attempt, name)
        except KeyboardInterrupt:
            # The server does not notice that the client has stopped waiting.
            if request.query:
                self._cancel(name)
            raise

    def _exchanged(self, url: str, request: WebRequest, attempt: int, name: str) -> WebResponse:
        end = None if request.seconds is None else self.clock() + request.seconds + _GRACE
        try:
            response = self._open(url, request, name)
        except (SPARQLWrapperException, HTTPError) as error:
            raise _refusal(error, url) from error
        except (HTTPException, OSError) as error:
            raise _unreachable(error, url, request.seconds) from error
        with closing(response):
            self.progress(TransferState("sent", attempt))
            body = self._read(response, attempt, end, request.seconds)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return WebResponse(response.status, headers, body, response.geturl())

    def _cancel(self, name: str) -> None:
        address = f"{self.root.partition('/releases/')[0]}/sparql/running/{name}"
        request = UrlRequest(address, headers={"User-Agent": self.agent}, method="DELETE")  # noqa: S310
        # It is 404 for a query that has ended by now.
        with suppress(HTTPException, OSError), urlopen(request, timeout=_GRACE):  # noqa: S310
            pass

    def _open(self, url: str, request: WebRequest, name: str) -> HTTPResponse:
        patience = _SILENCE if request.seconds is None else request.seconds + _GRACE
        if request.query:
            return _sparql(url, request, self.agent, patience, name)
        if request.parameters:
            url += f"?{urlencode(request.parameters)}"
        form = None if request.form is None else urlencode(request.form).encode()
        headers = {"User-Agent": self.agent, "Accept": request.accept}
        opened: HTTPResponse = urlopen(UrlRequest(url, form, headers), timeout=patience)  # noqa: S310 - Graph checks it
        return opened

    def _read(self, response: HTTPResponse, attempt: int, end: float | None, seconds: float | None) -> bytes:
        """Returns the body. The limit of a socket alone does not end a response that drips."""
        total = response.length
        pieces: list[bytes] = []
        state = TransferState("receiving", attempt, 0, total)
        try:
            while piece := response.read1(_PIECE):
                pieces.append(piece)
                state = replace(state, received=state.received + len(piece))
                self.progress(state)
                if end is not None and self.clock() > end:
                    raise _too_slow(seconds)
        except TimeoutError as error:
            raise _too_slow(seconds) from error
        except (HTTPException, OSError) as error:
            raise IncompleteResult(f"the connection was cut after {state.received} bytes: {_text(error)}") from error
        # At the end of a cut connection read1 returns b"" as well; the announced length shows the difference.
        if response.length:
            raise IncompleteResult(f"the response was cut: {response.length} of {total} bytes are missing")
        return b"".join(pieces)


def _sparql(url: str, request: WebRequest, agent: str, patience: float, name: str) -> HTTPResponse:
    wrapper = SPARQLWrapper(url, returnFormat=JSON, agent=agent)
    wrapper.setMethod(POST)
    # The format is negotiated by Accept alone: the parameter of a format would refuse the other kinds of results.
    wrapper.setOnlyConneg(True)
    wrapper.addCustomHttpHeader("Accept", request.accept)
    wrapper.addCustomHttpHeader("X-Citygraph-Query-Id", name)
    for parameter, value in request.parameters.items():
        wrapper.addParameter(parameter, value)
    # Not by setQuery, which guesses the form by regular expressions, warns, and would send an update elsewhere.
    wrapper.queryString = request.query
    # Not by setTimeout, which cuts it to whole seconds.
    wrapper.timeout = patience  # type: ignore[assignment]
    response: HTTPResponse = wrapper.query().response
    return response


def _refusal(error: Exception, url: str) -> GraphError:
    """Returns the error for a status that is no success. Behind an error of SPARQLWrapper it is the context."""
    http = error if isinstance(error, HTTPError) else error.__context__
    if not isinstance(http, HTTPError):
        return GraphError(str(error))
    try:
        body = http.read() if http is error else b""
    except (HTTPException, OSError):
        body = b""
    http.close()
    wait = seconds_of(http.headers.get("Retry-After", ""), datetime.now(UTC))
    return error_of(http.code, body or _body_of(error), url, wait)


def _body_of(error: Exception) -> bytes:
    """Returns the body that SPARQLWrapper has read: its errors have it as Python's text of bytes."""
    _, mark, literal = str(error).partition(_BODY_MARK)
    body = ast.literal_eval(literal) if mark else b""
    return body if isinstance(body, bytes) else b""


def _unreachable(error: Exception, url: str, seconds: float | None) -> GraphError:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return _too_slow(seconds)
    if isinstance(reason, socket.gaierror):
        return GraphError(f"{url}: the host is not known: {_text(reason)}")
    return Unavailable(f"{url} does not answer: {_text(reason)}")


def _too_slow(seconds: float | None) -> LimitExceeded:
    limit = _SILENCE if seconds is None else seconds
    return LimitExceeded(f"no whole response within {limit:g} s", problem={"limit": limit})


def _text(error: object) -> str:
    return str(error) or type(error).__name__
