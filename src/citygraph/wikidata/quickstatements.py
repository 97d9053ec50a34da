"""QuickStatements: edits as text that a person reviews and sends, as V1 commands or as CSV for V2.

The syntax is documented at https://www.wikidata.org/wiki/Help:QuickStatements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from citygraph.text import csv_line
from citygraph.wikidata.edits import KINDS, EditPlan, OmittedEdit, WikidataEdit, kind_of
from citygraph.wikidata.model import Absent, ItemValue, PointValue, QuantityValue, TextValue, TimeValue, Value

PER_BATCH = 200


@dataclass(frozen=True)
class Batch:
    """Edits of one kind that are reviewed and sent together; `name` is for people and file names."""

    name: str
    title: str
    edits: tuple[WikidataEdit, ...]


def batches(edits: Iterable[WikidataEdit], size: int = PER_BATCH) -> list[Batch]:
    """Returns the edits in batches of one kind each, with at most `size` edits."""
    result: list[Batch] = []
    # Sorted by kind already (edits.plan_edits), so that groupby gives one group a kind.
    for kind, group in groupby(edits, key=lambda edit: edit.kind):
        of_kind = list(group)
        for start in range(0, len(of_kind), size):
            name = f"{len(result) + 1:02}-{KINDS[kind].replace(' ', '-')}"
            result.append(Batch(name, KINDS[kind], tuple(of_kind[start : start + size])))
    return result


def to_v1(batch: Batch) -> str:
    """Returns one command a line, with tabs between its parts; the comment at the end becomes the edit summary."""
    return "".join("\t".join(_v1_parts(edit)) + "\n" for edit in batch.edits)


def to_csv(batch: Batch) -> str:
    """Returns a table with a column for each property; a second reference of a statement has its own row."""
    rows = [row for edit in batch.edits for row in _csv_rows(edit)]
    columns = sorted({column for row in rows for column in row}, key=_column_order)
    return "".join(csv_line(cells) for cells in (columns, *([row.get(name, "") for name in columns] for row in rows)))


def summary(plan: EditPlan, planned: Sequence[Batch]) -> str:
    """Returns the summary for the reviewer: the batches, the omitted edits with the reasons, and remarks."""
    lines = [
        f"{len(plan.edits)} edit(s) in {len(planned)} batch(es). Nothing is sent: review them, then paste them into"
    ]
    lines += ["https://quickstatements.toolforge.org/", ""]
    for batch in planned:
        items = len({edit.qid for edit in batch.edits})
        lines.append(f"{batch.name}: {len(batch.edits)} edit(s) of {items} item(s)")
    if plan.omitted:
        lines += ["", f"Left out: {len(plan.omitted)}", *_omissions(plan.omitted)]
    if plan.notes:
        lines += ["", *plan.notes]
    return "\n".join(lines) + "\n"


def format_value(value: Value) -> str:
    """Returns a value in the syntax of QuickStatements."""
    match value:
        case ItemValue():
            return value.qid
        case TimeValue():
            sign, year = ("-", 1 - value.year) if value.year <= 0 else ("+", value.year)
            return f"{sign}{year:04}-{value.month:02}-{value.day:02}T00:00:00Z/{value.precision}"
        case PointValue():
            return f"@{value.latitude}/{value.longitude}"
        case QuantityValue():
            return value.amount
        case TextValue():
            # A tab or a line break would end the value.
            text = " ".join(value.text.split())
            return f'{value.language}:"{text}"' if value.language else f'"{text}"'
        case Absent():
            return value.value


def _omissions(omitted: Iterable[OmittedEdit]) -> Iterator[str]:
    """Yields a line for each entity and reason, with the number of omitted edits by kind."""
    kinds: dict[str, Counter[str]] = {}
    for one in omitted:
        item = f" ({one.entity.qid})" if one.entity.qid else ""
        kinds.setdefault(f"{one.entity.name}{item}: {one.reason}", Counter())[KINDS[kind_of(one.finding)]] += 1
    for text, counts in sorted(kinds.items()):
        yield f"- {text} ({', '.join(f'{kind}: {count}' for kind, count in sorted(counts.items()))})"


def _v1_parts(edit: WikidataEdit) -> Iterator[str]:
    yield from (edit.qid, edit.property, format_value(edit.value))
    for snak in edit.qualifiers:
        yield from (snak.property, format_value(snak.value))
    for number, reference in enumerate(edit.references):
        for place, snak in enumerate(reference):
            # "!" starts another reference; without it, all snaks would form one.
            new = "!" if number and not place else ""
            yield from (f"{new}S{snak.property[1:]}", format_value(snak.value))
    # A "*/" would end the comment.
    yield f"/* {edit.summary.replace('*/', '')} */"


def _csv_rows(edit: WikidataEdit) -> Iterator[dict[str, str]]:
    start = {"qid": edit.qid, edit.property: _cell(edit), "#": edit.summary}
    qualifiers = {f"qal{snak.property[1:]}": format_value(snak.value) for snak in edit.qualifiers}
    for number, reference in enumerate(edit.references or ((),)):
        sources = {f"S{snak.property[1:]}": format_value(snak.value) for snak in reference}
        # Qualifiers once: further rows of a statement only add references.
        yield {**start, **(qualifiers if not number else {}), **sources}


def _cell(edit: WikidataEdit) -> str:
    # A label has no quotes in the table: its column shows its language.
    return " ".join(edit.value.text.split()) if isinstance(edit.value, TextValue) else format_value(edit.value)


def _column_order(column: str) -> tuple[int, str]:
    """Returns the sort key of a column: item, statement or label, qualifiers, sources, comment."""
    begin = "qid" if column == "qid" else column[:1] if column[:1] in "PLS#" else "q"
    return (("qid", "P", "L", "q", "S", "#").index(begin), column)
