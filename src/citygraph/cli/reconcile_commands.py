"""The command that matches a column of names with entities, and keeps the decisions of a person."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from citygraph.cli.console import OK, FilePath, command
from citygraph.errors import UsageError
from citygraph.index.facts import ENTITY
from citygraph.matching.decisions import (
    DECIDED,
    MATCH,
    NONE,
    REVIEW,
    DecisionRow,
    DecisionTable,
    NameQuery,
    Proposal,
    propose,
    read_decisions,
    write_decisions,
)
from citygraph.matching.lookup import Lookup
from citygraph.matching.remote import QueryOptions, ReconciliationService, over_http
from citygraph.matching.score import LONGEST_NAME, Question
from citygraph.matching.score import reconcile as candidates
from citygraph.matching.spreadsheet import Spreadsheet, read_spreadsheet, write_spreadsheet
from citygraph.rdf.terms import local_name
from citygraph.release.releases import Releases
from citygraph.saving import replacement
from citygraph.settings import Settings

_ADDED = ("id", "name", "score", "status")


@click.command()
@click.argument("file", type=FilePath(path_type=Path, exists=True, dir_okay=False))
@click.option("--column", required=True, metavar="NAME", help="Column with the names: its title, or its number.")
@click.option("--type", "type_", default="", metavar="TYPE", help="Type of the entities: City, or Q515 at Wikidata.")
@click.option("--country-column", default="", metavar="NAME", help="Column with the country of each name.")
@click.option(
    "--country-property", default="", metavar="ID", help="Property of the country. [default: country, or P17]"
)
@click.option("--service", default="", metavar="URL", help="Use this service instead of the current release.")
@click.option("--decisions", type=FilePath(path_type=Path), help="Table to review; its decisions are applied.")
@click.option("--encoding", default="", help="Encoding of FILE, such as cp1254. [default: its mark, or UTF-8]")
@click.option("-o", "--output", type=FilePath(path_type=Path), help="Write to this file. [default: standard output]")
@click.pass_obj
@command
def reconcile(
    settings: Settings,
    file: Path,
    column: str,
    type_: str,
    country_column: str,
    country_property: str,
    service: str,
    decisions: Path | None,
    encoding: str,
    output: Path | None,
) -> int:
    """Match the names in a column of FILE (CSV with any delimiter) with entities.

    Each row keeps its cells and gets four more, in columns named after the column: id, name, score and status.
    The table of --decisions has a line for each name. Put the right id into its column "decision", or - if no
    candidate is right, and run the command again: your decisions and your own columns are kept.

    \b
    citygraph reconcile cities.csv --column City --type City --decisions decisions.csv -o matched.csv
    citygraph reconcile cities.csv --column City --type Q515 --service https://wikidata.reconci.link/en/api
    """
    sheet = read_spreadsheet(file, [name for name in (column, country_column) if name], encoding)
    names = sheet.column(column)
    countries = sheet.column(country_column) if country_column else None
    for note in (*sheet.notes, *_repeated(sheet, column, country_column)):
        click.echo(note, err=True)
    queries = [
        NameQuery(row[names].strip(), row[countries].strip() if countries is not None else "") for row in sheet.rows
    ]
    before = read_decisions(decisions) if decisions else DecisionTable()
    table = _matched(queries, before.decided, settings, service, QueryOptions(type_, country_property))
    if decisions:
        write_decisions(before.updated(table.values()), decisions)
    _write(_with_matches(sheet, names, [table.get(one) for one in queries]), output)
    click.echo(_summary(table.values()), err=True)
    return OK


def _write(sheet: Spreadsheet, output: Path | None) -> None:
    """Writes the spreadsheet to the file, or to standard output."""
    if output:
        with replacement(output) as out:
            write_spreadsheet(sheet, out)
    else:
        write_spreadsheet(sheet, sys.stdout)


def _summary(rows: Collection[DecisionRow]) -> str:
    """Returns how many names have which status."""
    counts = Counter(row.status for row in rows)
    return (
        f"{len(rows)} names: {counts[MATCH]} matched, {counts[REVIEW]} to review, {counts[NONE]} without a candidate, "
        f"{counts[DECIDED]} decided before"
    )


def _matched(
    queries: Sequence[NameQuery],
    decided: Mapping[NameQuery, DecisionRow],
    settings: Settings,
    service: str,
    options: QueryOptions,
) -> dict[NameQuery, DecisionRow]:
    """Returns the decision or the proposals for each name."""
    named = [one for one in dict.fromkeys(queries) if one.name]
    # Decided names are not requested again: a service limits requests, and a decision is final. Nor are long texts.
    new = [one for one in named if one not in decided and len(one.name) <= LONGEST_NAME]
    proposals = dict(zip(new, _proposals(new, settings, service, options), strict=True))
    return {one: decided.get(one) or propose(one, proposals.get(one, ())) for one in named}


def _proposals(
    queries: Sequence[NameQuery], settings: Settings, service: str, terms: QueryOptions
) -> list[list[Proposal]]:
    if not queries:
        return []
    if service:
        remote = ReconciliationService(
            service, over_http(settings.wikidata_contact), notice=lambda text: click.echo(text, err=True)
        )
        return remote.proposals(queries, terms)
    with closing(Lookup(Releases(settings.releases).current().path / "search.sqlite")) as lookup:
        types = (_type(terms.type, lookup),) if terms.type else ()
        return [_own(one, types, terms.limit, lookup) for one in queries]


def _type(name: str, lookup: Lookup) -> str:
    """Returns the local name of a class, in any case on a command line. Raises UsageError if no entity has it."""
    types = {type_.casefold(): type_ for type_ in lookup.types()}
    try:
        return types[local_name(name).casefold()]
    except KeyError:
        raise UsageError(
            f"no entity has the type {name!r}; the types are {', '.join(sorted(types.values()))}"
        ) from None


def _own(query: NameQuery, types: tuple[str, ...], limit: int, lookup: Lookup) -> list[Proposal]:
    countries = (query.country,) if query.country else ()
    matches = candidates(Question(query.name, types, countries=countries, limit=limit), lookup)
    return [
        Proposal(
            one.entity.iri.partition(ENTITY)[2],
            one.entity.label,
            one.score,
            one.match,
            ", ".join(f"{id_} {value}" for id_, value in one.features),
        )
        for one in matches
    ]


def _repeated(sheet: Spreadsheet, *titles: str) -> Iterator[str]:
    """Yields a note for each title of several columns."""
    for title in titles:
        places = sheet.places(title) if title else []
        if len(places) > 1:
            numbers = ", ".join(str(place + 1) for place in places)
            where = f"{sheet.name}:{sheet.header_line}"
            yield f"{where}: columns {numbers} are titled {title!r}: the first is used unless you give a number"


def _with_matches(sheet: Spreadsheet, place: int, matches: Sequence[DecisionRow | None]) -> Spreadsheet:
    """Returns the table with four more columns, whose titles no other column has."""
    # Named after the column, so that two runs over two columns do not collide.
    base = sheet.header[place].strip() or f"column {place + 1}"
    endings = ("", *(f" {number}" for number in range(2, len(sheet.header) + 3)))
    new = ([f"{base} {name}{ending}" for name in _ADDED] for ending in endings)
    titles = next(one for one in new if not any(sheet.places(title) for title in one))
    rows = tuple((*row, *_cells(match)) for row, match in zip(sheet.rows, matches, strict=True))
    return replace(sheet, header=(*sheet.header, *titles), rows=rows)


def _cells(row: DecisionRow | None) -> tuple[str, ...]:
    """Returns the added cells: the match or decision, and the status. A name to review has only the status."""
    sure = row is not None and row.status in (MATCH, DECIDED)
    return (row.id, row.label, row.score, row.status) if row and sure else ("", "", "", row.status if row else "")
