"""What a query says in SERVICE, FROM and LOAD, by its parsed tree; only for texts in which guard.scan found such words.

It runs in the engine process: rdflib's parser takes milliseconds, and a parser may be brought down.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
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
from citygraph.sparql.guard import occurrences
from citygraph.sparql.protocol import Query

# rdflib takes some sixty Python frames for a level of nesting; 200 levels are a setting's default.
_RECURSION = 60_000
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_POSITION = re.compile(r"error at (\d+):(\d+)")


@dataclass(frozen=True)
class Clauses:
    """The graphs and services that a query names; a service that is a variable is written `?name`."""

    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def check(query: Query, services: Collection[str] = (), graphs: Collection[str] | None = None) -> Clauses:
    """The clauses of a query, if it may be evaluated.

    `services` are the endpoints that SERVICE may name: none where federation is off. `graphs` are those of the
    release, or None if the caller looks for itself. FROM is not judged where the request has its own dataset,
    which overrides it (SPARQL 1.1 Protocol, 2.1.4).

    Raises Forbidden, naming what is refused and what would be taken, or QuerySyntaxError.
    """
    clauses = clauses_of(query.text, query.base)
    for service in clauses.services:
        _check_service(service, services)
    if services and occurrences(query.text, "SERVICE") != len(clauses.services):
        # The two parsers may differ about such a text, and this engine has a network.
        raise Forbidden("SERVICE must stand apart, and no prefix may contain it", "SERVICE", tuple(services))
    if graphs is not None and not query.default_graphs and not query.named_graphs:
        for graph in (*clauses.default_graphs, *clauses.named_graphs):
            if graph not in graphs:
                message = f"the graph <{graph}> is not in this release, and graphs are not fetched from elsewhere"
                raise Forbidden(message, f"FROM <{graph}>", tuple(sorted(graphs)))
    return clauses


def clauses_of(text: str, base: str = BASE) -> Clauses:
    """The clauses of a text, unjudged. Raises QuerySyntaxError, or Forbidden for LOAD and what is nested too deep."""
    with _deep_recursion():
        try:
            prologue, tree = parseQuery(text)
        except ParseBaseException as error:
            _refuse_update(text)
            raise _syntax_error(text, error) from None
        except ValueError as error:
            raise QuerySyntaxError(str(error)) from None
        except RecursionError:
            raise Forbidden("a query with FROM or SERVICE may not be nested as deep as this one") from None
    return _collect(tree, _Names(prologue, base))


def dataset_of(text: str, base: str = BASE) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The graphs of FROM and those of FROM NAMED."""
    clauses = clauses_of(text, base)
    return clauses.default_graphs, clauses.named_graphs


def _check_service(service: str, allowed: Collection[str]) -> None:
    if service in allowed:
        return
    shown = service if service.startswith("?") else f"<{service}>"
    if not allowed:
        message = "SERVICE is switched off here: no other endpoint is asked"
    elif service.startswith("?"):
        message = f"SERVICE {shown}: only an endpoint that is written out can be allowed"
    else:
        message = f"SERVICE {shown} is not one of the endpoints that may be asked"
    raise Forbidden(message, f"SERVICE {shown}", tuple(allowed))


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
    # Nodes come last first.
    return Clauses(tuple(default_graphs[::-1]), tuple(named_graphs[::-1]), tuple(services[::-1]))


def _nodes(tree: Any) -> Iterator[CompValue]:
    """All the nodes with a name, without recursion; siblings come last first."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, CompValue):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list | tuple | ParseResults):
            waiting.extend(node)


class _Names:
    """The prefixes and the base of a query: what its names stand for."""

    def __init__(self, prologue: Any, base: str) -> None:
        self.base = base
        self.prefixes = dict(PREFIXES)
        for declaration in prologue:
            if declaration.name == "Base":
                self.base = self._absolute(declaration.iri)
            else:
                self.prefixes[declaration.prefix or ""] = self._absolute(declaration.iri)

    def resolve(self, term: Any) -> str:
        """The IRI of a term, or `?name` of a variable."""
        if isinstance(term, Variable):
            return f"?{term}"
        if isinstance(term, URIRef):
            return self._absolute(term)
        prefix = term.prefix or ""
        if prefix not in self.prefixes:
            raise QuerySyntaxError(f"the prefix {prefix}: is not declared")
        return str(self.prefixes[prefix] + (term.localname or ""))

    def _absolute(self, iri: str) -> str:
        if _SCHEME.match(iri):
            return str(iri)
        # urljoin loses an empty fragment, which is part of many a prefix.
        return urljoin(self.base, iri) + ("#" if iri.endswith("#") else "")


def _refuse_update(text: str) -> None:
    """Raise Forbidden or UsageError if the text is an update."""
    try:
        update = parseUpdate(text)
    except (ParseBaseException, RecursionError, ValueError):
        return
    operations = [node.name for node in _nodes(update)]
    if "Load" in operations:
        raise Forbidden("LOAD is refused: nothing is fetched from elsewhere", "LOAD")
    raise UsageError("this is an update, not a query: send it to the address /update")


def _syntax_error(text: str, error: ParseBaseException) -> QuerySyntaxError:
    """The error with the position where the engine's own parser stops, which is nearer to the cause."""
    try:
        # No SPARQL text ends with this character: it is parsed and never evaluated.
        Store().query(text + "\n\x01", prefixes=PREFIXES)
    except SyntaxError as own:
        found = _POSITION.search(str(own))
        if found and int(found[1]) <= text.count("\n") + 1:
            line, column = int(found[1]), int(found[2])
            return QuerySyntaxError(f"syntax error at line {line}, column {column}", line, column)
    return QuerySyntaxError(
        "a query with FROM or SERVICE is also read by a second parser, which cannot read this one: "
        f"{error.msg} at line {error.lineno}, column {error.column}",
        error.lineno,
        error.column,
    )


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for rdflib's recursive parser, given back afterwards; its frames are Python's and use no stack of C."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
