"""Shared parts of the commands: exit status, error messages, progress, reports and tables."""

from __future__ import annotations

import errno
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citygraph.catalogues import ENGLISH, LANGUAGES, interface_language
from citygraph.errors import BadData, CitygraphError
from citygraph.progress import Progress, Step
from citygraph.rdf.terms import split_iri
from citygraph.report import Report, ValidationResult, term_text
from citygraph.saving import is_disk_full
from citygraph.source.reading import check_file, decoded_text, read_text
from citygraph.web.view.translations import N_, Translations

# Imported where they are used: they take as long as all other imports of a small command.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from citygraph.settings import Settings

_COLOUR = {"violation": "red", "warning": "yellow"}
# The severities of results.
_ = (N_("violation"), N_("warning"), N_("info"))
# Where a server that listens on all addresses is reached on its own machine.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it
# How the commands read and write moments, in UTC.
TIME = "%Y-%m-%dT%H:%M:%SZ"
_MOST_DAYS = 36525
_TAG = re.compile("[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_LOCALES_WITHOUT_LANGUAGE = frozenset({"C", "POSIX"})


class LanguageTag(click.ParamType[str]):
    """A tag of BCP 47, converted to the language of the interface that it is a variant of, else to the first."""

    name = "tag"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns a language of the interface, after a note if it is another one; fails for text that is not a tag."""
        # The shell's own setting has another form: tr_TR.UTF-8.
        tag = value.partition(".")[0].replace("_", "-")
        if not _TAG.fullmatch(tag):
            self.fail(f"{value!r} is not a language tag such as de or de-AT", param, ctx)
        language = interface_language(tag)
        if not language and tag not in _LOCALES_WITHOUT_LANGUAGE:
            click.echo(f"note: there are no texts in {value!r}; {LANGUAGES[0]!r} is used instead", err=True)
        return language or LANGUAGES[0]


class FilePath(click.Path):
    """A path that is not empty, as an unset variable of a shell would make it: Path("") is the working folder."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Returns the path; fails for an empty one."""
        if not os.fspath(value).strip():
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class StorageAddress(click.ParamType[str]):
    """A folder or an address of a bucket, which is not empty."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the address; fails for an empty one, which would be the working folder."""
        if not value.strip():
            self.fail("the path is empty", param, ctx)
        return value


LANG = click.option(
    "--lang",
    default=LANGUAGES[0],
    type=LanguageTag(),
    show_default=True,
    help=f"Language of the messages, such as tr or de-AT; there are {', '.join(LANGUAGES)}.",
)


class PastTime(click.ParamType[str]):
    """A time in UTC that is not in the future. The source states it as xsd:dateTime."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the time; fails for other text."""
        try:
            moment = datetime.strptime(value, TIME).replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{value!r} is not a time in UTC such as 2026-11-16T00:00:00Z", param, ctx)
        if moment > datetime.now(UTC):
            self.fail(f"{value} is in the future", param, ctx)
        return moment.strftime(TIME)


class Days(click.ParamType[timedelta]):
    """A number of days, such as 7 or 0.5."""

    name = "days"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Returns the duration; fails for text that is not a number of days, up to a hundred years."""
        try:
            days = float(value)
        except ValueError:
            days = -1
        # NaN is not in any range.
        if not 0 <= days <= _MOST_DAYS:
            self.fail(f"{value!r} is not a number of days from 0 to {_MOST_DAYS}", param, ctx)
        return timedelta(days=days)


class TerminalProgress(Progress):
    """A progress listener that prints a line for each finished step, and shows the current one on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def started(self, step: Step) -> None:
        """Shows the step as running, on a terminal."""
        # In a log file, a spinner would be noise.
        if self._console.is_terminal:
            self._status = self._console.status(step.name)
            self._status.start()

    def moved(self, step: Step) -> None:
        """Updates the running step, on a terminal."""
        if self._status is not None:
            self._status.update(f"{step.name}: {step.result}")

    def finished(self, step: Step) -> None:
        """Prints name, result and seconds."""
        self.stop()
        self._console.print(f"{step.name:<10}{step.result:<55}{step.seconds:7.2f} s", highlight=False)

    def stop(self) -> None:
        """Removes the display of the running step."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class JsonProgress(Progress):
    """A progress listener that prints a line of JSON for each finished step."""

    def finished(self, step: Step) -> None:
        """Prints the step as one JSON object."""
        print_json({"step": step.name, "result": step.result, "seconds": round(step.seconds, 3)})


def print_json(value: Mapping[str, object]) -> None:
    """Prints one JSON object on a line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    # A program that reads the lines must see each step when it finishes.
    sys.stdout.flush()


def read_input(path: Path) -> str:
    """Returns the text of a file, or of standard input for `-`. Raises UsageError, and BadData if it is not UTF-8."""
    if str(path) == "-":
        return decoded_text(sys.stdin.buffer.read(), "standard input")
    check_file(path)
    return read_text(path)


def print_report(console: Console, report: Report, language: str) -> None:
    """Prints each result in plain words: place, entity, problem, and remedy."""
    from rich.markup import escape

    translate = Translations(language)
    for result in report.results:
        colour = _COLOUR.get(result.severity, "cyan")
        where = f"{result.place}: " if result.place else ""
        name = result.label or shortened(result.focus_node)
        # soft_wrap: a line must stay one line for grep. emoji: rich would replace the ":date:" of "xsd:date:".
        head = f"{escape(where)}[{colour}]{translate(result.severity)}[/] [bold]{escape(name)}[/]"
        for line in (head, *(f"    {escape(line)}" for line in _lines(result, translate))):
            console.print(line, highlight=False, soft_wrap=True, emoji=False)
    counts = translate(
        "{violations} violation(s), {warnings} warning(s)",
        violations=len(report.violations),
        warnings=len(report.warnings),
    )
    verdict = (
        translate("The data conform to their shapes.") if report.conforms else translate("The data break their shapes.")
    )
    console.print(verdict, counts)


def report_as_json(report: Report) -> dict[str, object]:
    """Returns the report as a JSON object."""
    results = [{**asdict(r), "place": str(r.place) if r.place else None} for r in report.results]
    return {"conforms": report.conforms, "results": results}


def print_solutions(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], uncut: int = 0) -> None:
    """Prints a table of query solutions; the first `uncut` columns are never broken into lines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", show_edge=False)
    for place, column in enumerate(columns):
        width = max((len(row[place]) for row in rows), default=0) if place < uncut else None
        # "fold" breaks a long word; the library's own choice would cut it.
        table.add_column(column, overflow="fold", min_width=width, no_wrap=place < uncut)
    for row in rows:
        table.add_row(*map(Text, row))  # unchanged: without markup, and without emoji for ":date:"
    console.print(table)
    console.print(f"{len(rows)} row(s)", highlight=False)


def local_address(settings: Settings) -> str:
    """Returns the address at which this machine reaches a server with these settings."""
    return web_address(_LOOPBACK.get(settings.host, settings.host), settings.port)


def web_address(host: str, port: int) -> str:
    """Returns the address of a server, with an IPv6 host in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def shortened(iri: str) -> str:
    """Returns an IRI as a prefixed name if a prefix matches."""
    prefix, local = split_iri(iri)
    return f"{prefix}:{local}" if prefix else iri


