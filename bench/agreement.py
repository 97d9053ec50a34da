"""Agreement of all servers on the results, checked before anything is timed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bench.connection import Connection, Endpoint
from bench.mix import Question


class Differs(Exception):
    """Two servers return different results for a query."""


class NoAnswer(Exception):
    """A server does not respond to a query, or not in time."""


@dataclass(frozen=True)
class Sample:
    """A server's results of the first texts of a query; `slowest` is in seconds."""

    answers: tuple[tuple[str, ...] | int, ...]
    slowest: float

    @property
    def rows(self) -> int:
        """The number of rows of the first result."""
        first = self.answers[0]
        return first if isinstance(first, int) else len(first)


def sample(endpoint: Endpoint, question: Question, texts: int, enough: float, timeout: float) -> Sample:
    """Returns the results of some texts of a query; of fewer if these take `enough` seconds. Raises NoAnswer."""
    connection = Connection(endpoint, timeout)
    answers: list[tuple[str, ...] | int] = []
    begun = perf_counter()
    slowest = 0.0
    for text in question.texts[:texts]:
        start = perf_counter()
        try:
            reply = connection.ask(endpoint.request(text))
        except OSError as error:
            raise NoAnswer(f"no answer in {perf_counter() - start:.0f} s ({error})") from error
        if reply.status != 200:
            raise NoAnswer(f"status {reply.status}: {reply.body[:200].decode(errors='replace')}")
        slowest = max(slowest, perf_counter() - start)
        answers.append(_canonical(json.loads(reply.body), is_ordered="LIMIT" not in text or "ORDER BY" in text))
        if perf_counter() - begun > enough:
            break
    connection.close()
    return Sample(tuple(answers), slowest)


def compare(question: Question, samples: Sequence[tuple[str, Sample]]) -> None:
    """Raises Differs with the servers and the text if two of them returned different results."""
    for name, one in samples[1:]:
        reference, other = samples[0]
        for text, expected, got in zip(question.texts, other.answers, one.answers, strict=False):
            if expected != got:
                sizes = [answer if isinstance(answer, int) else len(answer) for answer in (expected, got)]
                raise Differs(f"{reference} and {name} differ ({sizes[0]} and {sizes[1]} rows) in:\n{text}")


def _canonical(result: dict[str, Any], is_ordered: bool) -> tuple[str, ...] | int:
    """The rows in an order of our own; only their number if the query leaves open which rows they are."""
    rows = result["results"]["bindings"]
    if not is_ordered:
        return len(rows)
    # "typed-literal" is the older word for a literal, which Virtuoso writes.
    return tuple(
        sorted(
            str(sorted((name, term["type"].removeprefix("typed-"), term["value"]) for name, term in row.items()))
            for row in rows
        )
    )
