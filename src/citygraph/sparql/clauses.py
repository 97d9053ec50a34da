"""A check of the SERVICE, FROM and LOAD clauses in the syntax tree of a query, if guard.scan found such words.

It runs in the engine process, because rdflib's parser takes milliseconds and a parser may crash.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from pyoxigraph import Store
from pyparsing import ParseBaseException, ParseResults
from rdflib.plugins.sparql.parser import parseQuery, parseUpdate
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import URIRef, Variable

from citygraph.errors import Forbidden, QuerySyntaxError, UsageError
from citygraph.rdf.terms import BASE, PREFIXES
from citygraph.sparql.grammar import deep_recursion
from citygraph.sparql.guard import occurrences
from citygraph.sparql.protocol import Query
from citygraph.sparql.syntax_errors import syntax_error

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

    Raises Forbidden, with the refused clause and the allowed values, or QuerySyntaxError.
    """
    clauses = clauses_of(query.text, query.base)
    for service in clauses.services:
        _check_service(service, services)
    if services and occurrences(query.text, "SERVICE") != len(clauses.services):
        # rdflib and the engine may parse such a text differently, and this engine has network access.
        raise Forbidden("SERVICE must be a word of its own, and no prefix may contain it", "SERVICE", tuple(services))
    if graphs is not None and not query.default_graphs and not query.named_graphs:
        for graph in (*clauses.default_graphs, *clauses.named_graphs):
            if graph not in graphs:
                message = f"the graph <{graph}> is not in this release, and graphs are not fetched from elsewhere"
                raise Forbidden(message, f"FROM <{graph}>", tuple(sorted(graphs)))
    return clauses


def clauses_of(text: str, base: str = BASE) -> Clauses:
    """Returns the clauses of a text, unchecked. Raises QuerySyntaxError, Forbidden for LOAD or too deep nesting."""
    with deep_recursion():
        try:
            prologue, tree = parseQuery(text)
        except ParseBaseException as error:
            _refuse_update(text)
            raise _syntax_error(text, error) from None
        except ValueError as error:
            raise QuerySyntaxError(str(error)) from None
        except RecursionError:
            raise Forbidden("the query is nested too deep for one with FROM or SERVICE") from None
    return _collect(tree, _Names(text, prologue, base))


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


def _collect(tree: Any, names: _Names) -> Clauses:
    default_graphs: list[str] = []
    named_graphs: list[str] = []
    services: list[str] = []
    for node in _nodes(tree):
        if node.name == "DatasetClause":
            if node.default is not None:
                default_graphs.append(names.resolve(node.default))
            if node.named is not None:
                named_graphs.append(names.resolve(node.named))
        elif node.name == "ServiceGraphPattern":
            services.append(names.resolve(node.term))
    # _nodes yields siblings in reverse order.
    return Clauses(tuple(default_graphs[::-1]), tuple(named_graphs[::-1]), tuple(services[::-1]))


def _nodes(tree: Any) -> Iterator[CompValue]:
    """Yields all named nodes, siblings in reverse order."""
    # A loop instead of recursion, for deep trees.
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, CompValue):
            yield node
            pending.extend(node.values())
        elif isinstance(node, list | tuple | ParseResults):
            pending.extend(node)


class _Names:
    """The prefixes and the base of a query, which resolve its names to IRIs."""

    def __init__(self, text: str, prologue: Any, base: str) -> None:
        self._text = text
        self.base = base
        self.prefixes = dict(PREFIXES)
        for declaration in prologue:
            if declaration.name == "Base":
                self.base = self._absolute(declaration.iri)
            else:
                self.prefixes[declaration.prefix or ""] = self._absolute(declaration.iri)

    def resolve(self, term: Any) -> str:
        """Returns the IRI of a term, or `?name` for a variable. Raises QuerySyntaxError for an undeclared prefix."""
        if isinstance(term, Variable):
            return f"?{term}"
        if isinstance(term, URIRef):
            return self._absolute(term)
        prefix = term.prefix or ""
        if prefix not in self.prefixes:
            raise syntax_error(f"the prefix {prefix}: is not declared", self._text)
        return str(self.prefixes[prefix] + (term.localname or ""))

    def _absolute(self, iri: str) -> str:
        if _SCHEME.match(iri):
            return str(iri)
        # urljoin drops an empty fragment, with which many namespaces end.
        return urljoin(self.base, iri) + ("#" if iri.endswith("#") else "")


def _refuse_update(text: str) -> None:
    """Raises Forbidden or UsageError if the text is an update."""
    try:
        update = parseUpdate(text)
    except (ParseBaseException, RecursionError, ValueError):
        return
    operations = [node.name for node in _nodes(update)]
    if "Load" in operations:
        raise Forbidden("LOAD is refused: nothing is fetched from elsewhere", "LOAD")
    raise UsageError("this is an update, not a query: send it to the address /update")


def _syntax_error(text: str, error: ParseBaseException) -> QuerySyntaxError:
    """Returns the syntax error that the engine finds, or rdflib's error if only rdflib rejects the text."""
    try:
        # No SPARQL text ends with this character, so that the text is parsed but never evaluated.
        Store().query(text + "\n\x01", prefixes=PREFIXES)
    except SyntaxError as own:
        engine_error = syntax_error(str(own), text)
        # An error on a later line is that of the added character.
        if engine_error.line is None or engine_error.line <= text.count("\n") + 1:
            return engine_error
    return QuerySyntaxError(
        "a query with FROM or SERVICE is also read by a second parser, which fails on this one: "
        f"{error.msg} at line {error.lineno}, column {error.column}",
        error.lineno,
        error.column,
    )
