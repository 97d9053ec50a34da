"""The lines of N-Quads about some terms, and those in canonical form, found without reading them as RDF."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import IO

from pyoxigraph import Quad, RdfFormat, parse

# Formats with one statement a line.
LINE_FORMATS = (RdfFormat.N_QUADS, RdfFormat.N_TRIPLES)
ANY_BLANK = "_:"
# Classes of characters are written out: with \s or \w among others, a match takes half as long again.
_SPACE = rb" \t\n\r\f\v"
_IRI, _BLANK = rb"<[^<>\\%b]*>" % _SPACE, rb'_:[^<>"%b]+' % _SPACE
_LITERAL = rb'"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"(?:@[A-Za-z0-9_-]+|\^\^%b)?' % _IRI
# Subject, object and graph of a line as programs write it. Other spaces, escapes and comments are left to the parser.
_STATEMENT = re.compile(
    rb"(%b|%b) %b (%b|%b|%b)(?: (%b|%b))? \.\r?\n?" % (_IRI, _BLANK, _IRI, _IRI, _BLANK, _LITERAL, _IRI, _BLANK)
)

# Part of the IRIs that RFC 3987 allows, without percent encoding, port or blank nodes.
_SAFE = rb"[A-Za-z0-9_.~/:@!$&'()*+,;=-]*+"
_SAFE_IRI = rb"<[a-z]++://[A-Za-z0-9.-]++(?:/%b)?+(?:\?%b)?+(?:#%b)?+>" % (_SAFE, _SAFE, _SAFE)
# Text without escapes, control characters, and the first byte of the characters that XML cannot represent.
_SAFE_TEXT = rb'"[^"\\\x00-\x1f\x7f\xef]*+"'
_NAME = rb"<[^<>\\%b]*+>" % _SPACE
# A line of canonical N-Quads, if property, datatype or language, and graph are those of another such line.
PLAIN = re.compile(
    rb"%b (?P<property>%b) (?:%b|%b(?P<type>[^\\%b]*)) (?P<graph>%b) \.\n"
    % (_SAFE_IRI, _NAME, _SAFE_IRI, _SAFE_TEXT, _SPACE, _NAME)
)


def read_lines_about(stream: IO[bytes], format_: RdfFormat, names: Iterable[str]) -> Iterator[tuple[int, Quad]]:
    """Yields quads of valid N-Quads or N-Triples about these IRIs, each with its line.

    These are at least the quads with one of the IRIs as subject, and the first with each of them as object or graph.
    The IRIs are as in N-Triples; ANY_BLANK is each blank node, of which all quads are yielded.
    """
    subjects = {name.encode() for name in names}
    unused = set(subjects)
    has_blank = ANY_BLANK.encode() in subjects
    for number, line in enumerate(stream, 1):
        if match := _STATEMENT.fullmatch(line):
            subject, value, graph = terms = match.groups()
            is_about = subject in subjects or value in unused or graph in unused
            if not is_about and not (has_blank and any(term and term[:1] == b"_" for term in terms)):
                continue
            unused.discard(value)
            unused.discard(graph)
        for quad in parse(line.removeprefix(codecs.BOM_UTF8), format_):
            yield number, quad
