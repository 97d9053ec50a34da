"""The site over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citygraph.web.application import create_app as create_app


def __getattr__(name: str) -> Any:
    """Returns `create_app`, imported when used: a command that needs a part of `web` would wait for all pages."""
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from citygraph.web.application import create_app

    return create_app
