"""Evaluation of queries by the store behind the publisher, with the limits, formats and errors of the engines."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, parse_query_results

from citygraph.engine.engines import Answer
from citygraph.engine.pool import Admission, Refusal
from citygraph.errors import Busy, CitygraphError, LimitReached, NotFound, StoreUnavailable
from citygraph.rdf.formats import Kind
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.evaluate import choose_format, write_answer
from citygraph.sparql.protocol import Query
from citygraph.stores.construction import Row, construct
from citygraph.stores.store_service import QueryRefused, StoreResult, StoreService, addresses_of
from citygraph.stores.store_state import LoadedRelease, StoreState
from citygraph.stores.translation import NotTranslated, StoreQuery, translate

log = logging.getLogger(__name__)

_PIECE = 256 * 1024
_READING = (SyntaxError, OSError, ValueError, RuntimeError)


class StoreQueries:
    """Sends queries to the store of the settings, if it has the release and evaluates them correctly."""

    def __init__(self, settings: Settings, service: StoreService | None = None) -> None:
        self._settings = settings
        self._service = service or StoreService(addresses_of(settings))
        self._state = StoreState(self._service)
        self._admission = Admission(settings.store_queries, max(1, settings.store_queries - 1))
        self._translated = lru_cache(256)(_translated)

    def plan(self, release: Release, query: Query) -> StoreQuery | None:
        """Returns the query for the store, or None if engines evaluate it.

        Raises StoreUnavailable if the content of the store is unknown.
        """
        try:
            loaded = self._state.of(release.manifest.digest)
        except (CitygraphError, QueryRefused) as error:
            if self._settings.store_fallback:
                return None
            raise _unavailable(error) from error
        if loaded is None:
            return None
        # A name and a limit of the client change nothing in the text.
        same = query._replace(name="", time_limit=0.0, formats=(), about=())
        return self._translated(same, loaded)

    def run(self, release: Release, query: Query, plan: StoreQuery, client: str = "") -> Answer | None:
        """Returns the result of the store, or None if engines must evaluate the query.

        Raises StoreUnavailable, LimitReached, Busy, NotAcceptable.
        """
        wait = self._settings.queue_wait
        if refusal := self._admission.acquire(client, wait):
            yours = refusal is Refusal.CLIENT
            raise Busy(f"no query to the store ended within {wait:g} s", max(1, round(wait)), yours)
        try:
            return self._run(release, query, plan)
        except StoreUnavailable:
            if self._settings.store_fallback:
                return None
            raise
        except QueryRefused as error:
            # The engines report the error in a query, or evaluate a query that the store cannot.
            log.info("the store refuses a query, which the release answers: %s", error)
            return None
        finally:
            self._admission.release(client)

    def state(self, release: Release | None) -> str:
        """Returns "ok" if the store has a release, else the reason why engines are used. Raises StoreUnavailable."""
        if release is None:
            raise NotFound("there is no release that the store could have")
        try:
            loaded = self._state.of(release.manifest.digest)
        except (CitygraphError, QueryRefused) as error:
            raise _unavailable(error) from error
        return "ok" if loaded else f"the store does not have {release.id} yet, whose own engines answer"

    def _run(self, release: Release, query: Query, plan: StoreQuery) -> Answer | None:
        begun = time.monotonic()
        format_ = choose_format(plan.kind, query.formats)
        limit = self._settings.time_limit
        seconds = min(limit, query.time_limit) if query.time_limit else limit
        out = _Spool(self._settings.hold_limit, self._settings.result_limit, begun)
        try:
            with self._service.select(plan.text, seconds) as result:
                rows, read = self._write(result, query, plan, out)
        except BaseException:
            out.close()
            raise
        loaded = self._state.of(release.manifest.digest)
        limit_of_store = loaded.row_limit if loaded else 0
        is_cut = bool(limit_of_store) and read >= limit_of_store
        if is_cut or not self._state.still_has(release.manifest.digest):
            out.close()
            return None
        return Answer(format_, out.result(rows), time.monotonic() - begun, rows, release.id)

    def _write(self, result: StoreResult, query: Query, plan: StoreQuery, out: _Spool) -> tuple[int, int]:
        """Writes a result in the format of the query; returns its number of rows, and that of the store."""
        format_ = choose_format(plan.kind, query.formats)
        try:
            solutions = parse_query_results(cast("IO[bytes]", result), QueryResultsFormat.JSON)
            if not isinstance(solutions, QuerySolutions):
                raise QueryRefused("the store answers SELECT with true or false")
            if plan.kind is Kind.SOLUTIONS:
                rows = write_answer(solutions, format_, out, query.about)
                read = rows
            elif plan.kind is Kind.BOOLEAN:
                read = sum(1 for _ in solutions)
                rows = write_answer(_boolean(read > 0), format_, out)
            else:
                counted = _Counted(solutions)
                rows = write_answer(construct(plan.template, counted), format_, out)
                read = counted.rows
            # The parser may stop at the end of the JSON, before that of the body.
            result.read()
        except _READING as error:
            raise out.error or result.error or QueryRefused(f"the result cannot be read: {error}") from error
        return rows, read


def _translated(query: Query, loaded: LoadedRelease) -> StoreQuery | None:
    try:
        plan = translate(query, loaded.names, dict(loaded.uniform))
        _require_right_result(plan, loaded)
    except NotTranslated as reason:
        log.debug("the release answers a query: %s", reason)
        return None
    return plan


def _require_right_result(plan: StoreQuery, loaded: LoadedRelease) -> None:
    """Raises NotTranslated if the store is known to return a wrong result for a query."""
    for constructs in loaded.constructs:
        if plan.constructs.issuperset(constructs):
            raise NotTranslated(f"the store evaluates {' and '.join(constructs)} differently")
    if "" in plan.predicates and loaded.predicates:
        raise NotTranslated("the store changes literals of some predicates, and the query may read any")
    for predicate in plan.predicates.intersection(loaded.predicates):
        raise NotTranslated(f"the store changes literals of {predicate}")


def _boolean(value: bool) -> QueryBoolean:
    text = b'{"head":{},"boolean":%s}' % (b"true" if value else b"false")
    result = parse_query_results(text, QueryResultsFormat.JSON)
    assert isinstance(result, QueryBoolean)  # noqa: S101
    return result


def _unavailable(error: Exception) -> StoreUnavailable:
    return error if isinstance(error, StoreUnavailable) else StoreUnavailable(f"the store does not respond: {error}")


class _Counted:
    """The rows of a result by name, counted."""

    def __init__(self, solutions: QuerySolutions) -> None:
        self._solutions = solutions
        self._names = [variable.value for variable in solutions.variables]
        self.rows = 0

    def __iter__(self) -> Iterator[Row]:
        for solution in self._solutions:
            self.rows += 1
            yield dict(zip(self._names, solution, strict=True))


class _Spool:
    """A file in memory for a result, on the disk if it is large; `error` is what ended the writing."""

    def __init__(self, held: int, limit: int, begun: float) -> None:
        self._file: IO[bytes] = cast("IO[bytes]", SpooledTemporaryFile(max_size=held))  # noqa: SIM115 - closed later
        self._held = held
        self._limit = limit
        self._begun = begun
        self._size = 0
        self.error: CitygraphError | None = None

    def write(self, data: bytes) -> int:
        """Writes a piece. Raises LimitReached."""
        self._size += len(data)
        if self._limit and self._size > self._limit:
            message = f"the result has more than {self._limit} bytes"
            self.error = LimitReached(message, "size", self._limit, time.monotonic() - self._begun)
            raise self.error
        return self._file.write(data)

    def flush(self) -> None:
        """Writes nothing: the file is read by this process alone."""

    def result(self, rows: int) -> bytes | StoredPieces:
        """Returns the bytes of a small result, else an iterator of a large one's pieces."""
        self._file.seek(0)
        if self._size > self._held:
            return StoredPieces(self._file, rows)
        with self._file:
            return self._file.read()

    def close(self) -> None:
        """Removes the file."""
        self._file.close()


class StoredPieces(Iterator[bytes]):
    """The pieces of a large result, which is complete."""

    def __init__(self, file: IO[bytes], rows: int) -> None:
        self._file = file
        self.rows: int | None = rows

    def __next__(self) -> bytes:
        if piece := self._file.read(_PIECE):
            return piece
        raise StopIteration

    def close(self) -> None:
        """Removes the file."""
        self._file.close()
