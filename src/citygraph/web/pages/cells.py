"""What the registers of a page are made of: values with the numbered squares of their sources, rows, parts, links."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from citygraph.web.pages.values import Text


@dataclass(frozen=True, slots=True)
class Mark:
    """A small numbered square that opens what stands of the source of that number; `label` is how it is read out."""

    number: int
    name: str
    label: str = ""

    def __html__(self) -> Markup:
        """The same for a page. Here and not in a template: a page has hundreds of them."""
        label = escape(self.label or self.name)
        button = f'<button type="button" class="square" popovertarget="said-{self.number}" aria-label="{label}">'
        return Markup(f"{button}{self.number}</button>")  # noqa: S704 - escaped above


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: its texts, the sources, the reason if the curator concluded it, its own statements if it has parts.

    `standing` says that it is "not yet" or "no longer" true on the day that is looked at.
    """

    texts: tuple[Text, ...]
    marks: tuple[Mark, ...] = ()
    reasons: tuple[Text, ...] = ()
    anchor: str = ""
    rows: tuple[Row, ...] = ()
    standing: str = ""

    def squares(self) -> Markup:
        """The marks for a page; a word joiner keeps the first on the line of the last word."""
        if not self.marks:
            return Markup()
        squares = "".join([mark.__html__() for mark in self.marks])
        return Markup(f'&#8288;<span class="marks">&#8288;{squares}</span>')  # noqa: S704 - made above


@dataclass(frozen=True, slots=True)
class Row:
    """A property and its values; `differ` when the sources give several where there can truly be one.

    Short values stand `inline`, one after the other.
    """

    name: Text
    cells: tuple[Cell, ...]
    differ: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document with an address of its own: something said or done, a conclusion."""

    anchor: str
    title: Text
    kind: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """What points at the entity, told from its side."""

    title: str
    count: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source of the page: its number, its name with its address here, what it is, who published it, and when.

    `abroad` is where the document itself stands, if that is known.
    """

    number: int
    name: Text
    anchor: str
    kind: str = ""
    facts: tuple[tuple[str, Text], ...] = ()
    abroad: str = ""
