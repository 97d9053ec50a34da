"""Statement tables as HTML. Not in templates: a page has hundreds of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.text import escaped
from citygraph.web.view.cells import Cell, PropertyRow
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text


@dataclass(frozen=True)
class StatementHtml:
    """Writes the values of statements for readers of a language."""

    translations: Translations

    def register(self, rows: Iterable[PropertyRow]) -> Markup:
        """Returns a table of properties and values."""
        return Markup(self._register(rows))  # noqa: S704 - all texts are escaped

    def cells(self, cells: Iterable[Cell]) -> Markup:
        """Returns the values of one property in a table."""
        return Markup("".join([self._cell(cell) for cell in cells]))  # noqa: S704 - all texts are escaped

    def judged(self, cell: Cell) -> Markup:
        """Returns what the editors say of a statement: why they concluded it, and how they assess it."""
        return Markup(self._judged(cell))  # noqa: S704 - all texts are escaped

    def _register(self, rows: Iterable[PropertyRow]) -> str:
        return f'<dl class="register">\n{"".join([self._row(row) for row in rows])}</dl>\n'

    def _row(self, row: PropertyRow) -> str:
        classes = f"row{' differ' if row.differ else ''}{' inline' if row.inline else ''}"
        name = f'<a href="{escaped(row.name.href)}">{escaped(row.name.text)}</a>'
        return f'<div class="{classes}">\n<dt>{name}</dt>\n{"".join([self._cell(cell) for cell in row.cells])}</div>\n'

    def _cell(self, cell: Cell) -> str:
        parts = [f'<dd id="{escaped(cell.anchor)}"' if cell.anchor else "<dd"]
        parts.append(' class="faint">' if cell.validity else ">")
        if cell.texts:
            texts = "".join([text.__html__() for text in cell.texts])
            parts.append(f'<span class="value{" concluded" if cell.reasons else ""}">{texts}</span>')
        parts.append(cell.squares())
        if cell.validity:
            parts.append(f' <span class="standing">{escaped(cell.validity)}</span>')
        if cell.reasons or cell.judgements:
            parts.append(self._judged(cell))
        if cell.rows:
            parts.append(self._register(cell.rows))
        parts.append("</dd>\n")
        return "".join(parts)

    def _judged(self, cell: Cell) -> str:
        _ = self.translations
        judged = ""
        if cell.reasons:
            because = escaped(_("Concluded by the editors, because:"))
            summary = f'<summary aria-label="{because}">≈</summary>'
            judged = f'<details class="reason">{summary}<p>{because} {_reasons(cell.reasons)}</p></details>'
        for one in cell.judgements:
            because = escaped(_("Assessed by the editors, because:"))
            summary = f"<summary>{escaped(one.verdict)}</summary>"
            judged += f'<details class="reason assessed">{summary}<p>{because} {_reasons(one.reasons)}</p></details>'
        return judged


def _reasons(reasons: Iterable[Text]) -> str:
    """Returns reasons one after the other, the first as a link."""
    first, *further = reasons
    language = f' lang="{escaped(first.language)}"' if first.language else ""
    link = f'<a href="{escaped(first.href)}"{language}>{escaped(first.text)}</a>'
    return link + "".join(f" {escaped(reason.text)}" for reason in further)
