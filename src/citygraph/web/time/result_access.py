"""Who may store results: by the setting, a token, the machine of the client and the number in an hour."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from citygraph.commit.tokens import Tokens, bearer
from citygraph.errors import Busy, Forbidden, Unauthorized, UsageError
from citygraph.settings import Settings
from citygraph.web.http.addresses import client_address, public_root
from citygraph.web.http.messages import Request
from citygraph.web.http.rate_limiter import RateLimiter

OFF, TOKEN, LOCAL, ANYONE = POLICIES = ("off", "token", "local", "anyone")
_HOUR = 3600.0
_LOOPBACK = ("127.", "::1", "::ffff:127.")
_OWN_DOMAINS = (".local", ".localhost", ".internal", ".lan")
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")
# A request with one of these came through a proxy, so that its sender may be anywhere.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class ResultAccess:
    """Admits the requests that store a result. Raises UsageError for a setting that is not in POLICIES."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        if settings.stored_results not in POLICIES:
            allowed = ", ".join(POLICIES)
            raise UsageError(f"CITYGRAPH_STORED_RESULTS is {settings.stored_results!r}: it must be {allowed}")
        self._policy = settings.stored_results
        self._proxies = settings.trusted_proxies
        self._tokens = Tokens(settings.tokens)
        self._limit = settings.stored_results_rate
        self._limiter = RateLimiter(settings, clock, self._limit / _HOUR, _HOUR)

    def admit(self, request: Request, token: str = "") -> str:
        """Returns who stores a result: the holder of the token, or "" for a client without one.

        Raises Forbidden, Unauthorized, or Busy for a client that has stored too many.
        """
        if self._policy == OFF:
            raise Forbidden("results are not stored on this server: cite the query at the address of its release")
        authorization = request.header("Authorization")
        if token or authorization:
            holder = self._tokens.holder(token or bearer(authorization))
            if "write" not in holder.rights:
                raise Forbidden(f"the token of {holder.name} is not for writing")
            return holder.name
        self._require_own_page(request)
        if self._policy == TOKEN or (self._policy == LOCAL and not _is_local(request)):
            raise Unauthorized("on this server, results are stored by holders of a token")
        self._count(request)
        return ""

    def _require_own_page(self, request: Request) -> None:
        """Raises Forbidden if a browser sends the request for a page of another site."""
        site, origin = request.header("Sec-Fetch-Site"), request.header("Origin")
        own = urlsplit(public_root(request.environ, self._proxies)).netloc
        if site in ("cross-site", "same-site") or (origin and urlsplit(origin).netloc != own):
            raise Forbidden("a page of another site may not store results without a token")

    def _count(self, request: Request) -> None:
        try:
            self._limiter.count_request(client_address(request.environ, self._proxies))
        except Busy as error:
            message = f"you have stored {self._limit} results in an hour, which is the limit"
            raise Busy(message, error.retry_after, yours=True) from None


def is_elsewhere(request: Request, settings: Settings) -> bool:
    """Returns whether the client uses a private copy of the site: not at the base, by a name of its own network."""
    host = urlsplit(public_root(request.environ, settings.trusted_proxies)).hostname or ""
    if host == urlsplit(settings.base).hostname:
        return False
    try:
        return ip_address(host).is_private
    except ValueError:
        # The base may be at a service for lasting addresses, such as w3id.org, which leads to the public site.
        return "." not in host or host.endswith(_OWN_DOMAINS)


def _is_local(request: Request) -> bool:
    """Returns whether the client is a program on this machine, which addresses it by its own name."""
    # A page of another site whose name leads here (DNS rebinding) has that name in Host.
    host = urlsplit(f"//{request.header('Host')}").hostname
    is_forwarded = any(request.header(name) for name in _FORWARDED)
    return str(request.environ.get("REMOTE_ADDR", "")).startswith(_LOOPBACK) and host in _OWN_NAMES and not is_forwarded
