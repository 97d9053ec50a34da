"""The rows of a result: their digest, their stable order, their formats, and what changed between two results."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from citygraph.rdf.formats import BY_NAME, Kind, of_kind
from citygraph.sparql.result_rows import ResultRows, compare, read_rows, term_text


def solutions(*rows: tuple[Any, ...], columns: str = "key value") -> ResultRows:
    """The rows of a SELECT query: texts starting with http are IRIs, None is unbound."""
    names = columns.split()
    bindings = [
        {
            name: {"type": "uri" if str(cell).startswith("http") else "literal", "value": str(cell)}
            for name, cell in zip(names, row, strict=True)
            if cell is not None
        }
        for row in rows
    ]
    return read_rows(json.dumps({"head": {"vars": names}, "results": {"bindings": bindings}}).encode(), Kind.SOLUTIONS)


def test_digest_is_the_documented_one() -> None:
    """SHA-256 of kind, columns and sorted rows in N-Triples, a line each: any program can compute it (17, Citation)."""
    answer = {
        "head": {"vars": ["a", "b"]},
        "results": {
            "bindings": [
                {"a": {"type": "uri", "value": "http:x"}, "b": {"type": "literal", "value": 'x"\n', "xml:lang": "tr"}},
                {"a": {"type": "literal", "value": "1", "datatype": "http://www.w3.org/2001/XMLSchema#integer"}},
                {"a": {"type": "bnode", "value": "f00"}, "b": {"type": "literal", "value": "İ"}},
            ]
        },
    }
    text = 'SELECT\n?a\t?b\n"1"^^<http://www.w3.org/2001/XMLSchema#integer>\t\n<http:x>\t"x\\"\\n"@tr\n_:\t"İ"\n'
    rows = read_rows(json.dumps(answer).encode(), Kind.SOLUTIONS)
    assert rows.digest == hashlib.sha256(text.encode()).hexdigest()


def test_digest_counts_rows_and_types_but_not_their_order() -> None:
    """A row twice is not a row once; an IRI is not its text (17, Citation)."""
    assert solutions(("a", 1), ("b", 2)).digest == solutions(("b", 2), ("a", 1)).digest
    assert solutions(("a", 1)).digest != solutions(("a", 1), ("a", 1)).digest
    assert solutions(("http://x", 1)).digest != solutions(("<http://x>", 1)).digest
    assert solutions(("a", None)).digest != solutions(("a", "")).digest


def test_rows_have_the_order_of_the_query_and_equal_ones_that_of_their_terms() -> None:
    """Without an order all rows are sorted by their terms (17, Citation)."""
    rows = solutions(("b", 2), ("a", 2), ("c", 1), ("a", 3))
    assert [row[0] for row in rows.sorted_within(["value"]).cells] == ['"a"', '"b"', '"c"', '"a"']
    assert list(rows.sorted_within([]).cells) == sorted(rows.cells)
    # A variable that is no column cannot be compared.
    assert rows.sorted_within(["gone"]) == rows.sorted_within([])


TEXTS = [format_ for format_ in of_kind(Kind.SOLUTIONS) if format_.text and not format_.needs]


@pytest.mark.parametrize("format_", TEXTS, ids=lambda format_: format_.name)
def test_rows_are_written_in_every_format(format_: Any) -> None:
    """In the order that they have (17, Citation)."""
    written = solutions(("Şişli", 2), ("http://x", None)).written(format_).decode("utf-8-sig")
    assert written.index("Şişli") < written.index("http://x")


def test_formats_are_those_that_the_rows_allow() -> None:
    """A network needs two columns of entities, a map coordinates (17, Citation)."""
    names = {format_.name for format_ in solutions(("http://a", "http://b")).formats()}
    assert {"csv", "xlsx", "parquet", "gexf", "graphml"} <= names
    assert not {"geojson", "gpkg", "ttl"} & names
    assert "gexf" not in {format_.name for format_ in solutions(("a", 1)).formats()}


_DIRECTED = {"type": "literal", "value": "a", "xml:lang": "ar", "its:dir": "rtl"}
_TERMS = [
    (_DIRECTED, '"a"@ar--rtl'),
    (_DIRECTED | {"its:dir": "ltr"}, '"a"@ar--ltr'),
    ({"type": "literal", "value": "a", "xml:lang": "ar"}, '"a"@ar'),
    (
        {
            "type": "triple",
            "value": {
                "subject": {"type": "bnode", "value": "f00"},
                "predicate": {"type": "uri", "value": "http://p"},
                "object": {
                    "type": "triple",
                    "value": {
                        "subject": {"type": "uri", "value": "http://s"},
                        "predicate": {"type": "uri", "value": "http://p"},
                        "object": _DIRECTED,
                    },
                },
            },
        },
        '<<( _: <http://p> <<( <http://s> <http://p> "a"@ar--rtl )>> )>>',
    ),
]


@pytest.mark.parametrize(("term", "text"), _TERMS)
def test_terms_of_rdf_1_2_are_read_and_written(term: dict[str, Any], text: str) -> None:
    """Functions of a query make them. The digest differs by direction, and not by the label of a blank node."""
    answer = {"head": {"vars": ["x"]}, "results": {"bindings": [{"x": term}]}}
    rows = read_rows(json.dumps(answer).encode(), Kind.SOLUTIONS)
    assert rows.cells == ((text,),)
    other = read_rows(json.dumps(answer).replace("f00", "f01").encode(), Kind.SOLUTIONS)
    assert other.digest == rows.digest
    assert json.loads(rows.written(BY_NAME["json"])) == answer
    line = f"<http://s> <http://p> {text.replace('_:', '_:f00')} .\n".encode()
    graph = read_rows(line, Kind.GRAPH)
    assert graph.cells == (("<http://s>", "<http://p>", text),)
    assert graph.written(BY_NAME["nt"]) == line


def test_graphs_and_truths_are_results_too() -> None:
    """Sorted triples in any format of RDF; one row with true or false (17, Citation)."""
    graph = read_rows(b'<http://b> <http://p> "x"@en .\n<http://a> <http://p> _:n .\n', Kind.GRAPH)
    in_order = b'<http://a> <http://p> _:n .\n<http://b> <http://p> "x"@en .\n'
    assert graph.sorted_within([]).written(BY_NAME["nt"]) == in_order
    assert graph.written(BY_NAME["ttl"]).count(b"http://p") == 2
    yes = read_rows(b'{"head": {}, "boolean": true}', Kind.SOLUTIONS)
    no = read_rows(b'{"head": {}, "boolean": false}', Kind.SOLUTIONS)
    assert yes.digest != no.digest
    assert json.loads(yes.written(BY_NAME["json"]))["boolean"] is True
    assert not compare(yes, no).is_same


def test_rows_are_matched_by_the_first_columns_that_make_them_unique() -> None:
    """Added, removed and changed (17, Citation)."""
    changes = compare(solutions(("a", 1), ("b", 2), ("c", 3)), solutions(("d", 4), ("c", 5), ("b", 2)))
    assert changes.key == ("key",)
    assert [term_text(row[0]) for row in changes.added] == ['"d"']
    assert [term_text(row[0]) for row in changes.removed] == ['"a"']
    changed = [(term_text(row.before[1]), term_text(row.after[1]), row.differing) for row in changes.changed]
    assert changed == [('"3"', '"5"', (1,))]
    assert changes.unchanged == 1
    wider = compare(
        solutions(("a", 1, "x"), ("a", 2, "x"), columns="key part value"),
        solutions(("a", 1, "y"), ("a", 2, "x"), columns="key part value"),
    )
    assert (wider.key, len(wider.changed)) == (("key", "part"), 1)


def test_rows_are_matched_by_their_entities_before_their_values() -> None:
    """A corrected date is a change, also where the entity is not the first column (17, Citation)."""
    columns = "name date agreement"
    before = solutions(("x", 1, "http:a"), ("x", 1, "http:b"), columns=columns)
    changes = compare(before, solutions(("x", 2, "http:a"), ("x", 1, "http:b"), columns=columns))
    assert changes.key == ("agreement",)
    assert ([row.differing for row in changes.changed], changes.added, changes.removed) == ([(1,)], (), ())


def test_rows_are_not_matched_by_triples_as_by_entities() -> None:
    """A triple as a value is no IRI, although its text begins like one."""

    def rows(text: str) -> ResultRows:
        terms = [("triple", _TERMS[-1][0]), ("agreement", {"type": "uri", "value": "http:a"})]
        cells = dict(terms) | {"note": {"type": "literal", "value": text}}
        answer = {"head": {"vars": list(cells)}, "results": {"bindings": [cells]}}
        return read_rows(json.dumps(answer).encode(), Kind.SOLUTIONS)

    changes = compare(rows("old"), rows("new"))
    assert (changes.key, len(changes.changed)) == (("agreement",), 1)


def test_rows_without_a_key_are_added_or_removed() -> None:
    """Where several rows begin alike, another value is one row less and one more (17, Citation)."""
    changes = compare(solutions(("a", 1), ("a", 2), ("a", 2)), solutions(("a", 1), ("a", 2), ("a", 3)))
    assert (changes.key, changes.changed, changes.unchanged) == (("key", "value"), (), 2)
    assert (len(changes.added), len(changes.removed)) == (1, 1)
