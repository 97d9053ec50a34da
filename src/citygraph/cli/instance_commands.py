"""The commands that start an instance and move it: init and rebase."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import click

from citygraph.cli.console import OK, FilePath, command
from citygraph.commit.tokens import Tokens
from citygraph.errors import UsageError
from citygraph.instance import packaged_folder, parse_instance, placeholder_problem
from citygraph.rdf.terms import base_pattern
from citygraph.settings import Settings
from citygraph.sheets.check import choices_of
from citygraph.sheets.table_model import read_model
from citygraph.sheets.xlsx_files import write_template
from citygraph.source.files import Sources, sources_of
from citygraph.starter import new_folder, start_instance
from citygraph.starter.rebase import checked_base, rebased, save
from citygraph.text import nfc, slug


class RequiredOption(click.Option):
    """An option that is asked for if it is missing. Without anybody to ask, the error names all that are missing."""

    def prompt_for_value(self, ctx: click.Context) -> Any:
        """Returns the answer. Raises UsageError if standard input ends, Abort on Ctrl-C at a terminal."""
        try:
            return super().prompt_for_value(ctx)
        except click.Abort:
            if sys.stdin.isatty():
                raise
        options = (one for one in ctx.command.params if isinstance(one, RequiredOption))
        missing = ", ".join(one.opts[0] for one in options if one.name not in ctx.params)
        click.echo(err=True)
        raise click.UsageError(f"these options are missing, and there is no terminal to ask for them: {missing}")


@click.command()
@click.argument("folder", type=FilePath(path_type=Path))
@click.option(
    "--base",
    cls=RequiredOption,
    prompt="Base IRI of the identifiers",
    help="Base IRI, such as https://data.bremen.example/.",
)
@click.option("--title", cls=RequiredOption, prompt="Title of the site", help="Title of the site.")
@click.option(
    "--language",
    "languages",
    cls=RequiredOption,
    prompt="Languages in order, by spaces",
    multiple=False,
    help="Languages in order; the first is required on every label.",
)
@click.option("--home", cls=RequiredOption, prompt="Home city", help="Name of the home city.")
@click.option("--home-id", default="", help="End of its identifier, such as bremen; the default is made from the name.")
@click.option("--publisher", cls=RequiredOption, prompt="Publisher", help="Name of the publisher.")
@click.option(
    "--contact", cls=RequiredOption, prompt="Contact (e-mail or web address)", help="Contact of the publisher."
)
@click.option("--timezone", default="UTC", show_default=True, help="Time zone, such as Europe/Berlin.")
@command
def init(
    folder: Path,
    base: str,
    title: str,
    languages: str,
    home: str,
    home_id: str,
    publisher: str,
    contact: str,
    timezone: str,
) -> int:
    """Start an instance in the new folder FOLDER: settings, example data, the spreadsheet template, and
    a workflow that publishes the site.

    The command asks for missing options.
    """
    tags = languages.replace(",", " ").split()
    values = _template_values(base, title, tags, nfc(home).strip(), home_id, publisher, contact, timezone)
    # Before anything is written.
    parse_instance(_settings(values), "the settings")
    template = folder / "sheets" / "template.xlsx"
    with new_folder(folder):
        paths = start_instance(folder, values)
        sources = Sources(folder / "data", packaged_folder("ontology"))
        write_template(template, read_model(sources.ontology, tuple(tags)), choices_of(sources))
    for path in [*paths, template]:
        click.echo(str(path))
    click.echo(f"next: cd {shlex.quote(str(folder))} && citygraph serve", err=True)
    return OK


def _template_values(
    base: str,
    title: str,
    tags: Sequence[str],
    home: str,
    home_id: str,
    publisher: str,
    contact: str,
    timezone: str,
) -> dict[str, str]:
    """Returns the values of the starter's files, by the name of their place in the files. Raises UsageError."""
    if timezone not in available_timezones():
        raise UsageError(f"{timezone!r} is not a time zone, such as Europe/Berlin")
    base, home_id = base if base.endswith("/") else base + "/", _home_id(home_id, home)
    return {
        "base": _quoted(base),
        "iri": base,
        "languages": ", ".join(map(_quoted, tags)),
        "language": tags[0] if tags else "",
        "home": _quoted(f"city/{home_id}"),
        "home_slug": home_id,
        "home_label": _quoted(home),
        "plain_home": home,
        "timezone": _quoted(timezone),
        "title": _quoted(title),
        "plain_title": title,
        "title_label": _quoted(title),
        "publisher": _quoted(publisher),
        "publisher_slug": slug(publisher) or "publisher",
        "publisher_label": _quoted(publisher),
        "contact": _quoted(contact),
        "today": datetime.now(ZoneInfo(timezone)).date().isoformat(),
    }


def _home_id(chosen: str, home: str) -> str:
    """Returns the end of the identifier of the home city. Raises UsageError for one that no build could use."""
    made = chosen or slug(home)
    if not made:
        raise UsageError(f"the home city {home!r} has no letters: choose its identifier with --home-id")
    if slug(made) != made:
        raise UsageError(f"--home-id {made!r} is not the end of an identifier, such as {slug(made) or 'bremen'}")
    return made


@click.command()
@click.argument("base", metavar="NEW")
@click.option("--redirect", is_flag=True, help="Record the old base, so that its addresses redirect to the new ones.")
@click.option("--dry-run", is_flag=True, help="Report the changes and make none.")
@click.pass_obj
@command
def rebase(settings: Settings, base: str, redirect: bool, dry_run: bool) -> int:
    """Move the instance in this folder to the base IRI NEW: data, own ontology and queries, tokens, and settings.

    Published releases keep the old base: build a new one afterwards, which moves graphs of the API too. If the command
    is interrupted, run it again.
    """
    folders = [folder for folder in (settings.data, *_own_folders(settings)) if folder.is_dir()]
    files = rebased(Path(), folders, settings.base, checked_base(base), redirect, settings.releases.parent)
    # The graphs that a token may write get the new base, and the tokens' file before the settings, which are last.
    move = partial(base_pattern(settings.base, checked_base(base)).sub, checked_base(base))
    tokens = Tokens(settings.tokens).rebase(move, save=not dry_run)
    if not dry_run:
        save(files)
    changed = [*((file.path, file.count) for file in files), *([(settings.tokens, tokens)] if tokens else [])]
    for path, count in changed:
        click.echo(f"{path}: {count:,} changed")
    result = "would be changed" if dry_run else "changed"
    click.echo(f"{len(changed)} file(s) {result}, from {settings.base} to {checked_base(base)}")
    if problem := placeholder_problem(checked_base(base)):
        click.echo(f"warning: {problem}", err=True)
    if not dry_run:
        click.echo("next: citygraph build", err=True)
    return OK


def _own_folders(settings: Settings) -> list[Path]:
    # Those of the package are written for the base of the vocabulary.
    sources = sources_of(settings)
    return [folder for folder in (sources.own_ontology, sources.own_queries) if folder]


def _settings(values: dict[str, str]) -> str:
    title = f"[title]\n{values['language']} = {values['title']}" if values["language"] else ""
    names = ("base", "home", "timezone")
    return "\n".join([*(f"{name} = {values[name]}" for name in names), f"languages = [{values['languages']}]", title])


def _quoted(text: str) -> str:
    # JSON's escapes are those of TOML and Turtle.
    return json.dumps(text, ensure_ascii=False)
