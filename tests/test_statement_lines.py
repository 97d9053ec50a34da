"""Lines of N-Quads about some terms are found however they are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat

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
