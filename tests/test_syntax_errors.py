"""What is wrong with a text, and where."""

from __future__ import annotations

import pytest
from pyoxigraph import Store

from citygraph.errors import CitygraphError, QuerySyntaxError, UsageError
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.grammar import UPDATE
from citygraph.sparql.protocol import Query
from citygraph.sparql.syntax_errors import syntax_error


def error_of(text: str) -> CitygraphError:
    with pytest.raises(CitygraphError) as caught:
        evaluate(Store(), Query(text))
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("SELECT ?c, ?d { ?c ?d ?e }", 1, 10, '"," is unexpected; expected "(", FROM, a variable, WHERE, "{"'),
        ("SELECT * {\n ?s ?p ?o", 2, 10, "the end of the text is unexpected; expected"),
        ("SELECT * {\n ?s ?p ?o . } LIMT 4", 2, 15, '"LIMT" is unexpected; did you mean LIMIT?'),
        ("SELECT * { ?s ?p ?o UNION { ?a ?b ?c } }", 1, 21, '"UNION" is unexpected'),
        ("SELECT AVG(?x) { ?s ?p ?x }", 1, 8, '"AVG" is unexpected'),
        ("SELECT * { ?s ?p ?o FILTER(STR(?o) }", 1, 36, '"}" is unexpected'),
        ("SELECT * { ?s ?p “x” }", 1, 18, "the character “ (LEFT DOUBLE QUOTATION MARK) is unexpected"),
        ("SELECT * {\u00a0?s ?p ?o }", 1, 11, "(NO-BREAK SPACE) is unexpected"),
        ("SELECT * { ?s <a b> ?o }", 1, 15, "IRI parsing failed: the IRI that begins here is not closed, or has a sp"),
        ("SELECT * { ?s ?p ?o FILTER REGEX(?o, '\\d') }", 1, 39, "\\d is not an escape of SPARQL"),
        ("INSERT DATA { <a> <b> <c> }", 1, 1, '"INSERT" is unexpected; expected ASK, BASE, CONSTRUCT'),
        ("SELECT * { ?s ?p ?o BIND(1 AS ?s) }", 1, 31, "BIND assigns ?s, which is in use"),
        ("SELECT (STRLEN(?x, 2) AS ?y) {}", 1, 9, "STRLEN has 2 arguments here and needs 1"),
        ("SELECT (SUBSTR(?x) AS ?y) {}", 1, 9, "SUBSTR has 1 arguments here and needs 2 to 3"),
        ("SELECT * {\n { _:a ?p ?o } { _:a ?q ?o } }", 2, 18, "_:a is also in another group; use a variable"),
        ("SELECT * { VALUES (?x ?y) { (1 2) (1) } }", 1, 35, "the row has 1 values and VALUES has 2 variables"),
        ("SELECT ?x (COUNT(*) AS ?n) { ?x ?p ?o }", 1, 40, "The SELECT contains a variable that is unbound"),
        ("SELECT * { ?s ?p ?o } GROUP BY ?s", 1, 34, "SELECT * is not authorized with GROUP BY"),
    ],
)
def test_a_syntax_error_has_its_place(text: str, line: int, column: int, said: str) -> None:
    """Line and column are those of the first token that is wrong, and the message says why (13.9)."""
    error = error_of(text)
    assert isinstance(error, QuerySyntaxError)
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(f"syntax error at line {line}, column {column}: ")
    assert said in str(error)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("SELECT * { ?s schem:name ?o }", 1, 15, "the prefix schem: is not declared; did you mean schema:, or is"),
        ("SELECT *\n{ ?s\nno:prefix ?o }", 3, 1, "the prefix no: is not declared; is PREFIX no: <…> missing"),
        ("SELECT * { ?s RDFS:label ?o }", 1, 15, "did you mean rdfs:"),
        ("PREFIX cities: <http://a/>\nSELECT * { ?s ?p city1:x }", 2, 18, "did you mean city:"),
        ("SELECT * { ?s :name ?o }", 1, 15, "the prefix : is not declared"),
        ("SELECT * { ?s ?p '1'^^x:int . ?x }", 1, 23, "the prefix x: is not declared"),
        ("SELECT * FROM no:g { ?s ?p ?o }", 1, 15, "the prefix no: is not declared"),
    ],
)
def test_an_undeclared_prefix_is_named(text: str, line: int, column: int, said: str) -> None:
    """With the prefix that was probably meant; an earlier fault goes before a later one (13.9)."""
    error = error_of(text)
    assert isinstance(error, QuerySyntaxError)
    assert (error.line, error.column) == (line, column)
    assert said in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { { _:a ?p ?o FILTER(?o > 1) _:a ?q ?r } OPTIONAL { ?o ?x ?y } ",
        "SELECT * { _:a ?p ?o FILTER EXISTS { ?o ?x ?y } _:a ?q ?r",
        "CONSTRUCT { _:a ?p ?o } WHERE { { _:b ?p ?o } UNION { _:c ?p ?o }",
    ],
)
def test_a_label_may_be_twice_in_a_pattern(text: str) -> None:
    """A FILTER does not end a pattern, and a template is none: only the end of the text is wrong (13.9)."""
    assert "the end of the text" in str(error_of(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT (<http://example.org/f>(1) AS ?x) {}", "<http://example.org/f> (line 1, column 9) is not available."),
        ("SELECT *\n{ FILTER(cg:folt('x')) }", "(line 2, column 10) is not available; did you mean cg:fold(text)?"),
        ("PREFIX e: <urn:e:> ASK { BIND(e:Distance(1) AS ?x) }", "did you mean cg:distance(latitude, longitude"),
        ("SELECT (xsd:dateTim('x') AS ?x) {}", "did you mean xsd:dateTime(value)?"),
        ("SELECT (xsd:integer(1, 2) AS ?x) {}", "#integer> requires between 1 and 1 arguments, but 2 were given"),
    ],
)
def test_an_unknown_function_is_named(text: str, said: str) -> None:
    """The error is the client's, with the available functions (13.9)."""
    error = error_of(text)
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert "available" not in str(error) or "cg:labelIn(entity" in str(error)


def test_an_update_has_places_too() -> None:
    """The same grammar, from another rule (13.9)."""
    text = "PREFIX : <urn:x:>\nINSERT DATA { :a :b 1"
    error = syntax_error("error at 2:30: expected GRAPH", text, UPDATE)
    assert (error.line, error.column) == (2, 22)
    assert 'expected ",", ".", ";", GRAPH, "}"' in str(error)
