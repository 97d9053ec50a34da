"""Figures, rankings and the like in one line: "approx. 600,000 (2009)", "16 km to the port of Bremerhaven"."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyoxigraph import Literal

from citygraph.describe import Node, Value
from citygraph.terms import CG, DERIVED_GRAPH, RDF, RDFS
from citygraph.web.pages.values import Text, literal_text
from citygraph.web.pages.words import Words

_TYPE = RDF("type").value
_UNITS = {"AreaFigure": " km²", "DistanceFigure": " km", "ShareFigure": " %"}

Link = Callable[[str], Text]


def summary(node: Node, words: Words, link: Link) -> tuple[Text, ...]:
    """A node in a line, or nothing if it is of no kind that fits in one."""
    types = {v.iri.removeprefix(CG) for s in node.statements if s.predicate == _TYPE for v in s.values}
    said = _Said(node, words, link)
    for kind, teller in _TELLERS.items():
        if kind in types:
            unit = next((u for t, u in _UNITS.items() if t in types), "")
            return tuple(text for text in teller(said, unit) if text.text)
    return ()


class _Said:
    """The statements of a node in the reader's language."""

    def __init__(self, node: Node, words: Words, link: Link) -> None:
        self._values = {s.predicate: s.values for s in node.statements}
        self.words = words
        self._link = link

    def texts(self, name: str) -> list[Text]:
        """The values of one of our properties."""
        return [self._text(value) for value in _of_reader(self._values.get(CG(name).value, ()), self.words)]

    def first(self, *names: str) -> Text | None:
        """The first value of the first of these properties that has one."""
        return next((text for name in names for text in self.texts(name)), None)

    def label(self) -> Text | None:
        """The node's own name."""
        values = _of_reader(self._values.get(RDFS("label").value, ()), self.words)
        return next((self._text(value) for value in values), None)

    def is_true(self, name: str) -> bool:
        """Whether a truth value is true."""
        return any(v.term.value == "true" for v in self._values.get(CG(name).value, ()))

    def _text(self, value: Value) -> Text:
        return literal_text(value.term, self.words) if isinstance(value.term, Literal) else self._link(value.iri)


def _figure(said: _Said, unit: str) -> Iterable[Text]:
    value = said.first("value")
    if value is None:
        return
    yield Text(said.words("approx.") + " " if said.is_true("approximate") else "")
    # "% 33" is how Turkish writes a share.
    if unit == " %" and said.words.language == "tr":
        yield Text(f"%{value.text}")
    else:
        yield Text(f"{value.text}{unit}")
    goal = said.first("to", "toName")
    if goal:
        yield Text(" → ")
        yield goal
    for name in ("criterion",):
        for text in said.texts(name):
            yield Text(": ")
            yield text
    yield from _in_brackets([*said.texts("asOf"), *said.texts("method")])


def _ranking(said: _Said, _unit: str) -> Iterable[Text]:
    rank = said.first("rank")
    yield Text(said.words("no. {rank}", rank=rank.text if rank else "?"))
    for text in said.texts("criterion"):
        yield Text(": ")
        yield text
    yield from _in_brackets([*said.texts("among"), *said.texts("amongName"), *said.texts("asOf")])


def _distinction(said: _Said, _unit: str) -> Iterable[Text]:
    yield said.label() or Text("")
    yield from _in_brackets([*said.texts("awardedBy"), *said.texts("asOf")])


def _name_use(said: _Said, _unit: str) -> Iterable[Text]:
    yield said.first("name") or Text("")
    start, end = said.first("startDate"), said.first("endDate")
    if start or end:
        yield from _in_brackets([Text(f"{start or ''}–{end or ''}")])


def _in_brackets(texts: list[Text]) -> Iterable[Text]:
    for place, text in enumerate(texts):
        yield Text(", " if place else " (")
        yield text
    if texts:
        yield Text(")")


def _of_reader(values: Iterable[Value], words: Words) -> list[Value]:
    """The values in the reader's language, or all if there are none in it."""
    asserted = [v for v in values if v.sources != (DERIVED_GRAPH.value,)]
    mine = [v for v in asserted if isinstance(v.term, Literal) and v.term.language == words.language]
    return mine or asserted


_TELLERS: dict[str, Callable[[_Said, str], Iterable[Text]]] = {
    "Figure": _figure,
    "PopulationFigure": _figure,
    "AreaFigure": _figure,
    "DistanceFigure": _figure,
    "ShareFigure": _figure,
    "Ranking": _ranking,
    "Distinction": _distinction,
    "NameUse": _name_use,
}
