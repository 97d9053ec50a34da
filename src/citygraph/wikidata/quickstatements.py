"""Edits as text for QuickStatements, where a person reviews and sends them: V1 commands, or CSV as V2 reads it.

The form is that of https://www.wikidata.org/wiki/Help:QuickStatements.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import groupby

from citygraph.wikidata.edits import KINDS, Edit, Edits, LeftOut, kind_of
from citygraph.wikidata.model import Absent, Link, Point, Quantity, Text, Time, Value

PER_BATCH = 200


@dataclass(frozen=True)
class Batch:
    """Edits of one kind that are reviewed and sent together; `name` is for people and file names."""

    name: str
    title: str
    edits: tuple[Edit, ...]


def batches(edits: Iterable[Edit], size: int = PER_BATCH) -> list[Batch]:
    """The edits in batches of one kind each, no larger than `size`."""
    found: list[Batch] = []
    for kind, group in groupby(edits, key=lambda edit: edit.kind):
        of_kind = list(group)
        for start in range(0, len(of_kind), size):
            name = f"{len(found) + 1:02}-{KINDS[kind].replace(' ', '-')}"
            found.append(Batch(name, KINDS[kind], tuple(of_kind[start : start + size])))
    return found


def to_v1(batch: Batch) -> str:
    """A command on each line, its parts divided by tabs; the comment at its end becomes the summary of the edit."""
    return "".join("\t".join(_v1_parts(edit)) + "\n" for edit in batch.edits)


def to_csv(batch: Batch) -> str:
    """A table with a column for each property; a second reference of a statement stands in a row of its own."""
    rows = [row for edit in batch.edits for row in _csv_rows(edit)]
    columns = sorted({column for row in rows for column in row}, key=_column_order)
    out = StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def summary(found: Edits, made: Sequence[Batch]) -> str:
    """What the batches hold, what was left out and why: for the person who reviews them."""
    lines = [f"{len(found.edits)} edit(s) in {len(made)} batch(es). Nothing is sent: review them, then paste them into"]
    lines += ["https://quickstatements.toolforge.org/", ""]
    for batch in made:
        items = len({edit.qid for edit in batch.edits})
        lines.append(f"{batch.name}: {len(batch.edits)} edit(s) of {items} item(s)")
    if found.left_out:
        lines += ["", f"Left out: {len(found.left_out)}", *_left_out(found.left_out)]
    if found.notes:
        lines += ["", *found.notes]
    return "\n".join(lines) + "\n"


def shown(value: Value) -> str:
    """A value as QuickStatements writes it."""
    match value:
        case Link():
            return value.qid
        case Time():
            sign, year = ("-", 1 - value.year) if value.year <= 0 else ("+", value.year)
            return f"{sign}{year:04}-{value.month:02}-{value.day:02}T00:00:00Z/{value.precision}"
        case Point():
            return f"@{value.latitude}/{value.longitude}"
        case Quantity():
            return value.amount
        case Text():
            text = " ".join(value.text.split())  # a tab or a line's end would end the value
            return f'{value.language}:"{text}"' if value.language else f'"{text}"'
        case Absent():
            return value.value


def _left_out(left_out: Iterable[LeftOut]) -> Iterator[str]:
    """A line for each entity and reason, with the kinds of what was left out for it."""
    kinds: dict[str, Counter[str]] = {}
    for left in left_out:
        item = f" ({left.who.qid})" if left.who.qid else ""
        kinds.setdefault(f"{left.who.name}{item}: {left.reason}", Counter())[KINDS[kind_of(left.change)]] += 1
    for text, counts in sorted(kinds.items()):
        yield f"- {text} ({', '.join(f'{kind}: {count}' for kind, count in sorted(counts.items()))})"


def _v1_parts(edit: Edit) -> Iterator[str]:
    yield from (edit.qid, edit.property, shown(edit.value))
    for snak in edit.qualifiers:
        yield from (snak.property, shown(snak.value))
    for number, reference in enumerate(edit.references):
        for place, snak in enumerate(reference):
            # "!" begins another reference; otherwise all would be one.
            new = "!" if number and not place else ""
            yield from (f"{new}S{snak.property[1:]}", shown(snak.value))
    yield f"/* {edit.summary.replace('*/', '')} */"


def _csv_rows(edit: Edit) -> Iterator[dict[str, str]]:
    start = {"qid": edit.qid, edit.property: _cell(edit), "#": edit.summary}
    qualifiers = {f"qal{snak.property[1:]}": shown(snak.value) for snak in edit.qualifiers}
    for number, reference in enumerate(edit.references or ((),)):
        cited = {f"S{snak.property[1:]}": shown(snak.value) for snak in reference}
        yield {**start, **(qualifiers if not number else {}), **cited}


def _cell(edit: Edit) -> str:
    # Labels stand bare in the table: their column tells what they are.
    return " ".join(edit.value.text.split()) if isinstance(edit.value, Text) else shown(edit.value)


def _column_order(column: str) -> tuple[int, str]:
    """The item first, then statement or label, qualifiers, sources, and the comment."""
    begin = "qid" if column == "qid" else column[:1] if column[:1] in "PLS#" else "q"
    return (("qid", "P", "L", "q", "S", "#").index(begin), column)
