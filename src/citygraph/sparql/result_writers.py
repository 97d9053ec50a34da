"""Result writers in addition to the RDF library's: row counts, Markdown and spreadsheet tables, prefixes in use."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple

from citygraph.errors import NotAcceptable
from citygraph.exports.sinks import Sink
from citygraph.rdf.formats import ends_with_name
from citygraph.rdf.terms import PREFIXES, namespace
from citygraph.text import guarded_cell

_MARKDOWN = re.compile(r"[\\`*_\[\]|<>~#&]")
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_EMPTY_LINE = re.compile(rb"(?<=\n)(?=\r)")
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
# The number of triples that are read before the first is written, to find the prefixes in use.
_LOOK_AHEAD = 1000


class CountingSink:
    """A sink that passes bytes on and counts the rows in them, for one of the formats below."""

    def __init__(self, out: Sink, format_name: str) -> None:
        self.rows = _HEADS.get(format_name, 0)
        self._out = out
        self._count = _COUNTERS[format_name]
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Passes these bytes on."""
        rows, self._rest = self._count(self._rest + data)
        self.rows += rows
        return self._out.write(data)

    def flush(self) -> None:
        """Flushes the sink behind this one."""
        self._out.flush()


class XmlSink:
    """A sink that passes on XML, and refuses characters that XML 1.0 cannot represent (section 2.2).

    Data have none, but functions of a query can make them.
    """

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._last = b""  # bytes, in which a character of three may begin

    def write(self, data: bytes) -> int:
        """Passes these bytes on. Raises NotAcceptable."""
        check_xml(text := self._last + data)
        self._last = text[-2:]
        return self._out.write(data)

    def flush(self) -> None:
        """Flushes the sink behind this one."""
        self._out.flush()


class OneColumnSink:
    """A sink that passes on CSV of one column, and writes an empty value as "".

    The library writes an empty line, which most readers skip, so that they lose the row.
    """

    def __init__(self, out: Sink) -> None:
        self._out = out
        self._last = b""  # the line end before the next byte, or an open quote

    def write(self, data: bytes) -> int:
        """Passes these bytes on."""
        filled, self._last = _with_quotes(self._last, data)
        self._out.write(filled)
        return len(data)

    def flush(self) -> None:
        """Flushes the sink behind this one."""
        self._out.flush()


def with_quoted_empty(body: bytes) -> bytes:
    """Returns a whole CSV of one column in which an empty value is ""."""
    return _with_quotes(b"", body)[0]


def _with_quotes(before: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Returns a part of CSV with "" in its empty lines, and what to pass with the next part."""
    parts = (before + data).split(b'"')
    parts[::2] = [_EMPTY_LINE.sub(b'""', part) for part in parts[::2]]
    is_quoted = len(parts) % 2 == 0
    return b'"'.join(parts)[len(before) :], b'"' if is_quoted else parts[-1][-1:].strip(b'"\r')


def check_xml(data: bytes) -> None:
    """Raises NotAcceptable if XML in UTF-8 has a character that XML 1.0 cannot represent."""
    if match := _NOT_XML.search(data):
        character = f"U+{ord(match[0].decode()):04X}"
        raise NotAcceptable(f"the result has the character {character}, which XML cannot represent", ())


def writable_as_xml(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Yields triples whose properties RDF/XML can write. Raises NotAcceptable for another."""
    for triple in triples:
        iri = triple.predicate.value
        if not ends_with_name(iri):
            raise NotAcceptable(f"the property <{iri}> does not end with a name, so RDF/XML cannot write it", ())
        yield triple


def rows_in(body: bytes, format_name: str) -> int:
    """Returns the number of rows in a whole result of the library, in one of the formats below."""
    # Rows without values.
    if format_name == "json" and b"{}" not in body:
        return _rows_in_json(body)
    return _HEADS.get(format_name, 0) + _COUNTERS[format_name](body)[0]


def _count_lines(data: bytes) -> tuple[int, bytes]:
    return data.count(b"\n"), b""


def _count_xml(data: bytes) -> tuple[int, bytes]:
    # `<` is escaped in texts, so that each match is a row.
    end = data.rfind(b">") + 1
    return data.count(b"<result>", 0, end), data[end:]


def _count_csv(data: bytes) -> tuple[int, bytes]:
    """Counts line ends outside quotes; returns an open quote as the rest."""
    parts = data.split(b'"')
    outside = parts[::2]
    if len(parts) % 2:
        return sum(part.count(b"\n") for part in outside), b""
    return sum(part.count(b"\n") for part in outside), b'"'


def _rows_in_json(body: bytes) -> int:
    """Counts what separates two rows that have values. A lookup has no time to remove the strings."""
    if body.endswith(b"[]}}"):
        return 0
    # A name of a variable follows, or the string ends here, and its quote is followed by one of two characters.
    separators = body.count(b'}},{"') - body.count(b'}},{"}') - body.count(b'}},{",')
    return separators + 1


def _count_json(data: bytes) -> tuple[int, bytes]:
    """Counts objects in lists, outside strings: these are the solutions (Query Results JSON, 3.2.2)."""
    undecided = b""
    if b"\\" in data:
        # Whether a last backslash is an escape can only be decided with the next byte.
        complete = data.rstrip(b"\\")
        data, undecided = complete, data[len(complete) :]
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most strings have none of the structural characters: without content they are removed here.
    structure = data.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    parts = structure.split(b'"')
    outside = b'"'.join(parts[::2])
    rows = outside.count(b",{") + outside.count(b"[{")
    if len(parts) % 2 == 0:
        return rows, b'"' + undecided
    return rows, outside[-1:] + undecided if outside[-1:] in (b",", b"[") else undecided


# The colon between a name and its value is kept, so that no two strings touch.
_NO_STRUCTURE = bytes(set(range(256)) - set(b'"{[,:'))
_COUNTERS = {
    "json": _count_json,
    "xml": _count_xml,
    "csv": _count_csv,
    "tsv": _count_lines,
    "nt": _count_lines,
    "nq": _count_lines,
}
# The line with the names of the variables is not a row.
_HEADS = {"csv": -1, "tsv": -1}


def write_markdown(solutions: QuerySolutions, out: Sink) -> int:
    """Writes a Markdown table (in GitHub's dialect) and returns the number of rows."""
    names = [variable.value for variable in solutions.variables]
    out.write(_markdown_row(_escape(name) for name in names))
    out.write(_markdown_row("---" for _ in names))
    rows = 0
    for solution in solutions:
        out.write(_markdown_row(_markdown_cell(term) for term in solution))
        rows += 1
    return rows


def write_sheet(solutions: QuerySolutions, out: Sink) -> int:
    """Writes CSV for spreadsheets, in which no cell is a formula, and returns the number of rows.

    The W3C's CSV format differs: it leaves texts unchanged.
    """
    # Spreadsheets recognize UTF-8 by a byte order mark.
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
    """Escapes a text so that Markdown shows it unchanged, in one line."""
    return _BREAKS.sub(" ", _MARKDOWN.sub(r"\\\g<0>", text))


class CountedTriples(Iterator[Triple]):
    """An iterator of triples that counts them."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.rows = 0
        self._triples = iter(triples)

    def __next__(self) -> Triple:
        triple = next(self._triples)
        self.rows += 1
        return triple


def with_prefixes(triples: Iterator[Triple]) -> tuple[dict[str, str], Iterator[Triple]]:
    """Returns the prefixes with which to write triples, and the triples.

    They are the prefixes in use if the triples are few, else all, because a stream's later triples are unknown.
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
