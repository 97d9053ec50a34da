"""How the command line shows things: steps, reports and tables, for people on a terminal and for machines."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import wraps
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from citygraph.errors import CitygraphError
from citygraph.progress import Progress, Step
from citygraph.rdf.terms import PREFIXES
from citygraph.report import Report, Result, shown

_COLOUR = {"violation": "red", "warning": "yellow"}


class TerminalProgress(Progress):
    """A line for each finished step, and what is under way while it lasts."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def started(self, step: Step) -> None:
        """Show the step as under way, on a terminal."""
        if self._console.is_terminal:
            self._status = self._console.status(step.name)
            self._status.start()

    def moved(self, step: Step) -> None:
        """Show how far the step is, on a terminal."""
        if self._status is not None:
            self._status.update(f"{step.name}: {step.result}")

    def finished(self, step: Step) -> None:
        """Leave a line: name, what it did, seconds."""
        self.stop()
        self._console.print(f"{step.name:<10}{step.result:<55}{step.seconds:7.2f} s", highlight=False)

    def stop(self) -> None:
        """Take away what is shown as under way."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class JsonProgress(Progress):
    """A line of JSON for each finished step."""

    def finished(self, step: Step) -> None:
        """Write the step as one JSON object."""
        print_json({"step": step.name, "result": step.result, "seconds": round(step.seconds, 3)})


def print_json(value: Mapping[str, object]) -> None:
    """One JSON object on a line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_report(console: Console, report: Report, language: str) -> None:
    """Each result in plain words: where, what, why, and how to mend it."""
    for result in report.results:
        colour = _COLOUR.get(result.severity, "cyan")
        where = f"{result.place}: " if result.place else ""
        name = result.label or shortened(result.focus_node)
        console.print(f"{escape(where)}[{colour}]{result.severity}[/] [bold]{escape(name)}[/]", highlight=False)
        for line in _lines(result, language):
            console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)
    counts = f"{len(report.violations)} violation(s), {len(report.warnings)} warning(s)"
    console.print("The data conform to their shapes." if report.conforms else "The data break their shapes.", counts)


def report_as_json(report: Report) -> dict[str, object]:
    """The report for a machine."""
    results = [{**asdict(r), "place": str(r.place) if r.place else None} for r in report.results]
    return {"conforms": report.conforms, "results": results}


def print_solutions(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of query solutions."""
    table = Table(*columns, header_style="bold", show_edge=False)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    console.print(f"{len(rows)} row(s)", highlight=False)


def shortened(iri: str) -> str:
    """An IRI as a prefixed name where a prefix fits."""
    fitting = [(len(base), name, base) for name, base in PREFIXES.items() if iri.startswith(base) and iri != base]
    if not fitting:
        return iri
    _, name, base = max(fitting)
    return f"{name}:{iri[len(base) :]}"


def _lines(result: Result, language: str) -> list[str]:
    lines = [result.message(language)]
    if result.value and result.value.strip("<>") != result.focus_node:
        lines.append(f"value: {shortened(shown(result.value))}")
    if result.remedy(language):
        lines.append(result.remedy(language))
    lines.append(f"{shortened(result.focus_node)}  ({shortened(result.shape)})")
    return lines


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
