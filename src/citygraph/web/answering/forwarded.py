"""Who asks, and by which address: what reverse proxies say of it is believed only of as many as are configured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from citygraph.errors import UsageError

# The key of environ for what has moved from PATH_INFO to SCRIPT_NAME on our side of the proxies.
MOUNT = "citygraph.mount"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def client_address(environ: Mapping[str, Any], proxies: int) -> str:
    """The address of the client: each trusted proxy has appended the one it was asked from."""
    remote = str(environ.get("REMOTE_ADDR", ""))
    if not proxies:
        return remote
    chain = [*_values(environ, "HTTP_X_FORWARDED_FOR"), remote]
    return chain[max(len(chain) - 1 - proxies, 0)]


def public_root(environ: Mapping[str, Any], proxies: int) -> str:
    """The address of the site as the client sees it: scheme, host and the path in front, without a slash at the end.

    Raises UsageError if the Host header is not one.
    """
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    host = str(environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}")
    prefix = str(environ.get("SCRIPT_NAME", ""))
    if proxies:
        scheme = _said(environ, "HTTP_X_FORWARDED_PROTO", proxies) or scheme
        host = _said(environ, "HTTP_X_FORWARDED_HOST", proxies) or host
        said = _said(environ, "HTTP_X_FORWARDED_PREFIX", proxies)
        prefix = said.rstrip("/") + str(environ.get(MOUNT, "")) if said else prefix
    if not _HOST.fullmatch(host):
        raise UsageError("the Host header is not the name of a host")
    scheme = "https" if scheme == "https" else "http"
    return f"{scheme}://{host}{prefix.rstrip('/') if _PREFIX.fullmatch(prefix.rstrip('/')) else ''}"


def _said(environ: Mapping[str, Any], name: str, proxies: int) -> str | None:
    """What the outermost trusted proxy said."""
    values = _values(environ, name)
    return values[max(len(values) - proxies, 0)] if values else None


def _values(environ: Mapping[str, Any], name: str) -> list[str]:
    return [value.strip() for value in str(environ.get(name, "")).split(",") if value.strip()]
