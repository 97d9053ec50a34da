"""rdflib-endpoint over a file of N-Triples: the application that uvicorn serves for the comparison."""

from __future__ import annotations

import os

import pyoxigraph
from rdflib import BNode, Dataset, Literal, URIRef
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID
from rdflib.term import Node
from rdflib_endpoint import SparqlEndpoint

from bench.dataset import TRIPLES


def application() -> SparqlEndpoint:
    """The endpoint at /, with the triples of the file in the default graph of rdflib's own store."""
    dataset = Dataset()
    graph = dataset.graph(DATASET_DEFAULT_GRAPH_ID)
    # Read by pyoxigraph, as rdflib's own reader takes several times as long to come to the same.
    for quad in pyoxigraph.parse(path=os.environ[TRIPLES], format=pyoxigraph.RdfFormat.N_TRIPLES):
        graph.add((_term(quad.subject), _term(quad.predicate), _term(quad.object)))
    return SparqlEndpoint(graph=dataset)


def _term(term: object) -> Node:
    match term:
        case pyoxigraph.NamedNode():
            return URIRef(term.value)
        case pyoxigraph.Literal() if term.language:
            return Literal(term.value, lang=term.language)
        case pyoxigraph.Literal():
            datatype = term.datatype.value
            return Literal(term.value, datatype=None if datatype.endswith("#string") else URIRef(datatype))
        case pyoxigraph.BlankNode():
            return BNode(term.value)
    raise TypeError(f"rdflib has nothing for {term!r}")
