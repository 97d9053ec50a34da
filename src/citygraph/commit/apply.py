"""Application of one change to a store: a SPARQL Update operation by operation, or a write to one graph.

The engine does not report the quads that an update changes. So WHERE is evaluated as a query, the templates are
instantiated here, and quads are added and removed through an `Edit`, which records them. A commit can then validate,
derive and count from the change alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, Variable, parse

from citygraph.commit.change import GraphWrite, Payload, Update
from citygraph.commit.edit import Edit, canonical, check_as_written, renamed
from citygraph.commit.operations import (
    VARIABLE,
    Operation,
    alone,
    as_data,
    error_at,
    operations,
    position,
    typed_literals,
    variables,
)
from citygraph.errors import BadData, EngineFailed, Forbidden, NotFound, QuerySyntaxError, UsageError
from citygraph.rdf.delta import Graph
from citygraph.rdf.formats import BY_NAME
from citygraph.rdf.terms import PREFIXES
from citygraph.source.reading import read_body
from citygraph.sparql.evaluate import merged_dataset
from citygraph.sparql.functions import functions_of
from citygraph.sparql.grammar import UPDATE
from citygraph.sparql.rewrite import rewritten
from citygraph.sparql.syntax_errors import syntax_error, unknown_function

Term = NamedNode | BlankNode | Literal | Triple
_EMPTY_GRAPH = NamedNode("urn:x-citygraph:no-such-graph")


def apply_write(write: GraphWrite, edit: Edit, check: Callable[[Graph], None]) -> bool:
    """Applies an operation of the Graph Store Protocol, and returns whether the graph existed before.

    Raises NotFound when a graph to drop does not exist, BadData for a body that cannot be read, and errors of `edit`.
    """
    graph: Graph = NamedNode(write.graph) if write.graph else DefaultGraph()
    # Even if nothing would change, so that a client without permission learns it at once.
    check(graph)
    existed = isinstance(graph, DefaultGraph) or edit.store.contains_named_graph(graph)
    if write.action == "drop":
        if not existed:
            raise NotFound(f"there is no graph <{write.graph}>")
        edit.drop(graph)
        return True
    quads = set(canonical(quad for payload in write.payloads for quad in _read(payload, graph, edit)))
    if write.action == "replace":
        # Quads in both the old and the new content stay, so that the recorded change has only the difference.
        edit.delete([q for q in edit.store.quads_for_pattern(None, None, None, graph) if q not in quads])
    edit.insert(quads)
    if isinstance(graph, NamedNode):
        edit.create(graph)
    return existed


def apply_update(update: Update, edit: Edit, depth: int) -> None:
    """Applies a SPARQL Update.

    Raises QuerySyntaxError, TooLarge, Forbidden for LOAD and SERVICE, NotFound for managing a graph that does not
    exist, UsageError if both the update and the request name graphs or for an unknown function, EngineFailed, and
    errors of `edit`.
    """
    parts = operations(update.text, depth)
    parsed = _check_syntax(update, parts)
    for operation in parts:
        if (update.using or update.using_named) and (operation.using or operation.with_graph):
            # SPARQL 1.1 Protocol, 2.2.3.
            raise UsageError("the graphs are named by USING or WITH in the update, and in the request as well")
        # Parsing the data of a large change again would take as long as parsing the change.
        is_parsed = len(parts) == 1 and operation.kind == "INSERT DATA"
        context = _Context(update, operation, edit, parsed if is_parsed else None)
        _check_literals(update.text, context)
        _apply_operation(context)


def _check_literals(text: str, context: _Context) -> None:
    """Raises BadData for an ill-formed literal to insert that the store would correct, with its line and column."""
    template = context.operation.insert or ""
    if "^^" not in template:
        return
    datatype_of = cache(context.graph)
    begin = text.find(template, context.operation.span[0])
    for offset, string, datatype in typed_literals(template):
        value = _unquoted(string)
        check_as_written(Literal(value, datatype=datatype_of(datatype)), "update", *position(text, begin + offset))


def _unquoted(string: str) -> str:
    if "\\" in string:
        value = next(iter(parse(f"<urn:x> <urn:x> {string} .", RdfFormat.TURTLE))).object
        return value.value if isinstance(value, Literal) else ""
    width = 3 if string.startswith(('"""', "'''")) else 1
    return string[width:-width]


