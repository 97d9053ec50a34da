"""The audit log's lines of commands."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from citygraph.audit_log import AuditLog
from citygraph.errors import CitygraphError
from citygraph.release.releases import Releases
from citygraph.release.retention import prune_by_setting
from citygraph.settings import Settings


def audit(settings: Settings, action: str, outcome: str, **details: Any) -> None:
    """Writes a line with the user of this machine, and the command that runs."""
    AuditLog(settings).write(user(), action, outcome, command=click.get_current_context().info_name, **details)


@contextmanager
def audited(settings: Settings, action: str, outcome: str) -> Iterator[dict[str, Any]]:
    """Writes a line at the end of the block, with the details that the block adds, or with its error."""
    details: dict[str, Any] = {}
    try:
        yield details
    except (CitygraphError, OSError) as error:
        audit(settings, action, type(error).__name__, **details, why=str(error)[:500])
        raise
    audit(settings, action, outcome, **details)


def prune_audited(settings: Settings) -> list[str]:
    """Removes the releases that the setting `keep` does not keep, and returns their names."""
    pruned = prune_by_setting(Releases(settings.releases), settings.keep)
    if pruned:
        audit(settings, "prune", "removed", keep=settings.keep, releases=pruned)
    return pruned


def user() -> str:
    """Returns the machine's user, who is the author of a command's changes."""
    return getpass.getuser()
