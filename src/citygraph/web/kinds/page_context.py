"""The context in which a page is made, and its queries: a fixed number, whatever the size of the graph."""

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
    """The release, translations and addresses of a page, the table that numbers its sources, and the requested date.

    `at` is "" or the ISO date for which the graph is shown. `view` has the sort order and search text of tables
    (`sort`, `q`). `today` is the ISO date of the request or, for a release at its own address, its creation date.
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
        """Returns the rows of web/kinds/queries/{name}.rq; `terms` replace the variables of their names.

        Raises RuntimeError for more than MOST_QUERIES queries on one page, which is a programming error.
        """
        self.queries_run += 1
        if self.queries_run > MOST_QUERIES:
            raise RuntimeError(f"a page asked more than {MOST_QUERIES} queries: {name}")
        values: dict[Variable, NamedNode | BlankNode | Literal | Triple] = {
            Variable(variable): term for variable, term in terms.items()
        }
        solutions = self.opened.quick.query(_queries()[name].text, substitutions=values)
        if not isinstance(solutions, QuerySolutions):
            raise TypeError(f"{name} is no SELECT query")
        names = [variable.value for variable in solutions.variables]
        # Blank nodes have no page and no label.
        return [{n: term for n in names if isinstance(term := row[n], NamedNode | Literal)} for row in solutions]

    def ask_once(self, name: str) -> list[Bindings]:
        """Returns the rows of a query about the whole release, which runs once for all pages."""
        cached = self.opened.query_results.get(name)
        if cached is None:
            cached = self.opened.query_results[name] = self.ask(name)
        return cached


@dataclass(frozen=True)
class Layout:
    """The template of a page below templates/kinds/, and the values that fill it.

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
    """Returns the value of a term, or "" for None."""
    return term.value if term is not None else ""


def validity(context: PageContext, starts: Iterable[str], ends: Iterable[str], shown: Iterable[str] = ()) -> str:
    """Returns whether a statement is "not yet" or "no longer" valid on the requested date; "" if valid or undated.

    Of several dates the earliest start and the latest end count. Partial dates cover their whole month or year.
    A statement that is only `shown` on other days is "not documented for that day".
    """
    # ISO dates of any precision sort as strings.
    begun, ended, days = sorted(starts), sorted(ends), sorted(shown)
    if not context.at:
        return ""
    if begun and begun[0] > context.at:
        return context.translations("not yet")
    if ended and is_past(ended[-1], context.at):
        return context.translations("no longer")
    # Dates of the statement itself take precedence over days on which it was only documented.
    if begun or ended or not days:
        return ""
    within = days[0] <= context.at and not is_past(days[-1], context.at)
    return "" if within else context.translations("not documented for that day")
