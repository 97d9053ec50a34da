"""Admission to the engines: limits in all and for each client, in turn, under many threads."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest

from citygraph.engine.pool import Admission, Refusal
from tests.running import wait_for


@pytest.mark.parametrize(("size", "most"), [(1, 1), (3, 1), (4, 3), (2, 2)])
def test_the_limits_are_exact_under_many_threads(size: int, most: int) -> None:
    """Never more than `size` in all or `most` of a client; each thread gets its places, and none is lost (16 §1)."""
    admission = Admission(size, most)
    running: Counter[str] = Counter()
    highest: Counter[str] = Counter()
    lock = threading.Lock()

    def work(client: str) -> None:
        draw = random.Random(client)  # noqa: S311
        for _ in range(60):
            assert admission.acquire(client, 20.0) is None
            with lock:
                running[client] += 1
                highest[client] = max(highest[client], running[client])
                highest["all"] = max(highest["all"], running.total())
            if draw.random() < 0.3:
                time.sleep(0.0002)
            with lock:
                running[client] -= 1
            admission.release(client)

    threads = [threading.Thread(target=work, args=(client,)) for client in ["a", "a", "a", "b", "b", "c", "d", "e"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert highest.pop("all") <= size
    assert max(highest.values()) <= most
    assert [admission.acquire(str(n), 0) for n in range(size + 1)] == [None] * size + [Refusal.ALL]


def test_a_refusal_names_the_limit() -> None:
    """A client with its share taken is told so, even if all places are taken; a nameless one has no share (16 §1)."""
    admission = Admission(3, 2)
    assert admission.acquire("a", 0) is None
    assert admission.acquire("a", 0) is None
    assert admission.acquire("a", 0) is Refusal.CLIENT
    assert admission.acquire("a", 0.01) is Refusal.CLIENT
    assert admission.acquire("", 0) is None
    assert admission.acquire("b", 0.01) is Refusal.ALL
    admission.release("a")
    assert admission.acquire("b", 0) is None


def test_a_free_place_goes_to_the_longest_waiting_who_may_have_it() -> None:
    """A client that is at its limit does not hold up the others behind it (16 §1)."""
    admission = Admission(2, 1)
    for client in ("a", "b"):
        assert admission.acquire(client, 0) is None
    order: list[str] = []

    def wait(client: str) -> None:
        assert admission.acquire(client, 60.0) is None
        order.append(client)

    threads = []
    for client in ("a", "c", "d"):
        threads.append(threading.Thread(target=wait, args=(client,)))
        threads[-1].start()
        wait_for(lambda: len(admission._waiters) == len(threads))
    for client, served in (("b", ["c"]), ("c", ["c", "d"]), ("a", ["c", "d", "a"])):
        admission.release(client)
        wait_for(lambda: len(order) == len(served))  # noqa: B023 - called at once
        assert order == served
    for thread in threads:
        thread.join()


def test_a_busy_thread_does_not_keep_the_place_from_one_that_waits() -> None:
    """A thread that takes the only place again and again lets in who has waited (16 §1)."""
    admission = Admission(1, 1)
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            if admission.acquire("a", 5.0) is None:
                admission.release("a")

    threads = [threading.Thread(target=hammer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert admission.acquire("b", 10.0) is None
        admission.release("b")
    stop.set()
    for thread in threads:
        thread.join()
    assert admission.acquire("c", 0) is None
