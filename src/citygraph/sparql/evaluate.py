"""Evaluates one query on a store and writes the result; used by engine processes and by the command line.

What the RDF library answers wrongly by the W3C tests and is not mended here:

- a property path of length zero that begins or ends at a constant which the data do not hold (`zero_or_more_set_start`
  and its siblings) finds nothing; it should find the constant itself;
- `GRAPH ?g {}` does not find named graphs without triples.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

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
    serialize,
)

from citygraph.errors import EngineFailed, Forbidden, NotAcceptable, QuerySyntaxError, Upstream
from citygraph.rdf.formats import BY_NAME, Format, Kind, of_kind
from citygraph.rdf.terms import PREFIXES
from citygraph.sparql.functions import Functions, functions_of
from citygraph.sparql.guard import WORDS, occurrences
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_writers import Counted, Sink, Tally, with_prefixes, write_markdown, write_sheet

_POSITION = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)", re.DOTALL)
# The library lists what it expected: classes of characters, quoted tokens, keywords and, among them, sentences.
_EXPECTED = re.compile(r"\[[^\]]*\]|\"(?:[^\"\\]|\\.)*\"|[^,\[\"]+")
_WITH_PREFIXES = frozenset({RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML})
# Possessive and not from within a word, so that a long word is looked at once.
_BEFORE_COLON = re.compile("(?<![A-Za-z])([A-Za-z]++):")
_MOST_GRAPHS_NAMED = 20

_DefaultGraph = DefaultGraph | list[NamedNode | BlankNode | DefaultGraph]


@dataclass(frozen=True)
class Dataset:
    """The graphs a query asks instead of the whole store (SPARQL 1.1, 13.2)."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.default or self.named)


@dataclass(frozen=True)
class Result:
    """A result that is ready to be written, once."""

    kind: Kind
    format: Format
    answer: QuerySolutions | QueryBoolean | QueryTriples
    federated: bool = False

    def write(self, out: Sink) -> int:
        """Write the result; answers how many rows or triples it has (1 for a boolean).

        Raises EngineFailed or Upstream if evaluation fails on the way, and whatever `out` raises: what was written is
        then not a result.
        """
        with _errors_of_evaluation(self.federated):
            rows = _write(self.answer, self.format, out)
            out.flush()
        return rows


def evaluate(store: Store, query: Query, functions: Functions | None = None, services: Collection[str] = ()) -> Result:
    """Begin to evaluate a query.

    `functions` are those of `functions_of(store)`, if the caller keeps them; `services` are the endpoints that
    SERVICE may name, none by default. The graphs in `query` go before those that its text names in FROM.

    Raises QuerySyntaxError, NotAcceptable, EngineFailed, Upstream, and Forbidden for SERVICE, for LOAD and for a
    graph that is not here.
    """
    dataset = _dataset_of(store, query, services)
    functions = functions_of(store) if functions is None else functions
    source, default_graph, named_graphs = (store, None, None) if dataset is None else _restricted(store, dataset)
    federated = bool(services)
    with _errors_of_evaluation(federated):
        answer = source.query(
            query.text,
            base_iri=query.base,
            prefixes=_prefixes_in(query.text),
            custom_functions=functions,
            default_graph=default_graph,
            named_graphs=named_graphs,
        )
    kind = _kind(answer)
    return Result(kind, choose_format(kind, query.formats), answer, federated)


def choose_format(kind: Kind, names: tuple[str, ...]) -> Format:
    """The first of these formats that can carry the kind; none named means our default. Raises NotAcceptable."""
    if not names:
        return of_kind(kind)[0]
    for name in names:
        if kind in BY_NAME[name].kinds:
            return BY_NAME[name]
    offered = tuple(format_.media_type for format_ in of_kind(kind))
    called = {Kind.GRAPH: "a graph", Kind.SOLUTIONS: "a table", Kind.BOOLEAN: "true or false"}[kind]
    raise NotAcceptable(f"this query answers with {called}; it can be had as {', '.join(offered)}", offered)


def syntax_error(message: str) -> QuerySyntaxError:
    """The library's message with its position taken out of it, and without its lists of character classes."""
    found = _POSITION.match(message)
    if found is None:
        return QuerySyntaxError(message)
    line, column = int(found[1]), int(found[2])
    return QuerySyntaxError(f"syntax error at line {line}, column {column}{_expectation(found[3])}", line, column)


