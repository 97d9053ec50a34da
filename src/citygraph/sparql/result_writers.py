"""What the RDF library's writers lack: how many rows they wrote, a Markdown table, and only the prefixes in use."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Protocol

from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple

from citygraph.rdf.terms import PREFIXES, namespace
from citygraph.text import guarded_cell

_MARKDOWN = re.compile(r"[\\`*_\[\]|<>~#&]")
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
_LOOK_AHEAD = 1000


class Sink(Protocol):
    """Where a result is written to: a binary file, or a connection."""

    def write(self, data: bytes, /) -> int:
        """Take all of these bytes."""
        ...

    def flush(self) -> None:
        """Pass on what was taken."""
        ...


class Tally:
    """A sink that passes bytes on and counts the rows in them, for one of the formats below."""

    def __init__(self, out: Sink, format_name: str) -> None:
        self.rows = _HEADS.get(format_name, 0)
        self._out = out
        self._count = _COUNTERS[format_name]
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Pass these bytes on."""
        rows, self._rest = self._count(self._rest + data)
        self.rows += rows
        return self._out.write(data)

    def flush(self) -> None:
        """Pass on what was taken."""
        self._out.flush()


def _count_lines(data: bytes) -> tuple[int, bytes]:
    return data.count(b"\n"), b""


def _count_xml(data: bytes) -> tuple[int, bytes]:
    # Text has its `<` escaped, so this stands for a row and nothing else.
    end = data.rfind(b">") + 1
    return data.count(b"<result>", 0, end), data[end:]


def _count_csv(data: bytes) -> tuple[int, bytes]:
    """Line ends outside quotes; what follows the last even quote waits for more."""
    parts = data.split(b'"')
    outside = parts[::2]
    if len(parts) % 2:
        return sum(part.count(b"\n") for part in outside), b""
    return sum(part.count(b"\n") for part in outside), b'"'


def _count_json(data: bytes) -> tuple[int, bytes]:
    """Objects that are members of a list, outside strings: just the solutions (Query Results JSON, 3.2.2)."""
    waiting = b""
    if b"\\" in data:
        # Whether a last backslash escapes the next byte or is escaped itself is known when that byte is there.
        kept = data.rstrip(b"\\")
        data, waiting = kept, data[len(kept) :]
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Nearly all strings have nothing of structure in them, and fall out of it here.
    structure = data.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    parts = structure.split(b'"')
    outside = b'"'.join(parts[::2])
    rows = outside.count(b",{") + outside.count(b"[{")
    if len(parts) % 2 == 0:
        return rows, b'"' + waiting
    return rows, outside[-1:] + waiting if outside[-1:] in (b",", b"[") else waiting


# A colon is kept between a name and its value, so that no two strings touch.
_NO_STRUCTURE = bytes(set(range(256)) - set(b'"{[,:'))
_COUNTERS = {
    "json": _count_json,
    "xml": _count_xml,
    "csv": _count_csv,
    "tsv": _count_lines,
    "nt": _count_lines,
    "nq": _count_lines,
}
# The line of the variables' names is no row.
_HEADS = {"csv": -1, "tsv": -1}


def write_markdown(solutions: QuerySolutions, out: Sink) -> int:
    """Write a Markdown table (as GitHub reads it); answers the number of rows."""
    names = [variable.value for variable in solutions.variables]
    out.write(_markdown_row(_escape(name) for name in names))
    out.write(_markdown_row("---" for _ in names))
    rows = 0
    for solution in solutions:
        out.write(_markdown_row(_markdown_cell(term) for term in solution))
        rows += 1
    return rows


def write_sheet(solutions: QuerySolutions, out: Sink) -> int:
    """Write CSV that a spreadsheet opens by a double click: it knows the encoding, and no cell is run as a formula.

    Not the W3C's CSV, which leaves texts as they are. Answers the number of rows.
    """
    out.write("\ufeff".encode())
    out.write(_sheet_row(variable.value for variable in solutions.variables))
    rows = 0
    for solution in solutions:
        out.write(_sheet_row(guarded_cell(_text(term)) for term in solution))
        rows += 1
    return rows


def _sheet_row(cells: Iterable[str]) -> bytes:
    row = io.StringIO(newline="")
    csv.writer(row).writerow(cells)
    return row.getvalue().encode()


def _markdown_row(cells: Iterable[str]) -> bytes:
    return ("| " + " | ".join(cells) + " |\n").encode()


def _markdown_cell(term: NamedNode | BlankNode | Literal | Triple | None) -> str:
    return _escape(_text(term))


def _text(term: NamedNode | BlankNode | Literal | Triple | None) -> str:
    if term is None:
        return ""
    return term.value if isinstance(term, NamedNode | Literal) else str(term)


def _escape(text: str) -> str:
    """The text so that Markdown shows it as it is, in one line."""
    return _BREAKS.sub(" ", _MARKDOWN.sub(r"\\\g<0>", text))


class Counted(Iterator[Triple]):
    """Triples, counted on their way."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.rows = 0
        self._triples = iter(triples)

    def __next__(self) -> Triple:
        triple = next(self._triples)
        self.rows += 1
        return triple


def with_prefixes(triples: Iterator[Triple]) -> tuple[dict[str, str], Iterator[Triple]]:
    """The prefixes to write these triples with, and the triples.

    Only those in use if the triples are few, else all: a stream cannot know what will come.
    """
    first = list(islice(triples, _LOOK_AHEAD))
    if len(first) == _LOOK_AHEAD:
        return PREFIXES, chain(first, triples)
    used = {namespace(iri) for triple in first for iri in _iris(triple)}
    return {prefix: iri for prefix, iri in PREFIXES.items() if iri in used}, iter(first)


def _iris(triple: Triple) -> Iterator[str]:
    for term in triple:
        if isinstance(term, NamedNode):
            yield term.value
        elif isinstance(term, Literal):
            yield term.datatype.value
        elif isinstance(term, Triple):
            yield from _iris(term)
