"""The result of a request: rows of typed values, and the whole as pandas, polars, geopandas or Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from citygraph.client import data_frames, notebook_html
from citygraph.client.graph_errors import IncompleteResult
from citygraph.client.ntriples_reading import read_triples
from citygraph.client.typed_values import value_of
from citygraph.client.web_exchange import WebResponse

_TRIPLE = ("subject", "predicate", "object")


class Row(Sequence[Any]):
    """A row: its values by column, as attribute, key or number. A missing value is None."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[Any, ...]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._places:
                raise KeyError(f"there is no column {key!r}, but {', '.join(self._places)}")
            return self._values[self._places[key]]
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._places:
            raise AttributeError(f"there is no column {name!r}")
        return self._values[self._places[name]]

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Row | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def __reduce__(self) -> tuple[type[Row], tuple[dict[str, int], tuple[Any, ...]]]:
        return Row, (dict(self._places), self._values)

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"

    def as_dict(self) -> dict[str, Any]:
        """Returns the values by column."""
        return dict(zip(self._places, self._values, strict=True))


@dataclass(frozen=True, repr=False)
class ResultTable(Sequence[Row]):
    """A whole result: a sequence of rows.

    `truth` is the result of ASK, else None. `release` names the release that was queried, at `url`. `index` labels the
    rows in pandas.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    release: str = ""
    url: str = ""
    query: str = ""
    truth: bool | None = None
    index: Any = field(default=None, compare=False)

    @overload
    def __getitem__(self, key: int) -> Row: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, key: int | slice) -> Row | tuple[Row, ...]:
        return self.rows[key]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows) if self.truth is None else self.truth

    def __repr__(self) -> str:
        if self.truth is not None:
            return f"<ResultTable: {str(self.truth).lower()}>"
        return f"<ResultTable: {len(self.rows)} row(s) of {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        return notebook_html.table_html(self, self.truth)

    def column(self, name: str) -> list[Any]:
        """Returns the values of a column. Raises KeyError."""
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}, but {', '.join(self.columns)}")
        return [row[name] for row in self.rows]

    def arrow(self, dates: str = "auto") -> Any:
        """Returns an Arrow table (arro3.core.Table), each column of one type by the datatypes of its values.

        With `dates` "auto", a column with a date that is not a whole day becomes three: as stated, first and last day.
        With "columns" each column of dates does; with "text" none.
        """
        return data_frames.to_arrow(self, dates)

    def pandas(self, dates: str = "auto") -> Any:
        """Returns a pandas.DataFrame; `dates` as for `arrow`, or "period".

        With "period", dates of one precision become a column of pandas.Period; others become three columns.
        """
        return data_frames.to_pandas(self, dates)

    def polars(self, dates: str = "auto") -> Any:
        """Returns a polars.DataFrame; `dates` as for `arrow`."""
        return data_frames.to_polars(self, dates)

    def geopandas(self, latitude: str = "", longitude: str = "", dates: str = "auto") -> Any:
        """Returns a geopandas.GeoDataFrame in WGS 84; `dates` as for `arrow`.

        The geometry comes from a column of WKT literals, or from columns of latitude and longitude, by these names or
        the usual ones (lat, lon, latitude, longitude). Raises ValueError without such columns.
        """
        return data_frames.to_geopandas(self, latitude, longitude, dates)


def table_of(columns: Iterable[str], rows: Iterable[Sequence[Any]], **about: Any) -> ResultTable:
    """Returns a table of these rows."""
    names = tuple(columns)
    places = {name: place for place, name in enumerate(names)}
    return ResultTable(names, tuple(Row(places, tuple(row)) for row in rows), **about)


def read_result(response: WebResponse, query: str = "") -> ResultTable:
    """Returns the result in a response: SPARQL's JSON, or N-Triples. Raises IncompleteResult if it is not whole."""
    about = {"release": response.headers.get("x-citygraph-release", ""), "url": response.url, "query": query}
    try:
        if response.headers.get("content-type", "").startswith("application/n-triples"):
            table = table_of(_TRIPLE, read_triples(response.body.decode()), **about)
        else:
            table = _of_json(json.loads(response.body), about)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        begin = " ".join(response.body[:200].decode(errors="replace").split())
        raise IncompleteResult(f"the response is not a whole result ({error}): {begin!r}", response.status) from error
    # A proxy may cut a body and correct its length.
    rows = response.headers.get("x-citygraph-rows", "")
    if table.truth is None and rows.isdecimal() and int(rows) != len(table):
        raise IncompleteResult(f"the response has {len(table)} of {rows} rows", response.status)
    return table


def _of_json(result: Any, about: Mapping[str, str]) -> ResultTable:
    if "boolean" in result:
        return table_of((), (), truth=bool(result["boolean"]), **about)
    columns = tuple(result["head"]["vars"])
    bindings = result["results"]["bindings"]
    rows = ([value_of(row[name]) if name in row else None for name in columns] for row in bindings)
    return table_of(columns, rows, **about)
