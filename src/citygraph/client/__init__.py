"""A client of any citygraph site: results as rows, pandas, polars or geopandas, each complete or an exception.

It needs SPARQLWrapper and the standard library alone. Other libraries are imported on first use: arro3 for `.arrow()`,
and pandas, polars or geopandas for the methods of those names.
"""

from citygraph.client.graph_client import Graph, ResultCitation
from citygraph.client.graph_entity import GraphEntity, SourcedFact
from citygraph.client.graph_errors import (
    GraphError,
    IncompleteResult,
    LimitExceeded,
    NotInGraph,
    RequestRejected,
    ServerFailure,
    Unavailable,
)
from citygraph.client.result_table import ResultTable, Row
from citygraph.client.retries import RetryPolicy
from citygraph.client.typed_values import IRI, BlankTerm, PartialDate, TypedText
from citygraph.client.web_exchange import TransferState

__all__ = [
    "IRI",
    "BlankTerm",
    "Graph",
    "GraphEntity",
    "GraphError",
    "IncompleteResult",
    "LimitExceeded",
    "NotInGraph",
    "PartialDate",
    "RequestRejected",
    "ResultCitation",
    "ResultTable",
    "RetryPolicy",
    "Row",
    "ServerFailure",
    "SourcedFact",
    "TransferState",
    "TypedText",
    "Unavailable",
]
