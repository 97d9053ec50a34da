"""A check of the SERVICE, FROM and LOAD clauses in the syntax tree of a query, if guard.scan found such words.

It runs in the engine process, because the library's parser, which finds the place of an error, may crash.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urljoin

from pyoxigraph import NamedNode, Store

from citygraph.errors import Forbidden, QuerySyntaxError, UsageError
from citygraph.rdf.terms import BASE, PREFIXES
from citygraph.sparql.grammar import UPDATE, SyntaxNode, SyntaxTree, UnexpectedToken, nodes_of, parse
from citygraph.sparql.guard import occurrences
from citygraph.sparql.protocol import Query
from citygraph.sparql.syntax_errors import line_and_column, syntax_error, unexpected

_CODE_POINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_LOCAL_ESCAPE = re.compile(r"\\(.)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True)
class Clauses:
    """The graphs and services that a query names. A service that is a variable is written `?name`."""

    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def check(query: Query, services: Collection[str] = (), graphs: Collection[str] | None = None) -> Clauses:
    """Returns the clauses of a query, if it may be evaluated.

    `services` are the endpoints that SERVICE may name: none if federation is off. `graphs` are those of the release,
    or None if the caller checks them. FROM is not checked if the request has its own dataset, which overrides it
    (SPARQL 1.1 Protocol, 2.1.4).

    Raises Forbidden, with the refused clause and the allowed values, QuerySyntaxError, and UsageError for an update.
    """
    clauses = clauses_of(query.text, query.base)
    for service in clauses.services:
        _check_service(service, services)
    if services and occurrences(query.text, "SERVICE") != len(clauses.services):
        # The two parsers may read such a text differently, and this engine has network access.
        raise Forbidden("SERVICE must be a word of its own, and no prefix may contain it", "SERVICE", tuple(services))
    if graphs is not None and not query.default_graphs and not query.named_graphs:
        for graph in (*clauses.default_graphs, *clauses.named_graphs):
            if graph not in graphs:
                message = f"the graph <{graph}> is not in this release, and graphs are not fetched from elsewhere"
                raise Forbidden(message, f"FROM <{graph}>", tuple(sorted(graphs)))
    return clauses


def clauses_of(text: str, base: str = BASE) -> Clauses:
    """Returns the clauses of a text, unchecked.

    Raises QuerySyntaxError, Forbidden for LOAD, and UsageError for another update.
    """
    try:
        tree = parse(text)
    except UnexpectedToken as error:
        _refuse_update(text)
        raise _engine_error(text) or _grammar_error(text, error) from None
    try:
        return _collect(tree, base)
    except ValueError as error:
        raise _engine_error(text) or QuerySyntaxError(str(error)) from None


def _check_service(service: str, allowed: Collection[str]) -> None:
    if service in allowed:
        return
    name = service if service.startswith("?") else f"<{service}>"
    if not allowed:
        message = "SERVICE is switched off here: queries are not sent to other endpoints"
    elif service.startswith("?"):
        message = f"SERVICE {name}: a variable is not allowed, only an IRI"
    else:
        message = f"SERVICE {name} is not one of the allowed endpoints"
    raise Forbidden(message, f"SERVICE {name}", tuple(allowed))


def _collect(tree: SyntaxTree, base: str) -> Clauses:
    names = _Names(tree, base)
    default_graphs: list[str] = []
    named_graphs: list[str] = []
    services: list[str] = []
    for node in nodes_of(tree.root):
        if node.rule in {"BaseDecl", "PrefixDecl"}:
            names.declare(node)
        elif node.rule == "DatasetClause":
            is_named = tree.tokens[node.first + 1].kind == "NAMED"
            (named_graphs if is_named else default_graphs).append(names.resolve(node.children[0]))
        elif node.rule == "ServiceGraphPattern":
            services.append(names.resolve(node.children[0]))
    return Clauses(tuple(default_graphs), tuple(named_graphs), tuple(services))


class _Names:
    """The prefixes and the base of a query, which resolve its names to IRIs."""

    def __init__(self, tree: SyntaxTree, base: str) -> None:
        self._tree = tree
        self._base = base
        self._prefixes = dict(PREFIXES)

    def declare(self, node: SyntaxNode) -> None:
        """Adds a declaration of a prefix or the base, in the order of the text. Raises ValueError."""
        tokens, text = self._tree.tokens[node.first + 1 : node.last], self._tree.text
        names = [text[token.start : token.end] for token in tokens]
        iri = self._absolute(names[-1][1:-1])
        if node.rule == "BaseDecl":
            self._base = iri
        else:
            self._prefixes[names[0][:-1]] = iri

    def resolve(self, node: SyntaxNode) -> str:
        """Returns the IRI of a term, or `?name` for a variable.

        Raises QuerySyntaxError for an undeclared prefix, ValueError for an IRI that is not valid.
        """
        source = self._tree.source(node)
        if node.rule == "Var":
            return f"?{source[1:]}"
        if source.startswith("<"):
            return self._absolute(source[1:-1])
        prefix, _, local = source.partition(":")
        if prefix not in self._prefixes:
            raise syntax_error(f"the prefix {prefix}: is not declared", self._tree.text)
        return NamedNode(self._prefixes[prefix] + _LOCAL_ESCAPE.sub(r"\1", local)).value

    def _absolute(self, iri: str) -> str:
        iri = _CODE_POINT.sub(lambda match: chr(int(match[1] or match[2], 16)), iri)
        if not _SCHEME.match(iri):
            # urljoin drops an empty fragment, with which many namespaces end.
            iri = urljoin(self._base, iri) + ("#" if iri.endswith("#") else "")
        return NamedNode(iri).value


def _refuse_update(text: str) -> None:
    """Raises Forbidden or UsageError if the text is an update."""
    try:
        update = parse(text, UPDATE)
    except UnexpectedToken:
        return
    if any(node.rule == "Load" for node in nodes_of(update.root)):
        raise Forbidden("LOAD is refused: nothing is fetched from elsewhere", "LOAD")
    raise UsageError("this is an update, not a query: send it to the address /update")


def _engine_error(text: str) -> QuerySyntaxError | None:
    """Returns the syntax error that the engine finds in a text, which is not evaluated."""
    try:
        # No SPARQL text ends with this character.
        Store().query(text + "\n\x01", prefixes=PREFIXES)
    except SyntaxError as error:
        found = syntax_error(str(error), text)
        # An error on a later line is that of the added character.
        if found.line is None or found.line <= text.count("\n") + 1:
            return found
    return None


def _grammar_error(text: str, error: UnexpectedToken) -> QuerySyntaxError:
    line, column = line_and_column(text, error.token.start)
    return QuerySyntaxError(
        "a query with FROM or SERVICE is also read by a second parser, which fails on this one: "
        f"{unexpected(text, error)} at line {line}, column {column}",
        line,
        column,
    )
