"""What every command has in common: an exit code for its answer, and one clear line for what it raises."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from citygraph.errors import CitygraphError

OK, VIOLATES, COULD_NOT = 0, 1, 2


class Group(click.Group):
    """A group some of whose commands are imported when they are asked for: `elsewhere` names module and function.

    Otherwise every command would wait for the imports of all.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._elsewhere = dict(elsewhere or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted([*super().list_commands(ctx), *self._elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._elsewhere[cmd_name].partition(":")
        found = getattr(importlib.import_module(module), name)
        return found if isinstance(found, click.Command) else None


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Make an exit code of what a command answers, and one clear line of what it raises."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = function(*args, **kwargs)
        except BrokenPipeError:
            # The reader (head, less) has seen enough.
            code = OK
            sys.stderr.close()
        except CitygraphError as error:
            click.echo(f"citygraph: {error}", err=True)
            code = COULD_NOT
        except OSError as error:
            click.echo(f"citygraph: {error}", err=True)
            code = COULD_NOT
        sys.exit(code or OK)

    return run
