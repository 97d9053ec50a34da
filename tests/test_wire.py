"""The wire protocol: frames, timeouts and ends of connections, on real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.sparql.protocol import Query

# Any text, with NUL and halves of surrogate pairs; IRIs have neither line breaks nor spaces.
TEXTS = st.text(st.characters(), max_size=40)
IRIS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8), max_size=3).map(tuple)


@pytest.fixture
def pair() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), theirs


@given(TEXTS, TEXTS, TEXTS, IRIS, IRIS, st.sampled_from([(), ("json",), ("csv", "nt")]))
def test_a_query_arrives_as_it_was(
    text: str, base: str, client: str, default: tuple[str, ...], named: tuple[str, ...], formats: tuple[str, ...]
) -> None:
    """Whatever its text and client contain, nothing moves from one part to another (16 §1)."""
    query = Query(text, default, named, formats, base, "a secret name", 0.25)
    frame = wire.query_frame(query, "7f-1", client)
    assert b"a secret name" not in frame
    assert wire.read_query(frame[5:]) == (query._replace(name=""), "7f-1", client)


def test_frames_arrive_whole_whatever_the_pieces(pair: tuple[Channel, socket.socket]) -> None:
    """Several in one piece, and one in many (16 §1)."""
    channel, other = pair
    frames = wire.frame(b"a", b"x" * 300_000) + wire.frame(b"b") + wire.frame(b"c", b"yz")

    def send() -> None:
        for start in range(0, len(frames), 70_001):
            other.sendall(frames[start : start + 70_001])

    thread = threading.Thread(target=send)
    thread.start()
    assert channel.receive(60.0) == (b"a", b"x" * 300_000)
    assert channel.receive(60.0) == (b"b", b"")
    assert channel.receive(60.0) == (b"c", b"yz")
    thread.join()


def test_a_timeout_is_for_all_pieces_of_a_frame(pair: tuple[Channel, socket.socket]) -> None:
    """A peer that sends a byte now and then does not hold a thread; what it sent is kept (16 §1)."""
    channel, other = pair
    body = bytes(1000)
    frame = wire.frame(b"a", body)
    stop = threading.Event()

    def trickle() -> None:
        sent = 0
        while sent < len(frame) and not stop.wait(0.1):
            sent += other.send(frame[sent : sent + 1])
        other.sendall(frame[sent:])

    thread = threading.Thread(target=trickle)
    thread.start()
    # All pieces take a hundred seconds, each of them far less than the timeout.
    with pytest.raises(TimeoutError):
        channel.receive(0.3)
    assert thread.is_alive()
    stop.set()
    assert channel.receive(60.0) == (b"a", body)
    thread.join()


def test_a_peer_that_is_gone_or_reads_nothing_is_lost(pair: tuple[Channel, socket.socket]) -> None:
    """A send has a time limit of its own (16 §1)."""
    _, other = pair
    with pytest.raises(ConnectionLost):
        Channel(other, sending=0.1).send(bytes(10_000_000))
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(ConnectionLost):
        Channel(ours).receive(60.0)
