"""Lines of N-Quads about some terms are found however they are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat

from citygraph.errors import BadData
from citygraph.rdf.nquads import as_line
from citygraph.source.files import SourceFile
from citygraph.source.statement_lines import ANY_BLANK

SOURCE = NamedNode("urn:file")
LINES = (
    "\ufeff<urn:a> <urn:p> <urn:b> <urn:g> .\n"
    '<urn:c> <urn:p> "<urn:a> <urn:g> ." <urn:h> .\n'
    '<urn:c> <urn:p> "a \\"b\\" \\\\"@en-GB <urn:h> .\n'
    "# <urn:a> <urn:p> <urn:b> <urn:g> .\n"
    "\n"
    "<urn:c>\t<urn:p>  <urn:b>\t<urn:g> . # a comment\n"
    "<urn:c><urn:p><urn:d><urn:g>.\r\n"
    "<urn:\\u0061> <urn:p> <urn:d> <urn:h> .\r\n"
    "_:x <urn:p> <urn:b> <urn:h> .\n"
    "<urn:c> <urn:p> _:x <urn:h> .\n"
    "<urn:c> <urn:p> <urn:é> <urn:h> .\r<urn:é> <urn:p> <urn:a> <urn:h> .\n"
    "<urn:c> <urn:p> <urn:b> .\n"
    '<urn:c> <urn:p> "5"^^<urn:d> <urn:b> .'
)


NAMES = ["<urn:a>", "<urn:b>", "<urn:c>", "<urn:d>", "<urn:é>", "<urn:g>", "<urn:h>", ANY_BLANK]


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    path = tmp_path / "data.nq"
    path.write_bytes(LINES.encode())
    return SourceFile(path, "data.nq", RdfFormat.N_QUADS, SOURCE)


def located(quads: Iterable[tuple[int, Quad]], name: str) -> tuple[list[object], list[object]]:
    """Returns lines and quads of which a term is the subject, and the first one of which it is object or graph."""
    of_subject: list[object] = []
    first: list[object] = []
    for line, quad in quads:
        subject, *others = (
            ANY_BLANK if isinstance(term, BlankNode) else str(term)
            for term in (quad.subject, quad.object, quad.graph_name)
        )
        if subject == name:
            of_subject.append((line, str(quad.predicate), str(quad.graph_name)))
        if name in others and not first:
            first.append((line, str(quad.predicate)))
    return of_subject, first


@pytest.mark.parametrize("name", NAMES)
def test_quads_of_a_subject_and_its_first_use_are_those_of_the_whole_file(file: SourceFile, name: str) -> None:
    """With escapes, comments, tabs, without spaces, with other line ends and a byte order mark."""
    whole = located(file.read_with_lines(), name)
    assert any(whole)
    assert located(file.read_about([name]), name) == whole


def test_all_terms_are_found_in_one_pass(file: SourceFile) -> None:
    """A line about one term is not lost because it is about another, too."""
    quads = list(file.read_about(NAMES))
    for name in NAMES:
        assert located(quads, name) == located(file.read_with_lines(), name)


def test_lines_about_other_terms_are_left_out(file: SourceFile) -> None:
    """Of lines as programs write them; the parser decides about others."""
    simple = "".join(f"<urn:s{n}> <urn:p> <urn:o{n % 3}> <urn:g> .\n" for n in range(9))
    file.path.write_text(simple, encoding="utf-8")
    assert [line for line, _ in file.read_about(["<urn:s4>", "<urn:o2>"])] == [3, 5]


# Each after the line that it resembles; all but the first are read as RDF or not, which must make no difference.
SIMILAR = (
    "<http://a.example/a> <http://a.example/p> <http://a.example/b#c> <urn:g> .",
    "<http://a.example/b?x=1> <http://a.example/p> <https://b.example> <urn:g> .",
    "<http://a.example/\u00e9> <http://a.example/p> <http://a.example/%C3%A9> <urn:g> .",
    "<http://a.example/a> <http://a.example/p> <http://a.example/b> <urn:h> .",
    "<urn:a> <http://a.example/p> _:x <urn:g> .",
    '<http://a.example/a> <http://a.example/q> "01"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:g> .',
    '<http://a.example/b> <http://a.example/q> "_: 02"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "a"^^<http://www.w3.org/2001/XMLSchema#string> <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "b"^^<http://www.w3.org/2001/XMLSchema#string> <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "\u0085 \u00e9 \U0001f600" <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "\\u00e9 \\t \uff01" <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "a"@en-GB <urn:g> .',
    '<http://a.example/a> <http://a.example/q> "b"@en-GB <urn:g> . # a comment',
    '<http://a.example/a> <http://a.example/q> "b"@en-GB <urn:g> .',
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_a_file_are_those_of_its_quads(tmp_path: Path, end: str) -> None:
    """(16 §5) However they are written, and whether they are read as RDF or not."""
    path = tmp_path / "data.nq"
    path.write_bytes((LINES + "".join(end + line for line in (*SIMILAR, *SIMILAR, ""))).encode())
    file = SourceFile(path, "data.nq", RdfFormat.N_QUADS, SOURCE)
    lines = list(file.read_lines())
    quads = list(file.read())
    assert [line for line, _ in lines] == [as_line(quad) for quad in quads]
    assert all(read in (None, quad) for (_, read), quad in zip(lines, quads, strict=True))
    # The lines with blank nodes have quads, because a store must keep their labels.
    assert all(quad for line, quad in lines if " _:" in line)
    assert any(quad is None for _, quad in lines) == (end == "\n")


@pytest.mark.parametrize(
    "faulty",
    [
        b"<http://a.example/a> <http://a.example/p> <http://a.example:x/> <urn:g> .\n",
        b"<http://a.example/a> <http://a.example/p> <http://a.example/b> <relative> .\n",
        b"<http://a.example/a> <http://a.example/1> <http://a.example/b> <urn:g> .\n",
        b'<http://a.example/a> <http://a.example/q> "\xff" <urn:g> .\n',
        b'<http://a.example/a> <http://a.example/q> "\xef\xbf\xbf" <urn:g> .\n',
        b'<http://a.example/a> <http://a.example/q> "a"@en--ltr <urn:g> .\n',
        b"<http://a.example/a> <http://a.example/p>\n",
        b"\xef\xbb\xbf<http://a.example/a> <http://a.example/p> <http://a.example/b> <urn:g> .\n",
    ],
)
def test_fault_in_a_line_is_reported_as_for_the_whole_file(tmp_path: Path, faulty: bytes) -> None:
    """(16 §5) After a line like it that is valid."""
    path = tmp_path / "data.nq"
    text = '<http://a.example/a> <http://a.example/q> "a" <urn:g> .\n'
    path.write_bytes(SIMILAR[0].encode() + b"\n" + text.encode() + faulty)
    file = SourceFile(path, "data.nq", RdfFormat.N_QUADS, SOURCE)
    with pytest.raises(BadData) as whole:
        list(file.read())
    with pytest.raises(BadData) as by_lines:
        list(file.read_lines())
    assert (str(by_lines.value), by_lines.value.line) == (str(whole.value), whole.value.line)
    assert whole.value.line in (3, 4)
