"""Asks every server every question, side by side, and gathers the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.agreement import NoAnswer, Sample, compare, sample
from bench.connection import Connection
from bench.load import Figures, Load, Request, measure
from bench.mix import Question
from bench.processes import processor_time, resident
from bench.report import Report, Result
from bench.servers import Running, server
from citygraph.release.releases import Release

_TEXTS_COMPARED = 5
_NOT_MODIFIED = 304

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long and how hard to ask, in seconds and clients."""

    seconds: float = 3.0
    clients: int = 8
    timeout: float = 60.0
    rounds: int = 1


@dataclass(frozen=True)
class Contender:
    """A participating server, with its world and its queries."""

    name: str
    release: Release
    questions: Sequence[Question]


class Stand:
    """A contender's server while it runs; started again after a query that it does not come back from."""

    def __init__(self, contender: Contender, say: Say) -> None:
        self.contender = contender
        self._say = say
        self._stack = ExitStack()
        self._running: Running | None = None

    @property
    def running(self) -> Running:
        """The server, started if it does not run."""
        if self._running is None:
            self._say(f"starting {self.contender.name}")
            self._running = self._stack.enter_context(server(self.contender.name, self.contender.release))
        return self._running

    def stop(self) -> None:
        """End the server."""
        self._stack.close()
        self._running = None


def run(contenders: Sequence[Contender], plan: Plan, report: Report, say: Say) -> None:
    """Adds all figures to the report: for each query one server after the other, in several rounds.

    So all servers run under the same load.

    Raises Differs if two servers with the same data return different results, NotReady if a server does not start.
    """
    with _stands(contenders, say) as stands:
        for stand in stands:
            _ = stand.running
        for number in range(max(len(contender.questions) for contender in contenders)):
            report.results.extend(_ask_all(stands, number, plan, say))
        for stand in stands:
            say(f"{stand.contender.name}: a repeated text")
            report.repeated.extend(_repeat(stand.running, stand.contender.questions[0], plan))
            report.memory[stand.contender.name] = resident(stand.running.pid)


@contextmanager
def _stands(contenders: Sequence[Contender], say: Say) -> Iterator[list[Stand]]:
    stands = [Stand(contender, say) for contender in contenders]
    try:
        yield stands
    finally:
        for stand in stands:
            stand.stop()


def _ask_all(stands: Sequence[Stand], number: int, plan: Plan, say: Say) -> Iterator[Result]:
    """Compares the results of all servers, then measures their speed."""
    samples: dict[str, Sample] = {}
    for stand in stands:
        name, question = stand.contender.name, stand.contender.questions[number]
        try:
            samples[name] = sample(stand.running.endpoint, question, _TEXTS_COMPARED, plan.seconds, plan.timeout)
        except NoAnswer as error:
            say(f"{name}, {question.title}: {error}")
            stand.stop()
            yield Result(question.title, name, note=str(error))
    for release in {stand.contender.release.id for stand in stands}:
        same = [stand for stand in stands if stand.contender.release.id == release and stand.contender.name in samples]
        if same:
            compare(same[0].contender.questions[number], [(s.contender.name, samples[s.contender.name]) for s in same])
    for turn in range(plan.rounds):
        for stand in stands:
            answers = samples.get(stand.contender.name)
            # A server whose answers take longer than all rounds together is asked in the first one only.
            if answers and (turn == 0 or answers.slowest < plan.seconds):
                yield _timed(stand, number, answers, plan, say)


def _timed(stand: Stand, number: int, answers: Sample, plan: Plan, say: Say) -> Result:
    running, question = stand.running, stand.contender.questions[number]
    requests = [running.endpoint.serial_request(text) for text in question.texts]
    seconds = plan.seconds / plan.rounds
    one = measure(running.endpoint, requests, Load(1, seconds, plan.timeout))
    many, cost, note = None, None, ""
    if one.median / 1000 * plan.clients < plan.timeout:
        before = processor_time(running.pid)
        many = measure(running.endpoint, requests, Load(plan.clients, seconds, plan.timeout))
        cost = (processor_time(running.pid) - before) / many.requests * 1000
    else:
        note = f"not asked by {plan.clients} clients, as their answers would take over {plan.timeout:.0f} s"
    say(_line(question.title, running.name, one, many))
    return Result(question.title, running.name, answers.rows, one, many, cost, note)


def _repeat(running: Running, question: Question, plan: Plan) -> Iterator[Result]:
    """Measures one repeated text; then the same with the ETag of its response."""
    text = question.texts[0]
    plain = running.endpoint.request(text)
    yield _steady("repeated text", running, (plain, b""), plan, 200)
    connection = Connection(running.endpoint, plan.timeout)
    etag = connection.ask(plain).header("ETag")
    connection.close()
    if etag:
        conditional = running.endpoint.request(text, If_None_Match=etag)
        yield _steady("304 Not Modified", running, (conditional, b""), plan, _NOT_MODIFIED)


def _steady(title: str, running: Running, request: Request, plan: Plan, status: int) -> Result:
    one, many = (
        measure(running.endpoint, [request], Load(clients, plan.seconds, plan.timeout, status))
        for clients in (1, plan.clients)
    )
    return Result(title, running.name, None, one, many)


def _line(question: str, name: str, one: Figures, many: Figures | None) -> str:
    rate = f"{many.rate:9,.0f}/s" if many else "        —"
    return f"{question:28} {name:17} {one.median:9.2f} ms {rate}"