def _lines(result: ValidationResult, translate: Translations) -> list[str]:
    lines = [result.message(translate.language)]
    if result.value and result.value.strip("<>") != result.focus_node:
        value = shortened(term_text(result.value))
        of = shortened(result.path) if result.path else ""
        with_path = translate("value of {property}: {value}", property=of, value=value)
        lines.append(with_path if of else translate("value: {value}", value=value))
    if result.remedy(translate.language):
        lines.append(result.remedy(translate.language))
    lines.append(f"{shortened(result.focus_node)}  ({shortened(result.shape)})")
    return lines


# Documented in the help of each command.
OK, VIOLATES, COULD_NOT = 0, 1, 2
# The status of a program that SIGINT ended, as shells give it.
INTERRUPTED = 130

_NO_PERMISSION = N_("there is no permission: run the command as the owner of the files, or change their permissions")
_DISK_FULL = N_("the disk is full: make room, and run the command again")
# What the user can do about errors of the system.
_SYSTEM_ERRORS = {
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.EROFS: N_("the file system is read-only: choose another folder"),
    errno.EISDIR: N_("it is a folder: name a file"),
    errno.EEXIST: N_("a file with this name is in the way: choose another path"),
    errno.ENOTDIR: N_("a part of the path is a file and not a folder: choose another path"),
    errno.ENAMETOOLONG: N_("the name is too long: choose a shorter one"),
}


class LazyGroup(click.Group):
    """A group that imports some of its commands when they are used; `elsewhere` maps names to module and function.

    Otherwise every command would wait for the imports of all.
    """

    def __init__(self, *args: Any, elsewhere: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._elsewhere = dict(elsewhere or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns all names, sorted."""
        return sorted([*super().list_commands(ctx), *self._elsewhere])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; Ctrl-C ends it with a status of its own, because 1 means that the data are invalid."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\ncitygraph: interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns the command of this name."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self._elsewhere[cmd_name].partition(":")
        loaded = getattr(importlib.import_module(module), name)
        return loaded if isinstance(loaded, click.Command) else None


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Turns the return value of a command into the exit status, and an error into one line on standard error."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = function(*args, **kwargs)
        except BrokenPipeError:
            # The reading program, such as head, has closed the pipe.
            code = OK
            # Otherwise Python would report the broken pipe when it flushes at exit.
            sys.stderr.close()
        except CitygraphError as error:
            click.echo(f"citygraph: {_translated(error, kwargs.get('lang', ENGLISH))}", err=True)
            code = COULD_NOT
        # Such as a full disk: one line, as for our own errors, and no traceback.
        except OSError as error:
            click.echo(f"citygraph: {system_error_text(error, kwargs.get('lang', ENGLISH))}", err=True)
            code = COULD_NOT
        sys.exit(code or OK)

    return run


def system_error_text(error: OSError, language: str = ENGLISH) -> str:
    """Returns an error of the system in words: the file, the problem, and what to do where that is known."""
    translate = Translations(language)
    text = _DISK_FULL if is_disk_full(error) else _SYSTEM_ERRORS.get(error.errno or 0)
    problem = translate(text) if text else error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {problem}" if isinstance(error.filename, str | bytes) else problem


def _translated(error: CitygraphError, language: str) -> str:
    """Returns the text of an error in a language, else in English; the place in a file stays before it."""
    text, translate = str(error), Translations(language)
    where = f"{text.partition(': ')[0]}: " if isinstance(error, BadData) else ""
    return where + (translate.error(text.removeprefix(where)) or text.removeprefix(where))
