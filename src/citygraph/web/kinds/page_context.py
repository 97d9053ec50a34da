"""What a page asks of the store beside a description: a few fixed queries, whatever the size of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple, Variable

from citygraph.rdf.partial_dates import is_past
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.translations import Translations

MOST_QUERIES = 12  # on one page

Bindings = Mapping[str, NamedNode | Literal]


@dataclass
class PageContext:
    """On what one page is built: the release, the reader, the register that numbers the sources, the day asked about.

    `at` is "" or an ISO date: the graph as it was true on that day is asked for. `view` is how the reader wants tables
    (`sort`, `q`), `today` the ISO date of the reading: of a release at its own address, the day it was made.
    """

    opened: OpenRelease
    translations: Translations
    addresses: Addresses
    table: StatementTable
    at: str = ""
    view: Mapping[str, str] = field(default_factory=dict)
    today: str = ""
    queries_run: int = field(default=0, init=False)

    def ask(self, name: str, **terms: NamedNode | Literal) -> list[Bindings]:
        """The rows of web/kinds/queries/{name}.rq; `terms` take the place of variables of their names.

        Raises RuntimeError for more than MOST_QUERIES queries on one page: then the page is at fault.
        """
        self.queries_run += 1
        if self.queries_run > MOST_QUERIES:
            raise RuntimeError(f"a page asked more than {MOST_QUERIES} queries: {name}")
        values: dict[Variable, NamedNode | BlankNode | Literal | Triple] = {
            Variable(variable): term for variable, term in terms.items()
        }
        found = self.opened.quick.query(_queries()[name].text, substitutions=values)
        if not isinstance(found, QuerySolutions):
            raise TypeError(f"{name} is no SELECT query")
        names = [variable.value for variable in found.variables]
        return [{n: term for n in names if isinstance(term := row[n], NamedNode | Literal)} for row in found]

    def ask_once(self, name: str) -> list[Bindings]:
        """The rows of a query about the whole release, which is asked once for all pages."""
        known = self.opened.query_results.get(name)
        if known is None:
            known = self.opened.query_results[name] = self.ask(name)
        return known


@dataclass(frozen=True)
class Layout:
    """How the page of a kind is laid out: its template below templates/kinds/, and what that is filled with.

    `covered` are the properties that the picture shows completely, so that the statement table omits them;
    `covered_links` are the properties of incoming links that it shows.
    """

    template: str
    values: Mapping[str, object]
    covered: frozenset[str] = frozenset()
    covered_links: frozenset[str] = frozenset()


@cache
def _queries() -> dict[str, StoredQuery]:
    return load_queries(Path(__file__).parent / "queries")


def text_of(term: NamedNode | Literal | None) -> str:
    """The value of a term of a row, or "" where the row has none."""
    return term.value if term is not None else ""


def validity(context: PageContext, starts: Iterable[str], ends: Iterable[str], shown: Iterable[str] = ()) -> str:
    """Says "not yet" or "no longer" of the day asked about, and nothing of what is so or has no date to tell by.

    Of several dates the first begins it and the last ends it; in the month or the year that a date names it is so.
    What is only `shown` on other days is "not shown on that day".
    """
    begun, ended, days = sorted(starts), sorted(ends), sorted(shown)
    if not context.at:
        return ""
    if begun and begun[0] > context.at:
        return context.translations("not yet")
    if ended and is_past(ended[-1], context.at):
        return context.translations("no longer")
    if begun or ended or not days:
        return ""
    within = days[0] <= context.at and not is_past(days[-1], context.at)
    return "" if within else context.translations("not documented for that day")
