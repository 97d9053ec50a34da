"""The evaluation of one query on a store, for engine processes and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import IO, NamedTuple, NoReturn, cast

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    serialize,
)

from citygraph.errors import EngineFailed, Forbidden, NotAcceptable, QuerySyntaxError, Upstream
from citygraph.exports.sinks import Sink
from citygraph.exports.typed_rows import term_table
from citygraph.exports.writers import WRITERS, write_export
from citygraph.rdf.formats import BY_NAME, Format, Kind, of_kind
from citygraph.rdf.terms import PREFIXES
from citygraph.sparql.clauses import check
from citygraph.sparql.functions import Functions, functions_of
from citygraph.sparql.guard import occurrences, words_in
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_writers import (
    CountedTriples,
    CountingSink,
    OneColumnSink,
    XmlSink,
    check_xml,
    rows_in,
    with_prefixes,
    with_quoted_empty,
    writable_as_xml,
    write_markdown,
    write_sheet,
)
from citygraph.sparql.rewrite import rewritten
from citygraph.sparql.syntax_errors import syntax_error, unknown_function

_WITH_PREFIXES = frozenset({RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML})
# A possessive quantifier, and no match from within a word, so that a long word is read only once.
_BEFORE_COLON = re.compile("(?<![A-Za-z])([A-Za-z]++):")
# An error lists only some of the graphs, because a release has one for each source (docs/sparql.md).
_MOST_GRAPHS_NAMED = 20

# UnicodeEncodeError is a ValueError.
_ERRORS_OF_EVALUATION = (SyntaxError, OSError, RuntimeError, ValueError, TypeError)

_DefaultGraph = DefaultGraph | list[NamedNode | BlankNode | DefaultGraph]


class Dataset(NamedTuple):
    """The graphs to which a query is restricted (SPARQL 1.1, 13.2)."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.default or self.named)


class Result(NamedTuple):
    """A lazily evaluated result, which can be written only once."""

    kind: Kind
    format: Format
    answer: QuerySolutions | QueryBoolean | QueryTriples
    query: Query
    federated: bool = False

    def write(self, out: Sink) -> int:
        """Writes the result and returns its number of rows or triples (1 for a boolean).

        Raises EngineFailed or Upstream if evaluation fails midway, and the errors of `out`. The output is then
        incomplete.
        """
        try:
            rows = write_answer(self.answer, self.format, out, self.query.about)
            out.flush()
        except _ERRORS_OF_EVALUATION as error:
            _raise_translated(error, self.query, self.federated)
        return rows

    def whole(self) -> tuple[bytes, int]:
        """Returns the whole result of SELECT or ASK, and its number of rows. Raises what `write` raises."""
        assert self.format.results is not None  # noqa: S101
        if isinstance(self.answer, QueryTriples):
            raise TypeError("a graph has no rows")
        try:
            body = self.answer.serialize(format=self.format.results) or b""
        except _ERRORS_OF_EVALUATION as error:
            _raise_translated(error, self.query, self.federated)
        if self.format.name == "xml":
            check_xml(body)
        elif _has_one_csv_column(self.answer, self.format):
            body = with_quoted_empty(body)
        return body, 1 if isinstance(self.answer, QueryBoolean) else rows_in(body, self.format.name)


Count = Callable[[str], QuerySolutions | None]


def evaluate(
    store: Store,
    query: Query,
    functions: Functions | None = None,
    services: Collection[str] = (),
    count: Count | None = None,
) -> Result:
    """Begins to evaluate a query. The rest is evaluated when the result is written.

    `functions` are those of `functions_of(store)`, if the caller keeps them; `services` are the endpoints that
    SERVICE may name, none by default. The graphs in `query` override those in its FROM clauses. `count` returns the
    result of a query on the whole default graph if the counting store can answer it.

    Raises QuerySyntaxError, NotAcceptable, EngineFailed, Upstream, Forbidden for SERVICE, for LOAD and for an unknown
    graph, and UsageError for an unknown function.
    """
    dataset = _dataset_of(store, query, services)
    if count and dataset is None and (solutions := count(query.text)) is not None:
        return Result(Kind.SOLUTIONS, choose_format(Kind.SOLUTIONS, query.formats), solutions, query)
    if "(" not in query.text:
        # Nothing is called, and the library would read all functions for each query.
        functions = {}
    elif functions is None:
        functions = functions_of(store)
    source, default_graph, named_graphs = (store, None, None) if dataset is None else _restricted(store, dataset)
    ask = partial(
        source.query,
        base_iri=query.base,
        prefixes=_prefixes_in(query.text),
        custom_functions=functions,
        default_graph=default_graph,
        named_graphs=named_graphs,
    )
    try:
        answer = ask(rewritten(query.text, ask))
    except _ERRORS_OF_EVALUATION as error:
        _raise_translated(error, query, bool(services))
    return _result(answer, query, bool(services))


