"""The mix of queries for every server, each with many values of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pyoxigraph import QuerySolutions, Store

from citygraph.source.queries import StoredQuery, load_queries

_HERE = Path(__file__).parent
_MOST_VALUES = 5000
_BLOCK = re.compile(r" *VALUES \?(?P<name>\w+) \{ (?P<term>[^{}]*) \}\n")
_COUNTING = frozenset(
    {"06-count-by-country", "07-top-countries", "08-agreements-by-year", "09-country-matrix", "10-none-since"}
)
_PIECE = re.compile(r"[a-zçöü]{3}")

Values = dict[str, list[str]]


@dataclass(frozen=True)
class Question:
    """A query of the mix: its texts differ in the values of its parameters, in an order by chance."""

    title: str
    texts: tuple[str, ...]


def questions(store: Store, seed: int, only: str = "") -> list[Question]:
    """The whole mix for the world in a store, the queries with `only` in their title, or those that are "counting"."""
    return questions_of(lambda text: _column(store, text), seed, only)


def questions_of(column: Callable[[str], Iterable[str]], seed: int, only: str = "") -> list[Question]:
    """Returns the mix for a world; `column` runs queries for the values of parameters."""
    values = _values(column, Random(seed))  # noqa: S311 - nothing here is secret
    queries = load_queries(_HERE / "mix").values()
    return [
        Question(query.title, tuple(_texts(query, values)))
        for query in queries
        if only in query.title or only == _group(query)
    ]


def _group(query: StoredQuery) -> str:
    return "counting" if query.name in _COUNTING else ""


def _texts(query: StoredQuery, values: Values) -> Iterator[str]:
    names = [parameter.name for parameter in query.parameters]
    if not names:
        yield _as_sent(query.text)
        return
    for row in zip(*(values[name] for name in names), strict=False):
        yield _as_sent(query.bind(dict(zip(names, row, strict=True))))


def _values(column: Callable[[str], Iterable[str]], random: Random) -> Values:
    """Returns the possible values of each parameter of the mix, by its name."""
    found = {query.name: sorted(column(query.text)) for query in load_queries(_HERE / "values").values()}
    pieces = sorted({piece for name in found.pop("name") for piece in _PIECE.findall(name.lower())})
    months = [f"{year}-{month:02}" for year in range(1990, 2010) for month in range(1, 13)]
    every = {**found, "text": pieces, "since": months, "least": [str(number) for number in range(1, 21)]}
    return {name: random.sample(values, min(len(values), _MOST_VALUES)) for name, values in every.items()}


def _column(store: Store, text: str) -> Iterator[str]:
    result = store.query(text)
    assert isinstance(result, QuerySolutions)
    for row in result:
        yield row[0].value


def _as_sent(text: str) -> str:
    """Returns the query as a client would write it: without its head, and with values instead of parameters.

    Every engine plans that well; rdflib takes minutes over a join with VALUES.
    """
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#+")).strip()
    for block in _BLOCK.finditer(text):
        variable = re.compile(rf"\?{block['name']}\b")
        text = variable.sub(block["term"].replace("\\", r"\\"), text.replace(block[0], ""))
    return text