def _expectation(expected: str) -> str:
    parts = [part.strip() for part in _EXPECTED.findall(expected)]
    sentences = [part for part in parts if " " in part and re.search("[a-z]", part) and part[0] not in '["']
    if sentences:
        return ": " + "; ".join(sentences)
    tokens = [part for part in parts if part and part[0] != "["]
    return f": expected {', '.join(tokens)}" if tokens else ""


def _kind(answer: QuerySolutions | QueryBoolean | QueryTriples) -> Kind:
    if isinstance(answer, QuerySolutions):
        return Kind.SOLUTIONS
    return Kind.BOOLEAN if isinstance(answer, QueryBoolean) else Kind.GRAPH


def _write(answer: QuerySolutions | QueryBoolean | QueryTriples, format_: Format, out: Sink) -> int:
    if isinstance(answer, QueryBoolean):
        answer.serialize(_file(out), format_.results)
        return 1
    if isinstance(answer, QuerySolutions):
        if format_.results is None:
            return write_sheet(answer, out) if format_.name == "sheet" else write_markdown(answer, out)
        tally = Tally(out, format_.name)
        answer.serialize(_file(tally), format_.results)
        return tally.rows
    return _write_graph(answer, format_, out)


def _write_graph(answer: QueryTriples, format_: Format, out: Sink) -> int:
    if format_.rdf in {RdfFormat.N_TRIPLES, RdfFormat.N_QUADS}:
        tally = Tally(out, format_.name)
        answer.serialize(_file(tally), format_.rdf)
        return tally.rows
    counted = Counted(answer)
    prefixes, triples = with_prefixes(counted) if format_.rdf in _WITH_PREFIXES else ({}, counted)
    serialize(triples, _file(out), format_.rdf, prefixes=prefixes)
    return counted.rows


def _file(sink: Sink) -> IO[bytes]:
    # The library asks for a file and calls no more of it than a Sink has.
    return cast(IO[bytes], sink)


def _dataset_of(store: Store, query: Query, services: Collection[str]) -> Dataset | None:
    """The graphs that the query restricts itself to, once its text is found harmless.

    Raises Forbidden for a graph in FROM that is not here. One that the request names is an empty graph, as the
    W3C's tests of the protocol want it.
    """
    dataset = Dataset(query.default_graphs, query.named_graphs)
    upper = query.text.upper()
    if any(word in upper and occurrences(query.text, word) for word in WORDS):
        # rdflib's parser, which takes a third of a second to import: few queries need it.
        from citygraph.sparql.clauses import check

        clauses = check(query, services)
        if not dataset:
            dataset = Dataset(clauses.default_graphs, clauses.named_graphs)
            for graph in (*dataset.default, *dataset.named):
                if not store.contains_named_graph(NamedNode(graph)):
                    raise _no_such_graph(store, graph)
    return dataset if dataset else None


def _prefixes_in(text: str) -> dict[str, str]:
    """Our prefixes, as far as the text can use them: reading all of them takes longer than a point lookup."""
    return {name: PREFIXES[name] for name in _BEFORE_COLON.findall(text) if name in PREFIXES}


def _restricted(store: Store, dataset: Dataset) -> tuple[Store, _DefaultGraph, list[NamedNode | BlankNode]]:
    """The store to ask, and the graphs in it that make up the dataset."""
    default, named = (tuple(dict.fromkeys(graphs)) for graphs in (dataset.default, dataset.named))
    named_graphs: list[NamedNode | BlankNode] = [NamedNode(graph) for graph in named]
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


@contextmanager
def _errors_of_evaluation(federated: bool) -> Iterator[None]:
    """The library's exceptions as ours; an OSError of the output, such as a broken pipe, stays what it is."""
    try:
        yield
    except SyntaxError as error:
        raise syntax_error(str(error)) from None
    except UnicodeEncodeError:
        raise QuerySyntaxError("the query holds half a surrogate pair: it is not Unicode text") from None
    except OSError as error:
        if not federated:
            raise
        # The store is local and read-only: what fails on the outside is a call of SERVICE.
        raise Upstream(f"a SERVICE call failed: {error}") from error
    except (RuntimeError, ValueError, TypeError) as error:
        raise EngineFailed(f"the query could not be evaluated: {error}") from error