def evaluate_plain(store: Store, query: Query, prefixes: Iterable[str]) -> Result:
    """Begins to evaluate a query as `evaluate` does, if it needs no functions, no dataset and no rewriting.

    `prefixes` are those of ours that the text does not declare. So the text is not searched, and the library reads no
    prefixes that it does not need: both take as long as a lookup. Raises what `evaluate` raises.
    """
    given = {name: PREFIXES[name] for name in prefixes}
    try:
        answer = store.query(query.text, base_iri=query.base, prefixes=given)
    except _ERRORS_OF_EVALUATION as error:
        _raise_translated(error, query, federated=False)
    return _result(answer, query)


def _result(answer: QuerySolutions | QueryBoolean | QueryTriples, query: Query, federated: bool = False) -> Result:
    kind = _kind(answer)
    return Result(kind, choose_format(kind, query.formats), answer, query, federated)


def evaluate_trusted(store: Store, text: str) -> QuerySolutions | QueryBoolean | QueryTriples:
    """Evaluates a text of the project or its operator, such as a rule, with our prefixes and functions.

    The store must not change before the result has been read. Raises QuerySyntaxError.
    """
    ask = partial(store.query, prefixes=PREFIXES, custom_functions=functions_of(store, unchanged=True))
    try:
        return ask(rewritten(text, ask))
    except SyntaxError as error:
        raise syntax_error(str(error), text) from None


def choose_format(kind: Kind, names: tuple[str, ...]) -> Format:
    """Returns the first named format that can represent the kind, by default ours. Raises NotAcceptable."""
    if not names:
        return of_kind(kind)[0]
    for name in names:
        if kind in BY_NAME[name].kinds:
            return BY_NAME[name]
    offered = tuple(format_.media_type for format_ in of_kind(kind))
    noun = {Kind.GRAPH: "a graph", Kind.SOLUTIONS: "a table", Kind.BOOLEAN: "true or false"}[kind]
    raise NotAcceptable(f"the result of this query is {noun}, which is available as {', '.join(offered)}", offered)


def _kind(answer: QuerySolutions | QueryBoolean | QueryTriples) -> Kind:
    if isinstance(answer, QuerySolutions):
        return Kind.SOLUTIONS
    return Kind.BOOLEAN if isinstance(answer, QueryBoolean) else Kind.GRAPH


def write_answer(
    answer: QuerySolutions | QueryBoolean | QueryTriples | Iterable[Triple],
    format_: Format,
    out: Sink,
    about: tuple[tuple[str, str], ...] = (),
) -> int:
    """Writes a result, which may be triples in any order, and returns its number of rows or triples.

    `about` describes the result in formats that can hold a description.
    """
    if isinstance(answer, QueryBoolean):
        answer.serialize(_file(out), format_.results)
        return 1
    if isinstance(answer, QuerySolutions):
        if format_.name in WRITERS:
            table = term_table((variable.value for variable in answer.variables), answer, about)
            write_export(format_.name, table, out)
            return table.size
        if format_.results is None:
            return write_sheet(answer, out) if format_.name == "sheet" else write_markdown(answer, out)
        if format_.name == "xml":
            out = XmlSink(out)
        elif _has_one_csv_column(answer, format_):
            out = OneColumnSink(out)
        sink = CountingSink(out, format_.name)
        answer.serialize(_file(sink), format_.results)
        return sink.rows
    return _write_graph(answer, format_, out)


def _has_one_csv_column(answer: QuerySolutions | QueryBoolean, format_: Format) -> bool:
    return format_.name == "csv" and isinstance(answer, QuerySolutions) and len(answer.variables) == 1


