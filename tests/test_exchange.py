"""One query on one connection to an engine: whether its result is held or a stream. The engine is a list of frames."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from citygraph.engine import wire
from citygraph.engine.exchange import Answer, Exchange, Stream
from citygraph.engine.pool import Connection, Pool
from citygraph.errors import LimitReached
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query

Frame = tuple[bytes, bytes]
PIECE = b"x" * 65536
BEGIN, DATA = (wire.BEGIN, b"csv"), (wire.DATA, PIECE)
QUERY = Query("SELECT * { ?s ?p ?o }", may_stream=True)
LONG = 10_000.0  # seconds; the exchange waits for a part of the time until the first piece


class Channel:
    """A channel that has these frames; None is a pause that is longer than any wait. It records the waits."""

    def __init__(self, *frames: Frame | None) -> None:
        self._frames = list(frames)
        self.waits: list[float] = []

    def send(self, *_: bytes) -> None:
        """Takes the query."""

    def receive(self, _: float) -> Frame:
        """Returns the next frame."""
        if self._frames[0] is None:
            del self._frames[0]
        return cast("Frame", self._frames.pop(0))

    def has_more(self, timeout: float) -> bool:
        """Returns whether the next frame comes without a pause."""
        self.waits.append(timeout)
        return self._frames[0] is not None


class Engine:
    """The pool of one connection."""

    release_id = "release"

    def release(self, _: Connection) -> None:
        """Takes the connection back."""


def run(channel: Channel, query: Query = QUERY, *, seconds: float = LONG) -> Answer:
    """Runs a query that began so many seconds ago."""
    exchange = Exchange(Connection(cast("Any", channel), ""), cast("Pool", Engine()), Settings(), "id")
    exchange._begun -= seconds
    return exchange.run(query, "", wire.QUERY)


def end(pieces: int) -> Frame:
    """The end of a result of so many pieces and rows."""
    return wire.END, wire.end(pieces, pieces * len(PIECE))[len(wire.frame(wire.END)) :]


def test_a_result_whose_end_comes_soon_is_held() -> None:
    """It has its number of rows, which a stream has only at its end."""
    answer = run(Channel(BEGIN, DATA, DATA, end(2)))
    assert (answer.body, answer.rows) == (PIECE * 2, 2)


def test_a_result_whose_end_is_late_is_a_stream() -> None:
    """It begins with the pieces that are there."""
    answer = run(Channel(BEGIN, DATA, DATA, None, DATA, end(3)))
    assert isinstance(answer.body, Stream)
    assert b"".join(answer.body) == PIECE * 3
    assert answer.body.rows == 3


def test_a_late_result_is_held_for_a_client_that_cannot_take_a_stream() -> None:
    """The client gets it at its end."""
    assert run(Channel(BEGIN, DATA, None, DATA, end(2)), QUERY._replace(may_stream=False)).body == PIECE * 2


def test_a_result_that_fails_soon_is_an_error() -> None:
    """The client gets a status, although a part of the result was there."""
    error = LimitReached("the result is too large", "size", 1, 0.1)
    failure = wire.FAIL, json.dumps(wire.error_to_wire(error)).encode()
    with pytest.raises(LimitReached, match="the result is too large"):
        run(Channel(BEGIN, DATA, failure))


def test_the_wait_for_the_end_of_an_early_result_has_a_least_length() -> None:
    """An error that comes within it still has a status."""
    channel = Channel(BEGIN, DATA, end(1))
    run(channel, seconds=0.0)
    assert channel.waits[0] > 0.04


@pytest.mark.parametrize("seconds", [LONG, 2 * LONG])
def test_the_wait_for_the_end_is_less_than_half_of_the_time_until_the_first_piece(seconds: float) -> None:
    """So the first byte comes within 1.5 times the time of a late first row."""
    channel = Channel(BEGIN, DATA, end(1))
    run(channel, seconds=seconds)
    assert 0.39 * seconds < channel.waits[0] < 0.5 * seconds
