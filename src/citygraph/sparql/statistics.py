"""Statistics of a release: the maximum matches of a triple pattern by predicate, which bound the cost of a query.

A number may be too high, never too low. A build counts the triples of the default graph. A commit raises the numbers by
its added triples; removed triples do not lower them.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pyoxigraph import DefaultGraph, Quad, Store

STATISTICS = "statistics.json"
# Counters for pairs of predicate and object. Two pairs that share a counter make its number too high, so that each pair
# has two of them, and the lower one counts.
_COUNTERS = 1 << 22
# Commits of more triples raise the numbers by their added triples, without a lookup in the store.
_LARGE = 1000
# A predicate with more triples for a term does not bound a query.
_USELESS = 1000


class FanOut(NamedTuple):
    """The highest numbers of a predicate: triples, objects of a subject, subjects of an object, bytes of a triple."""

    triples: int = 0
    objects: int = 0
    subjects: int = 0
    longest: int = 0

    def joined(self, other: FanOut) -> FanOut:
        """Returns the higher number of each."""
        return FanOut(*map(max, self, other))


_NONE = FanOut()


@dataclass
class Statistics:
    """The numbers by predicate, and those of all predicates together, of which `subjects` is not counted."""

    predicates: dict[str, FanOut] = field(default_factory=dict)
    total: FanOut = _NONE

    def of(self, predicate: str) -> FanOut:
        """Returns the numbers of a predicate, which are 0 if the default graph does not have it."""
        return self.predicates.get(predicate, _NONE)


def counted(lines: Iterable[str], statistics: Statistics) -> Iterator[str]:
    """Yields the lines of sorted N-Triples, and counts them.

    Memory does not grow with the number of lines. The loop calls no function of Python, which would take longer.
    """
    numbers: dict[bytes, list[int]] = {}
    counters, others = array("I", bytes(4 * _COUNTERS)), array("I", bytes(4 * _COUNTERS))
    last_subject = last_predicate = b""
    of_subject = of_pair = most_of_subject = 0
    for line in lines:
        data = line.encode()
        subject, predicate, _ = data.split(b" ", 2)
        # The lines of a subject follow each other, and within them those of a predicate.
        if subject != last_subject:
            most_of_subject = max(most_of_subject, of_subject)
            of_subject = of_pair = 0
        elif predicate != last_predicate:
            of_pair = 0
        of_subject += 1
        of_pair += 1
        last_subject, last_predicate = subject, predicate
        # Predicate and object are counted together.
        digest = int.from_bytes(blake2b(data[len(subject) + 1 :], digest_size=8).digest(), "big")
        place, other = digest % _COUNTERS, (digest >> 32) % _COUNTERS
        counters[place] = first = counters[place] + 1
        others[other] = second = others[other] + 1
        entry = numbers.get(predicate)
        if entry is None:
            entry = numbers[predicate] = [0, 0, 0, 0]
        entry[0] += 1
        # Comparisons, because max() takes three times as long.
        if of_pair > entry[1]:
            entry[1] = of_pair
        if first > entry[2] and second > entry[2]:
            entry[2] = first if first < second else second
        if len(data) > entry[3]:
            entry[3] = len(data)
        yield line
    statistics.predicates = {name[1:-1].decode(): FanOut(*entry) for name, entry in sorted(numbers.items())}
    statistics.total = _total(statistics.predicates.values(), max(most_of_subject, of_subject))


def _total(predicates: Collection[FanOut], most_of_subject: int) -> FanOut:
    longest = max((one.longest for one in predicates), default=0)
    return FanOut(sum(one.triples for one in predicates), most_of_subject, 0, longest)


def continued(before: Statistics, added: Iterable[Quad], store: Store) -> Statistics:
    """Returns the statistics of a store to whose default graph these quads have been added since `before`."""
    quads = [quad for quad in added if isinstance(quad.graph_name, DefaultGraph)]
    exact = store if len(quads) <= _LARGE else None
    predicates = dict(before.predicates)
    for predicate, of_predicate in _by_predicate(quads).items():
        old = before.of(predicate)
        node = of_predicate[0].predicate
        subjects = Counter(quad.subject for quad in of_predicate)
        objects = Counter(quad.object for quad in of_predicate)
        predicates[predicate] = FanOut(
            old.triples + len(of_predicate),
            max(_raised(old.objects, new, exact, (subject, node, None)) for subject, new in subjects.items()),
            max(_raised(old.subjects, new, exact, (None, node, object_)) for object_, new in objects.items()),
            max(old.longest, *map(_size, of_predicate)),
        )
    every = Counter(quad.subject for quad in quads)
    most = max((_raised(before.total.objects, n, exact, (s, None, None)) for s, n in every.items()), default=0)
    total = FanOut(before.total.triples + len(quads), most, 0, max(map(_size, quads), default=0))
    return Statistics(dict(sorted(predicates.items())), before.total.joined(total))


def _by_predicate(quads: Iterable[Quad]) -> dict[str, list[Quad]]:
    by_predicate: dict[str, list[Quad]] = {}
    for quad in quads:
        by_predicate.setdefault(quad.predicate.value, []).append(quad)
    return by_predicate


def _raised(before: int, added: int, store: Store | None, pattern: tuple[object, object, object]) -> int:
    """Returns the highest number before or, if more, that of the pattern now, to which `added` triples belong."""
    highest = before + added
    if store is None or highest > _USELESS:
        return highest
    matches = store.quads_for_pattern(*pattern, DefaultGraph())  # type: ignore[arg-type]
    return max(before, sum(1 for _ in islice(matches, highest)))


def _size(quad: Quad) -> int:
    return len(f"{quad.triple} .\n".encode())


def write_statistics(statistics: Statistics, release: Path) -> None:
    """Writes the statistics into the folder of a release."""
    values = {"total": statistics.total, "predicates": statistics.predicates}
    (release / STATISTICS).write_text(json.dumps(values, ensure_ascii=False) + "\n", encoding="utf-8")


def read_statistics(release: Path) -> Statistics | None:
    """Returns the statistics of a release, or None if it has none."""
    try:
        values: dict[str, Any] = json.loads((release / STATISTICS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Statistics({name: FanOut(*row) for name, row in values["predicates"].items()}, FanOut(*values["total"]))
