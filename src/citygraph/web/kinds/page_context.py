"""The context in which a page is made, and its queries: a fixed number, whatever the size of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple, Variable

from citygraph.graph.description import PAGE
from citygraph.instance import VOCABULARY
from citygraph.rdf.partial_dates import Validity, chronological, finest_first, period_of, validity_on
from citygraph.rdf.terms import CG
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.cells import PropertyRow
from citygraph.web.view.frame import Frame
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.translations import N_, Translations

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


Row = TypeVar("Row")


@dataclass(frozen=True)
class TablePart(Generic[Row]):
    """The part of a table that a page shows: its rows, the number of the first, and how many all pages have."""

    rows: tuple[Row, ...]
    first: int
    total: int
    page: int
    pages: int


def part_of(rows: Sequence[Row], page: int) -> TablePart[Row]:
    """Returns a part of a table; beyond the last page it is the last, for a filter leaves fewer rows.

    It has as many rows as a page has links, so that every row is on one of the pages of the document.
    """
    pages = max(1, -(-len(rows) // PAGE))
    start = (min(page, pages) - 1) * PAGE
    return TablePart(tuple(rows[start : start + PAGE]), start + 1, len(rows), min(page, pages), pages)


class RowsPlace(Enum):
    """Where the statement table of a page is: below the picture, there with a heading, or in the picture itself."""

    BELOW = "below"
    HEADED = "headed"
    IN_PICTURE = "in picture"


@dataclass(frozen=True)
class Layout:
    """The template of the picture of a page below templates/kinds/, "" without one, and the values that fill it.

    `picture` writes the picture without a template. It may include the statements, which are passed to it.
    `parts_heading` is the heading over the parts of the document, if they have one of their own. A map has a script.

    `covered` are the properties that the picture shows completely, so that the statement table omits them;
    `covered_links` are the properties of incoming links that it shows.
    """

    template: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    covered: frozenset[str] = frozenset()
    covered_links: frozenset[str] = frozenset()
    rows_at: RowsPlace = RowsPlace.BELOW
    parts_heading: str = ""
    has_map: bool = False
    picture: Callable[[Sequence[PropertyRow], Frame, PageRequest], str] | None = None


@cache
def _queries() -> dict[str, StoredQuery]:
    return load_queries(Path(__file__).parent / "queries")


def text_of(term: NamedNode | Literal | None) -> str:
    """Returns the value of a term, or "" for None."""
    return term.value if term is not None else ""


_WORDS = {
    Validity.NOT_YET: N_("not yet"),
    Validity.NO_LONGER: N_("no longer"),
    Validity.UNDOCUMENTED: N_("not documented for that day"),
}
VALID_DURING, ATTESTED_DURING = CG("validDuring").value, CG("attestedDuring").value
CURRENT_STATE = CG("currentState").value
_STATUS = VOCABULARY + "ontology/statuses/"
# The last documented states in which an agreement is not in force: those before it began count for any day up to the
# present, the others from the present on. Without a documented state, an agreement counts by its dates alone.
_NOT_BEGUN = {_STATUS + "planned": N_("planned"), _STATUS + "decided": N_("decided, not yet signed")}
_INTERRUPTED = {_STATUS + "suspended": N_("suspended"), _STATUS + "ended": N_("ended")}


def validity(context: PageContext, facts: Mapping[str, tuple[str, ...]], day: str = "") -> str:
    """Returns "not yet", "no longer" or "not documented for that day" for a day, by default the requested date.

    `facts` are the values by property. Returns "" without a day, and for valid or undated things. The last documented
    state of an agreement counts too, such as "suspended".
    """
    day = day or context.at
    if not day:
        return ""
    # The intervals follow from all dates by the rules 12 and 13 in ontology/rules.
    state = validity_on(day, facts.get(VALID_DURING, ()), facts.get(ATTESTED_DURING, ()), context.today)
    if state in _WORDS:
        return context.translations(_WORDS[state])
    word = _state_out_of_force(facts, day, context.today)
    # The translation of an empty text is the head of the catalogue.
    return context.translations(word) if word else ""


def is_in_force(context: PageContext, facts: Mapping[str, tuple[str, ...]], day: str = "") -> bool:
    """Returns whether a thing is in force on a day, by default today. The last documented state counts too."""
    day = day or context.today
    state = validity_on(day, facts.get(VALID_DURING, ()), (), context.today)
    is_over = state in (Validity.NO_LONGER, Validity.UNDOCUMENTED)
    return not is_over and not _state_out_of_force(facts, day, context.today)


def _state_out_of_force(facts: Mapping[str, tuple[str, ...]], day: str, today: str) -> str:
    words = {**(_NOT_BEGUN if day <= today else {}), **(_INTERRUPTED if day >= today else {})}
    return next((words[state] for state in facts.get(CURRENT_STATE, ()) if state in words), "")


def not_yet(context: PageContext, dates: Iterable[str]) -> str:
    """Returns "not yet" if the requested date is before the first of some dates, else ""."""
    starts = (period[0] for date in finest_first(dates) if (period := period_of(date)))
    first = min(starts, key=chronological, default="")
    is_later = bool(first and context.at) and chronological(first) > chronological(context.at)
    return context.translations(_WORDS[Validity.NOT_YET]) if is_later else ""