class _Context:
    """An operation with its update and the edit that records its changes.

    `parsed` has the data of an INSERT DATA, if the whole update consists of it.
    """

    def __init__(self, update: Update, operation: Operation, edit: Edit, parsed: Store | None = None) -> None:
        self.operation = operation
        self.edit = edit
        self.base = update.base
        self._update = update
        self._parsed = parsed

    def graph(self, name: str) -> NamedNode:
        """Returns the IRI of a graph from its name in the text, by the prologue of the operation."""
        # The engine resolves the name: prefixes and relative IRIs need no second implementation.
        quad = next(iter(self.data(f"<urn:x:s> <urn:x:p> {name}")))
        assert isinstance(quad.object, NamedNode)  # noqa: S101 - the whole update has been parsed
        return quad.object

    def data(self, text: str) -> Store:
        """Returns the quads of a text without variables."""
        scratch = Store()
        scratch.update(
            f"{self.operation.prologue}INSERT DATA {{\n{text}\n}}", base_iri=self.base, prefixes=dict(PREFIXES)
        )
        return scratch

    def inserted(self) -> Store:
        """Returns the quads of an INSERT DATA as its text has them."""
        return self.data(self.operation.insert or "") if self._parsed is None else self._parsed

    def template(self, text: str | None) -> list[Quad]:
        """Returns the quads of a template, with IRIs instead of variables; quads without a graph get the home graph."""
        if not text:
            return []
        return self.placed(self.data(as_data(text)))

    def home(self) -> Graph:
        """Returns the graph for quads that name none: that of WITH, or the one to which the update was sent."""
        if self.operation.with_graph:
            return self.graph(self.operation.with_graph)
        return NamedNode(self._update.only) if self._update.only else DefaultGraph()

    def placed(self, quads: Iterable[Quad]) -> list[Quad]:
        """Returns the quads, with those of the default graph moved to the home graph."""
        home = self.home()
        return [
            Quad(q.subject, q.predicate, q.object, home) if isinstance(q.graph_name, DefaultGraph) else q for q in quads
        ]

    def solutions(self, names: list[str], distinct: bool) -> Iterator[dict[str, Term]]:
        """Yields the solutions of WHERE, restricted to these variables."""
        # SELECT needs a column even for templates without variables.
        columns = " ".join(f"?{name}" for name in names) or "(1 AS ?x__)"
        select = f"{self.operation.prologue}SELECT {'DISTINCT ' if distinct else ''}{columns} WHERE {{\n"
        text = f"{select}{self.operation.where}\n}}"
        store, default, named = self._dataset()
        ask = partial(
            store.query,
            base_iri=self.base,
            prefixes=dict(PREFIXES),
            default_graph=default,
            named_graphs=named,
            custom_functions=functions_of(store),
        )
        try:
            solutions = ask(rewritten(text, ask))
            for solution in solutions:  # type: ignore[union-attr]
                yield {name: term for name in names if (term := solution[Variable(name)]) is not None}
        except SyntaxError as error:
            raise syntax_error(str(error), text) from None
        except OSError as error:
            raise Forbidden(f"SERVICE is not evaluated in an update: {error}", construct="SERVICE") from None
        except (RuntimeError, ValueError, TypeError) as error:
            if unknown := unknown_function(str(error), self._update.text):
                raise unknown from None
            raise EngineFailed(f"the update could not be evaluated: {error}") from error

    def _dataset(self) -> tuple[Store, Any, Any]:
        """Returns the store to query, and which of its graphs make up the default graph and the named graphs."""
        using = [(named, self.graph(name)) for named, name in self.operation.using]
        using += [(False, NamedNode(name)) for name in self._update.using]
        using += [(True, NamedNode(name)) for name in self._update.using_named]
        store = self.edit.store
        if not using:
            return store, self.home(), None
        default = [graph for named, graph in using if not named]
        named_graphs = [graph for named, graph in using if named]
        if len(default) > 1:
            return merged_dataset(store, default, named_graphs), DefaultGraph(), named_graphs
        # Only USING NAMED: the default graph of the dataset is empty.
        return store, default or [_EMPTY_GRAPH], named_graphs


