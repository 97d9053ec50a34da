"""Queries on the command line: the text of a file or stored query, and its result as a table or in a format."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from io import BytesIO
from pathlib import Path

import click
from rich.console import Console

from citygraph.cli import console
from citygraph.errors import NotFound, UsageError
from citygraph.graph.examples import current_examples, examples_in
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.rdf.formats import Kind
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import sources_of
from citygraph.source.queries import StoredQuery, find_query, load_queries, similar_names
from citygraph.source.query_parameters import with_entities
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query


def list_queries(settings: Settings) -> None:
    """Prints the name, title and default values of each stored query."""
    examples = current_examples(Releases(settings.releases), current_instance())
    for stored in load_queries(*sources_of(settings).query_folders, examples=examples).values():
        parameters = " ".join(f"{p.name}={p.default}" for p in stored.parameters)
        click.echo(f"{stored.name:<32} {stored.title}" + (f"  [{parameters}]" if parameters else ""))


def query_text(settings: Settings, release: Release, query: str, values: dict[str, str], language: str) -> str:
    """Returns the text of a file, or of a stored query with these values and with labels in a language."""
    # A file wins over a stored query with its name.
    if query == "-" or Path(query).is_file():
        if values:
            raise UsageError("only stored queries have parameters")
        return console.read_input(Path(query))
    if any(sign.isspace() for sign in query):
        raise UsageError(
            "this is neither the name of a stored query nor a file: give a query text to standard input, with -"
        )
    folders = sources_of(settings).query_folders
    if Path(query).suffix:
        nearest = similar_names(str(Path(query).with_suffix("")), load_queries(*folders))
        hint = f"; stored queries with similar names: {', '.join(nearest)}" if nearest else ""
        raise NotFound(f"{query}: no such file{hint}")
    examples = examples_in(release.open_store(), current_instance())
    stored = find_query(folders, query, examples, language)
    return stored.bind(resolved(stored, release, values))


def resolved(stored: StoredQuery, release: Release, values: Mapping[str, str]) -> dict[str, str]:
    """Returns the values of a stored query's parameters, with IRIs in place of names of entities."""
    with ExitStack() as opened:
        index = release.path / "search.sqlite"
        return with_entities(stored.parameters, values, lambda: opened.enter_context(closing(Lookup(index))))


def write_result(text: str, release: Release, format_name: str | None) -> None:
    """Writes the result to standard output."""
    # csv for SELECT and ASK, ttl for CONSTRUCT and DESCRIBE.
    formats = (format_name,) if format_name else ("csv", "ttl")
    evaluate(release.open_store(), Query(text, formats=formats)).write(sys.stdout.buffer)


def print_table(text: str, release: Release) -> None:
    """Prints solutions as a table, and a boolean or a graph as text."""
    result = evaluate(release.open_store(), Query(text, formats=("json", "ttl")))
    if result.kind is Kind.GRAPH:
        result.write(sys.stdout.buffer)
        return
    out = BytesIO()
    result.write(out)
    answer = json.loads(out.getvalue())
    if result.kind is Kind.BOOLEAN:
        click.echo("yes" if answer["boolean"] else "no")
        return
    columns = answer["head"]["vars"]
    rows = [[_cell(row.get(column)) for column in columns] for row in answer["results"]["bindings"]]
    console.print_solutions(Console(), columns, rows)


def _cell(value: dict[str, str] | None) -> str:
    if value is None:
        return ""
    return console.shortened(value["value"]) if value["type"] == "uri" else value["value"]


def pair(param: str) -> tuple[str, str]:
    """Returns the name and the value of a parameter. Raises UsageError without an equals sign."""
    name, equals, value = param.partition("=")
    if not equals:
        raise UsageError(f"{param!r} must be NAME=VALUE")
    return name, value