def _write_graph(answer: QueryTriples | Iterable[Triple], format_: Format, out: Sink) -> int:
    if isinstance(answer, QueryTriples) and format_.rdf in {RdfFormat.N_TRIPLES, RdfFormat.N_QUADS}:
        sink = CountingSink(out, format_.name)
        answer.serialize(_file(sink), format_.rdf)
        return sink.rows
    counted = CountedTriples(answer)
    prefixes, triples = with_prefixes(counted) if format_.rdf in _WITH_PREFIXES else ({}, counted)
    if format_.name == "rdf":
        triples, out = writable_as_xml(triples), XmlSink(out)
    serialize(triples, _file(out), format_.rdf, prefixes=prefixes)
    return counted.rows


def _file(sink: Sink) -> IO[bytes]:
    # The library's annotation requires a file, but it only calls the methods of a Sink.
    return cast("IO[bytes]", sink)


def _dataset_of(store: Store, query: Query, services: Collection[str]) -> Dataset | None:
    """Checks the text of a query and returns the graphs to which the query is restricted.

    Raises Forbidden for an unknown graph in FROM. An unknown graph in the request is an empty one, as the W3C's tests
    of the protocol require.
    """
    dataset = Dataset(query.default_graphs, query.named_graphs)
    words = words_in(query.text)
    if words and any(occurrences(query.text, word) for word in words):
        clauses = check(query, services)
        if not dataset:
            dataset = Dataset(clauses.default_graphs, clauses.named_graphs)
            for graph in (*dataset.default, *dataset.named):
                if not store.contains_named_graph(NamedNode(graph)):
                    raise _no_such_graph(store, graph)
    return dataset if dataset else None


def _prefixes_in(text: str) -> dict[str, str]:
    """Returns those of our prefixes that the text can use."""
    # Not all prefixes are passed, because the library would take longer to read them than for a point lookup.
    return {name: PREFIXES[name] for name in _BEFORE_COLON.findall(text) if name in PREFIXES}


def _restricted(store: Store, dataset: Dataset) -> tuple[Store, _DefaultGraph, list[NamedNode | BlankNode]]:
    """Returns the store to query, and the default and named graphs of the dataset in it."""
    default, named = (tuple(dict.fromkeys(graphs)) for graphs in (dataset.default, dataset.named))
    named_graphs: list[NamedNode | BlankNode] = [NamedNode(graph) for graph in named]
    # Only several default graphs need a copy: the library can restrict a query to one without it.
    if len(default) > 1:
        return merged_dataset(store, map(NamedNode, default), map(NamedNode, named)), DefaultGraph(), named_graphs
    return store, [NamedNode(graph) for graph in default], named_graphs


def merged_dataset(store: Store, default: Iterable[NamedNode], named: Iterable[NamedNode]) -> Store:
    """Returns a copy in memory with the merge of several graphs as default graph, and with these named graphs.

    For several default graphs the library returns a triple once for each graph that has it; SPARQL 1.1, 13.1 requires
    it once. The copy is bounded by the limits of the process in which it is made.
    """
    merged = Store()
    for graph in default:
        quads = store.quads_for_pattern(None, None, None, graph)
        merged.bulk_extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    for graph in named:
        merged.add_graph(graph)
        merged.bulk_extend(store.quads_for_pattern(None, None, None, graph))
    return merged


def _no_such_graph(store: Store, graph: str) -> Forbidden:
    graphs = sorted(name.value for name in store.named_graphs() if isinstance(name, NamedNode))
    return Forbidden(
        f"the graph <{graph}> is not in this release, and graphs are not fetched from elsewhere",
        construct=f"FROM <{graph}>",
        allowed=tuple(graphs[:_MOST_GRAPHS_NAMED]),
    )


def _raise_translated(error: Exception, query: Query, federated: bool) -> NoReturn:
    """Raises our error for one of the library's. An OSError of the output, such as a broken pipe, is unchanged."""
    if isinstance(error, SyntaxError):
        raise syntax_error(str(error), query.text) from None
    if isinstance(error, UnicodeEncodeError):
        raise QuerySyntaxError("the query contains half a surrogate pair: it is not Unicode text") from None
    if isinstance(error, OSError):
        if not federated:
            raise error
        # The store is local and read-only, so that with federation an OSError comes from a SERVICE call.
        raise Upstream(f"a SERVICE call failed: {error}") from error
    if unknown := unknown_function(str(error), query.text):
        raise unknown from None
    raise EngineFailed(f"the query could not be evaluated: {error}") from error
