"""The command that matches a column of names with entities, and keeps the decisions of a person."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TextIO

import click

from citygraph.cli.console import OK, command
from citygraph.errors import UsageError
from citygraph.index.facts import ENTITY
from citygraph.matching.decisions import DECIDED, MATCH, NONE, REVIEW, DecisionRow, NameQuery, Proposal, propose
from citygraph.matching.decisions import read_decisions as read
from citygraph.matching.decisions import write_decisions as write
from citygraph.matching.lookup import Lookup
from citygraph.matching.remote import QueryOptions, ReconciliationService, over_http
from citygraph.matching.score import Question
from citygraph.matching.score import reconcile as candidates
from citygraph.release.releases import Releases
from citygraph.settings import Settings

_ADDED = ("id", "name", "score", "status")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--column", required=True, metavar="NAME", help="Column with the names.")
@click.option("--type", "type_", default="", metavar="TYPE", help="Type of the entities: City, or Q515 at Wikidata.")
@click.option("--country-column", default="", metavar="NAME", help="Column with the country of each name.")
@click.option(
    "--country-property", default="", metavar="ID", help="Property of the country. [default: country, or P17]"
)
@click.option("--service", default="", metavar="URL", help="Use this service instead of the current release.")
@click.option("--decisions", type=click.Path(path_type=Path), help="Table to review; its decisions are applied.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file. [default: standard output]")
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
    output: Path | None,
) -> int:
    """Match the names in a column of FILE (CSV, or TSV by its name) with entities.

    Each row gets four more columns, named after the column: id, name, score and status. The table of --decisions
    has a line for each name. Put the right id into its column "decision", or - if no candidate is right, and run
    the command again: your decisions are kept.

    \b
    citygraph reconcile cities.csv --column City --type City --decisions decisions.csv -o matched.csv
    citygraph reconcile cities.csv --column City --type Q515 --service https://wikidata.reconci.link/en/api
    """
    header, rows = _read_table(file, [name for name in (column, country_column) if name])
    asked = [NameQuery(row[column].strip(), row[country_column].strip() if country_column else "") for row in rows]
    decided = read(decisions) if decisions else {}
    # Decided names are not requested again: a service limits requests, and a decision is final.
    new = [one for one in dict.fromkeys(asked) if one.name and one not in decided]
    proposals = dict(zip(new, _proposals(new, settings, service, QueryOptions(type_, country_property)), strict=True))
    table = {one: decided.get(one) or propose(one, proposals[one]) for one in dict.fromkeys(asked) if one.name}
    if decisions:
        write({**decided, **table}.values(), decisions)
    lines = [{**row, **_cells(column, table.get(one))} for row, one in zip(rows, asked, strict=True)]
    # Named after the column, so that two runs over two columns do not collide.
    header += [f"{column} {name}" for name in _ADDED]
    if output:
        with output.open("w", encoding="utf-8", newline="") as out:
            _write_table(header, lines, out)
    else:
        _write_table(header, lines, sys.stdout)
    counts = Counter(row.status for row in table.values())
    click.echo(
        f"{len(table)} names: {counts[MATCH]} matched, {counts[REVIEW]} to review, {counts[NONE]} without a candidate, "
        f"{counts[DECIDED]} decided before",
        err=True,
    )
    return OK


def _proposals(
    asked: Sequence[NameQuery], settings: Settings, service: str, terms: QueryOptions
) -> list[list[Proposal]]:
    if not asked:
        return []
    if service:
        return ReconciliationService(service, over_http(settings.wikidata_contact)).proposals(asked, terms)
    with closing(Lookup(Releases(settings.releases).current().path / "search.sqlite")) as lookup:
        # Types are local names of classes; on a command line they may be in lower case.
        types = (terms.type[:1].upper() + terms.type[1:],) if terms.type else ()
        return [_own(one, types, terms.limit, lookup) for one in asked]


def _own(asked: NameQuery, types: tuple[str, ...], limit: int, lookup: Lookup) -> list[Proposal]:
    countries = (asked.country,) if asked.country else ()
    matches = candidates(Question(asked.name, types, countries=countries, limit=limit), lookup)
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


def _read_table(path: Path, needed: Sequence[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Reads header and rows of a table. Raises UsageError if a column is missing, or the file is not UTF-8."""
    try:
        # Spreadsheets write a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",", restval="")
            header, rows = list(reader.fieldnames or ()), list(reader)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
    for name in needed:
        if name not in header:
            raise UsageError(f"{path} has no column {name!r}; there are {', '.join(header)}")
    return header, [{name: row[name] or "" for name in header} for row in rows]


def _cells(column: str, row: DecisionRow | None) -> dict[str, str]:
    """Returns the added cells: the match or decision, and the status. A name to review has only the status."""
    sure = row is not None and row.status in (MATCH, DECIDED)
    values = (row.id, row.label, row.score, row.status) if row and sure else ("", "", "", row.status if row else "")
    return {f"{column} {name}": value for name, value in zip(_ADDED, values, strict=True)}


def _write_table(header: Sequence[str], rows: Sequence[dict[str, str]], out: TextIO) -> None:
    writer = csv.DictWriter(out, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
