"""The tokens and the syntax tree of a text."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.sparql.grammar import (
    QUERY,
    UPDATE,
    SyntaxTree,
    UnexpectedToken,
    nodes_of,
    parse,
    tokens_of,
    variables_in_scope,
)


def rules(tree: SyntaxTree) -> list[tuple[str, str]]:
    return [(node.rule, tree.source(node)) for node in nodes_of(tree.root)]


def test_a_text_has_the_nodes_of_its_rules() -> None:
    """A rule that only repeats another one has no node."""
    tree = parse("SELECT * { ?s (ex:a|^ex:b)/a ?o , [] FILTER(?o < 1 -2) }")
    assert rules(tree) == [
        ("SelectQuery", "SELECT * { ?s (ex:a|^ex:b)/a ?o , [] FILTER(?o < 1 -2) }"),
        ("SelectClause", "SELECT *"),
        ("GroupGraphPattern", "{ ?s (ex:a|^ex:b)/a ?o , [] FILTER(?o < 1 -2) }"),
        ("GroupGraphPatternSub", "?s (ex:a|^ex:b)/a ?o , [] FILTER(?o < 1 -2)"),
        ("TriplesSameSubjectPath", "?s (ex:a|^ex:b)/a ?o , []"),
        ("Var", "?s"),
        ("PropertyListPathNotEmpty", "(ex:a|^ex:b)/a ?o , []"),
        ("PathSequence", "(ex:a|^ex:b)/a"),
        ("PathPrimary", "(ex:a|^ex:b)"),
        ("PathAlternative", "ex:a|^ex:b"),
        ("iri", "ex:a"),
        ("PathEltOrInverse", "^ex:b"),
        ("iri", "ex:b"),
        ("PathPrimary", "a"),
        ("ObjectListPath", "?o , []"),
        ("Var", "?o"),
        ("BlankNode", "[]"),
        ("Filter", "FILTER(?o < 1 -2)"),
        ("BrackettedExpression", "(?o < 1 -2)"),
        ("RelationalExpression", "?o < 1 -2"),
        ("Var", "?o"),
        ("AdditiveExpression", "1 -2"),
        ("NumericLiteral", "1"),
    ]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("?x<?y", "VARIABLE < VARIABLE END"),
        ("<a><b>", "IRIREF IRIREF END"),
        ("?x-1 - 1.5e3 .5 7", "VARIABLE SIGNED - DECIMAL DECIMAL INTEGER END"),
        ("ex:a.b. :c ex: _:b1. a A", "PNAME_LN . PNAME_LN PNAME_NS BLANK_NODE . a A END"),
        (r"ex:a\,b:c%20 ex:1-2", "PNAME_LN PNAME_LN END"),
        ('\'a\\\'#\' """b"c\n"""@tr-TR # \' \n ^^', "STRING STRING LANGTAG ^^ END"),
        ("() ( ) [] [ ] (#)\n)", "NIL NIL ANON ANON ( ) END"),
        ("strlen Count TRUE", "FUNCTION COUNT TRUE END"),
        ("a “b", "a ?!"),
        ("'a\nb'", "?!"),
        ("a\u00a0b", "a ?!"),
    ],
)
def test_tokens(text: str, kinds: str) -> None:
    """The longest token first; what begins no token ends the list."""
    assert " ".join(token.kind for token in tokens_of(text)) == kinds


