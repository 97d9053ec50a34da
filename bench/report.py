"""The figures as tables for a reader, and as JSON for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import exp, log
from statistics import median

from bench.load import Figures

OURS = "citygraph"


@dataclass(frozen=True)
class Result:
    """The result of one server for one query in one round; without figures, `note` has the reason.

    `cost` is the processor time that the server took for a request, in milliseconds, with many clients.
    """

    question: str
    server: str
    rows: int | None = None
    one: Figures | None = None
    many: Figures | None = None
    cost: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All results of a run, with its machine and data."""

    about: dict[str, str | int | float]
    servers: tuple[str, ...]
    results: list[Result] = field(default_factory=list)
    repeated: list[Result] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)


Measure = Callable[[Result], float | None]


def as_text(report: Report) -> str:
    """The whole report in Markdown."""
    parts = [
        ", ".join(f"{name}: {value}" for name, value in report.about.items()),
        "One client: median (99th percentile) in milliseconds",
        _table(report, report.results, _median, _times, lower_is_better=True),
        f"{_clients(report.results)} clients: requests a second (99th percentile in milliseconds)",
        _table(report, report.results, _rate, _rates, lower_is_better=False),
        "Processor time of the server for a request, in milliseconds, with that many clients",
        _table(report, report.results, _cost, _costs, lower_is_better=True),
        "A repeated text, and one whose ETag the client has: requests a second (99th percentile in milliseconds)",
        _table(report, report.repeated, _rate, _rates, lower_is_better=False),
        _repeats(report),
        "Memory after the run: " + ", ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in report.memory.items()),
        *_notes(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(
    report: Report,
    results: Sequence[Result],
    measure: Measure,
    shown: Callable[[Result], str],
    lower_is_better: bool,
) -> str:
    """A row for each question: what each server did, then each peer's ratio to each of ours; above 1 ours is better.

    Of several rounds, the cells are of the middle one, and the ratio is the median of those within each round.
    """
    pairs = [(o, p) for o in report.servers if o.startswith(OURS) for p in report.servers if not p.startswith(OURS)]
    head = ["query", *report.servers, *(f"{ours} / {peer}" for ours, peer in pairs)]
    rows = []
    every: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for question in dict.fromkeys(result.question for result in results):
        of = [result for result in results if result.question == question]
        found = {server: [result for result in of if result.server == server] for server in report.servers}
        cells = [shown(_middle(found[server], measure)) if found[server] else "" for server in report.servers]
        for ours, peer in pairs:
            rounds = zip(found[ours], found[peer], strict=False)
            ratios = [_ratio(measure(one), measure(other), lower_is_better) for one, other in rounds]
            ratio = median(ratio for ratio in ratios if ratio) if any(ratios) else None
            cells.append(f"{ratio:.2f}" if ratio else "")
            every[ours, peer] += [ratio] if ratio else []
        rows.append([question, *cells])
    if len(rows) > 1:
        means = [_mean_of(server, results, measure) for server in report.servers]
        rows.append(["**geometric mean**", *means, *(_bold(_geometric_mean(every[pair])) for pair in pairs)])
    return _markdown(head, rows) if rows else ""


def _middle(rounds: Sequence[Result], measure: Measure) -> Result:
    """Returns the round with the median figure, or a failed round."""
    measures = [(measure(result), result) for result in rounds]
    failed = [result for value, result in measures if value is None]
    return failed[0] if failed else sorted(measures, key=lambda pair: pair[0] or 0.0)[len(measures) // 2][1]


def _repeats(report: Report) -> str:
    """Returns the rate of repeated texts relative to new texts of the same query, for each server."""
    lines = []
    for result in report.repeated:
        new = next((r for r in report.results if r.server == result.server), None)
        for clients, measure in ((1, _single_rate), (_clients(report.results), _rate)):
            rate, base = measure(result), measure(new) if new else None
            if rate and base:
                times = f"{rate / base:.2f} × the rate of new texts"
                lines.append(f"- {result.server}, {result.question}, {clients} client(s): {times}")
    return "\n".join(lines)


def _notes(report: Report) -> Iterable[str]:
    notes = [f"- {r.server}, {r.question}: {r.note}" for r in (*report.results, *report.repeated) if r.note]
    failed = [
        f"- {r.server}, {r.question}: {f.failed} of {f.requests} requests failed with {f.clients} client(s)"
        for r in (*report.results, *report.repeated)
        for f in (r.one, r.many)
        if f and f.failed
    ]
    yield "\n".join(dict.fromkeys((*notes, *failed)))


def _median(result: Result) -> float | None:
    return result.one.median if result.one and not result.one.failed else None


def _rate(result: Result) -> float | None:
    return result.many.rate if result.many and not result.many.failed else None


def _cost(result: Result) -> float | None:
    return result.cost if result.many and not result.many.failed else None


def _single_rate(result: Result) -> float | None:
    return result.one.rate if result.one and not result.one.failed else None


def _times(result: Result) -> str:
    return _cell(result.one, lambda seen: f"{_number(seen.median)} ({_number(seen.p99)})")


def _rates(result: Result) -> str:
    return _cell(result.many, lambda seen: f"{_number(seen.rate)} ({_number(seen.p99)})")


def _costs(result: Result) -> str:
    return _cell(result.many, lambda _: _number(result.cost) if result.cost else "—")


def _cell(figures: Figures | None, write: Callable[[Figures], str]) -> str:
    """Returns a cell. Figures with failed requests are not shown, because a quick refusal is not a quick result."""
    if figures is None:
        return "—"
    return f"{figures.failed} of {figures.requests} failed" if figures.failed else write(figures)


def _ratio(ours: float | None, peer: float | None, lower_is_better: bool) -> float | None:
    if not ours or not peer or ours < 0 or peer < 0:
        return None
    return peer / ours if lower_is_better else ours / peer


def _mean_of(server: str, results: Sequence[Result], measure: Measure) -> str:
    """A server's geometric mean, if it answered everything."""
    own = [result for result in results if result.server == server]
    titles = dict.fromkeys(result.question for result in own)
    values = [measure(_middle([result for result in own if result.question == title], measure)) for title in titles]
    numbers = [value for value in values if value]
    return _bold(_geometric_mean(numbers), _number) if len(numbers) == len(values) else ""


def _geometric_mean(values: Sequence[float]) -> float | None:
    return exp(sum(map(log, values)) / len(values)) if values else None


def _bold(value: float | None, write: Callable[[float], str] = "{:.2f}".format) -> str:
    return f"**{write(value)}**" if value else ""


def _clients(results: Sequence[Result]) -> int:
    return next((result.many.clients for result in results if result.many), 0)


def _number(value: float) -> str:
    """Three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *rows)
    ]
    marks = [":" + "-" * (width - 1) if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join((lines[0], "| " + " | ".join(marks) + " |", *lines[1:]))