def _apply_operation(context: _Context) -> None:
    operation, edit = context.operation, context.edit
    if operation.kind == "INSERT DATA":
        edit.insert(_named(context.placed(context.inserted()), edit))
    elif operation.kind == "DELETE DATA":
        edit.delete(context.placed(context.data(operation.delete or "")))
    elif operation.kind in {"MODIFY", "DELETE WHERE"}:
        _modify(context)
    elif operation.kind == "LOAD":
        if not operation.silent:
            raise Forbidden("LOAD is not supported: send the data itself", construct="LOAD")
    else:
        _manage(context)


def _modify(context: _Context) -> None:
    operation, edit = context.operation, context.edit
    out, into = context.template(operation.delete), context.template(operation.insert)
    names = variables(f"{operation.delete or ''} {operation.insert or ''}")
    # Each solution gets new blank nodes; without blank nodes, equal solutions have the same effect.
    distinct = not any(_has_blank_nodes(quad) for quad in into)
    removed: set[Quad] = set()
    added: set[Quad] = set()
    for solution in context.solutions(names, distinct):
        removed.update(_instantiated(out, solution, None))
        node_names: dict[BlankNode, NamedNode | BlankNode] = {}
        added.update(_instantiated(into, solution, partial(edit.name_of, node_names)))
    # All deletions before all insertions (SPARQL 1.1 Update, 3.1.3).
    edit.delete(canonical(removed))
    edit.insert(canonical(added))


def _manage(context: _Context) -> None:
    """Applies CREATE, CLEAR, DROP, ADD, MOVE or COPY."""
    operation, edit = context.operation, context.edit
    graphs = [_targets(context, name) for name in operation.names]
    try:
        if operation.kind == "CREATE":
            if edit.store.contains_named_graph(graphs[0][0]):
                raise UsageError(f"the graph {graphs[0][0]} exists already")
            edit.create(graphs[0][0])  # type: ignore[arg-type]
        elif operation.kind in {"CLEAR", "DROP"}:
            if operation.names[0] not in {"DEFAULT", "NAMED", "ALL"}:
                _require(edit.store, graphs[0][0])
            for graph in graphs[0]:
                edit.clear(graph) if operation.kind == "CLEAR" else edit.drop(graph)
        else:
            _transfer(operation.kind, edit, graphs[0][0], graphs[1][0])
    except (NotFound, UsageError):
        if not operation.silent:
            raise


def _transfer(kind: str, edit: Edit, source: Graph, target: Graph) -> None:
    _require(edit.store, source)
    if source == target:
        return
    quads = edit.store.quads_for_pattern(None, None, None, source)
    copies = [Quad(quad.subject, quad.predicate, quad.object, target) for quad in quads]
    if kind != "ADD":
        edit.clear(target)
    edit.insert(copies)
    if isinstance(target, NamedNode):
        edit.create(target)
    if kind == "MOVE":
        edit.drop(source)


def _targets(context: _Context, name: str) -> list[Graph]:
    named: list[Graph] = [g for g in context.edit.store.named_graphs() if isinstance(g, NamedNode)]
    if name == "ALL":
        return [context.home(), *named]
    if name == "NAMED":
        return named
    return [context.home()] if name == "DEFAULT" else [context.graph(name)]


def _require(store: Store, graph: Graph) -> None:
    if isinstance(graph, NamedNode) and not store.contains_named_graph(graph):
        raise NotFound(f"there is no graph {graph}")