@pytest.mark.parametrize(
    "text",
    [
        "BASE <http://a/> PREFIX : <b> CONSTRUCT WHERE { :a :b [ :c () ] }",
        "DESCRIBE ?x <a> FROM NAMED <g> { ?x ?y 'z'^^<t> } ORDER BY DESC(?x) ?y OFFSET 1 LIMIT 2",
        "ASK { { SELECT (COUNT(DISTINCT *) AS ?n) { ?x !(a|^<b>)*/<c>? ?y } GROUP BY (?x + 1 AS ?z) HAVING(?n > 1) } }",
        "SELECT REDUCED ?a { VALUES (?a ?b) { (1 UNDEF) (-2 <x>) } MINUS { } OPTIONAL { } GRAPH ?g { } } VALUES ?c { }",
        "SELECT * { SERVICE SILENT <s> { } FILTER NOT EXISTS { } BIND(?a IN (1, 2) || ! ?b NOT IN () AS ?c) }",
        "SELECT * { ?x <p> ?y ; <q> (1 2) ; ; . FILTER REGEX(?y, 'a', 'i') . { } UNION { } UNION { } }",
        "SELECT (GROUP_CONCAT(DISTINCT ?x ; SEPARATOR = ',') AS ?y) (<f>(DISTINCT ?z, 1) AS ?u) { }",
    ],
)
def test_queries_of_all_forms(text: str) -> None:
    """What SPARQL 1.1 allows has a tree, in capitals or not."""
    assert parse(text).root.rule in {"QueryUnit", "AskQuery", "SelectQuery", "DescribeQuery"}
    parse(text.replace("SELECT", "select").replace("FILTER", "Filter"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PREFIX : <a> INSERT DATA { :a :b 1 . GRAPH :g { :c :d _:e } } ; DELETE WHERE { ?s ?p ?o } ;",
        "WITH <g> DELETE { ?s ?p ?o } INSERT { } USING NAMED <h> WHERE { ?s <a>|<b> ?o }",
        "LOAD SILENT <a> INTO GRAPH <b> ; CLEAR ALL ; DROP SILENT GRAPH <c> ; COPY DEFAULT TO <d> ; CREATE GRAPH <e>",
    ],
)
def test_updates_of_all_forms(text: str) -> None:
    """Also no operation at all: the tree covers the whole text."""
    tree = parse(text, UPDATE)
    assert tree.root.last == len(tree.tokens) - 1


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("SELECT ?c, ?d {}", 9, "( FROM VARIABLE WHERE {"),
        ("SELECT * { ?s ?p }", 17, "( ANON BLANK_NODE DECIMAL FALSE INTEGER IRIREF NIL PNAME_LN PNAME_NS SIGNED STRING "
         "TRUE VARIABLE ["),
        ("SELECT * { } ORDER ?x", 19, "BY"),
        ("SELECT * { } LIMIT 1 LIMIT", 21, "END OFFSET VALUES"),
        ("ASK {", 5, None),
    ],
)  # fmt: skip
def test_the_first_token_that_cannot_follow(text: str, offset: int, expected: str | None) -> None:
    """With the kinds that could have stood there, and no others (13.9)."""
    with pytest.raises(UnexpectedToken) as caught:
        parse(text)
    assert caught.value.token.start == offset
    assert expected is None or list(caught.value.expected) == expected.split()


def test_variables_in_scope() -> None:
    """Those of SPARQL 1.1, 18.2.1: not of FILTER, MINUS, and what a sub-select does not project."""
    tree = parse(
        "SELECT * { ?a ?b [] . GRAPH ?g { ?c $d 1 } FILTER(?x) MINUS { ?y ?y ?y } BIND(?x + 1 AS ?e) "
        "{ SELECT (?z AS ?f) ?h { ?z ?h ?i } } OPTIONAL { VALUES (?j ?k) { (1 2) } } }"
    )
    assert "".join(sorted(variables_in_scope(tree, tree.root))) == "abcdefghjk"


@given(st.text(st.sampled_from("\"'\\\n#<>(){}[]!|&+-*/.,;:?$@^ aSELCT*WHR_1é\ud800"), max_size=80))
def test_any_text_has_a_tree_or_a_fault(text: str) -> None:
    """No text makes the parser fail in any other way."""
    for start in (QUERY, UPDATE):
        with suppress(UnexpectedToken):
            assert parse(text, start).tokens[-1].kind == "END"


def test_the_parser_needs_no_recursion_and_linear_time() -> None:
    """As many levels and operators as the limits allow, and a long list."""
    begun = time.process_time()
    parse("SELECT * " + "{" * 200 + "}" * 200)
    parse("SELECT (" + "(" * 190 + "+".join(["?a"] * 2000) + ")" * 190 + " AS ?x) {}")
    parse(f"SELECT * {{ VALUES ?x {{ {'1 ' * 50_000} }} }}")
    assert time.process_time() - begun < 60
