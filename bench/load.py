"""Clients in separate processes that send requests to a server without pause, and their figures."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from statistics import median, quantiles
from time import perf_counter, perf_counter_ns, process_time

from bench.connection import Connection, Endpoint

# A request in two parts; a serial number comes between them. The second is empty where the text is to repeat.
Request = tuple[bytes, bytes]


@dataclass(frozen=True)
class Load:
    """The load on a server: the number of clients, the duration, and the timeout of a response."""

    clients: int
    seconds: float
    timeout: float = 60.0
    expected: int = 200


@dataclass(frozen=True)
class Figures:
    """The clients' figures. Times are in milliseconds; `client_share` is the part of one core that each client used."""

    clients: int
    requests: int
    failed: int
    seconds: float
    median: float
    p99: float
    rate: float
    client_share: float


@dataclass(frozen=True)
class _Seen:
    nanoseconds: list[int]
    failed: int
    seconds: float
    busy: float


def measure(endpoint: Endpoint, requests: Sequence[Request], load: Load) -> Figures:
    """Sends requests for the duration of the load; each client sends at least one, and begins at its own place."""
    # Forked: the clients need the requests and nothing else, and begin within milliseconds.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(load.clients)
    pipes, processes = [], []
    for number in range(load.clients):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (endpoint, requests, load, number, barrier, theirs)
        process = context.Process(target=_client, args=arguments, daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        return _figures(load, [pipe.recv() for pipe in pipes])
    finally:
        for process in processes:
            process.join(5)
            process.kill()


def _client(
    endpoint: Endpoint, requests: Sequence[Request], load: Load, number: int, barrier: Barrier, pipe: Pipe
) -> None:
    connection = Connection(endpoint, load.timeout)
    # Serial numbers are told apart by client and by the time, as the server may remember a run before.
    serial = perf_counter_ns() // 1000 * 100 + number
    at = len(requests) * number // load.clients
    times: list[int] = []
    failed = 0
    barrier.wait()
    begun, busy = perf_counter(), process_time()
    deadline = begun + load.seconds
    while True:
        head, tail = requests[at % len(requests)]
        request = head + b"%d" % serial + tail if tail else head
        at += 1
        serial += 100
        start = perf_counter_ns()
        try:
            good = connection.ask(request, keep=False).status == load.expected
        except OSError:
            good = False
        times.append(perf_counter_ns() - start)
        failed += not good
        if perf_counter() >= deadline:
            break
    pipe.send(_Seen(times, failed, perf_counter() - begun, process_time() - busy))
    connection.close()


def _figures(load: Load, seen: list[_Seen]) -> Figures:
    times = [nanoseconds / 1e6 for one in seen for nanoseconds in one.nanoseconds]
    return Figures(
        clients=load.clients,
        requests=len(times),
        failed=sum(one.failed for one in seen),
        seconds=max(one.seconds for one in seen),
        median=median(times),
        p99=quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else times[0],
        # Each client's own rate: one that waits for a last long answer must not dilute those of the others.
        rate=sum(len(one.nanoseconds) / one.seconds for one in seen),
        client_share=sum(one.busy for one in seen) / sum(one.seconds for one in seen),
    )