def _check_syntax(update: Update, parts: list[Operation]) -> Store | None:
    """Has the engine parse the update. Returns an empty store after the update, if it could be applied as a whole."""
    first = parts[0].prologue if parts else ""
    if any(part.kind == "LOAD" or part.prologue != first for part in parts):
        # The engine would execute LOAD, and it does not support a prologue after a semicolon.
        for part in parts:
            if part.kind != "LOAD":
                _parse_part(update, parts, part)
            elif not 1 <= len(part.names) <= 2:
                problem = "LOAD needs the address of a document, and INTO GRAPH before a second one"
                raise error_at(update.text, part.span[0], problem)
        return None
    return _parse(update.text, update.base)


def _parse_part(update: Update, parts: list[Operation], part: Operation) -> None:
    begin, end = part.span
    try:
        _parse(part.prologue + update.text[begin:end], update.base)
    except QuerySyntaxError:
        # Again, for the position in the whole text.
        _parse(alone(update.text, parts, part), update.base)
        raise


def _parse(text: str, base: str) -> Store:
    scratch = Store()
    try:
        # On the empty store, operations on missing graphs fail when they are executed: these are not syntax errors.
        with suppress(OSError, RuntimeError, ValueError):
            scratch.update(text, base_iri=base, prefixes=dict(PREFIXES))
    except UnicodeEncodeError:
        raise QuerySyntaxError("the update has an unpaired surrogate: it is not Unicode text") from None
    except SyntaxError as error:
        raise syntax_error(str(error), text, UPDATE) from None
    return scratch


def _read(payload: Payload, graph: Graph, edit: Edit) -> Iterator[Quad]:
    """Yields the triples of a body as quads of the graph.

    Relative IRIs are resolved against the graph's IRI (SPARQL 1.1 Graph Store HTTP Protocol, 4.2).
    """
    format_ = BY_NAME[payload.format].rdf
    assert format_ is not None  # noqa: S101 - the format of a payload is one of RDF
    node_names: dict[BlankNode, NamedNode | BlankNode] = {}
    base = graph.value if isinstance(graph, NamedNode) else None
    for line, quad in read_body(payload.data, format_, payload.name, base):
        if not isinstance(quad.graph_name, DefaultGraph) and quad.graph_name != graph:
            raise BadData(f"a statement of another graph, {quad.graph_name}: send it to that one", payload.name, line)
        edit.check_supported(quad, payload.name, line)
        if isinstance(quad.object, Literal):
            check_as_written(quad.object, payload.name, line)
        inside = Quad(quad.subject, quad.predicate, quad.object, graph)
        yield renamed(inside, partial(edit.name_of, node_names)) if _has_blank_nodes(inside) else inside


def _named(quads: Iterable[Quad], edit: Edit) -> Iterator[Quad]:
    node_names: dict[BlankNode, NamedNode | BlankNode] = {}
    for quad in quads:
        yield renamed(quad, partial(edit.name_of, node_names)) if _has_blank_nodes(quad) else quad


def _has_blank_nodes(quad: Quad) -> bool:
    # Not any(): a large change has many quads.
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode | Triple)


def _instantiated(template: list[Quad], solution: dict[str, Term], name: object) -> Iterator[Quad]:
    """Yields the quads of a template for a solution; ill-formed ones are left out (SPARQL 1.1 Update, 3.1.3)."""
    for quad in template:
        terms = [_substituted(t, solution) for t in (quad.subject, quad.predicate, quad.object, quad.graph_name)]
        if None in terms:
            continue
        # A blank node of the template gets a new name; a blank node of the data keeps its own.
        if callable(name):
            own = (quad.subject, quad.object)
            terms = [name(term) if isinstance(term, BlankNode) and term in own else term for term in terms]
        with suppress(TypeError):
            yield Quad(*terms)  # type: ignore[arg-type]


def _substituted(term: object, solution: dict[str, Term]) -> object:
    if isinstance(term, NamedNode) and term.value.startswith(VARIABLE):
        return solution.get(term.value.removeprefix(VARIABLE))
    if isinstance(term, Triple):
        parts = [_substituted(part, solution) for part in (term.subject, term.predicate, term.object)]
        with suppress(TypeError):
            return None if None in parts else Triple(*parts)  # type: ignore[arg-type]
        return None
    return term
