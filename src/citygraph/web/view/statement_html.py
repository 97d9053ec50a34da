"""Statement tables as HTML. Not in templates: a page has hundreds of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.text import escaped, trusted
from citygraph.web.view.cells import Cell, IncomingLinks, Part, PropertyRow
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text

_ONE_COLUMN = 8  # links: more stand in several columns


@dataclass(frozen=True)
class StatementHtml:
    """Writes the values of statements for readers of a language."""

    translations: Translations

    def register(self, rows: Iterable[PropertyRow]) -> Markup:
        """Returns a table of properties and values."""
        return trusted(self._register(rows))

    def cells(self, cells: Iterable[Cell]) -> Markup:
        """Returns the values of one property in a table."""
        return trusted("".join([self._cell(cell) for cell in cells]))

    def judged(self, cell: Cell) -> Markup:
        """Returns the editors' notes on a statement: the reason of a conclusion, and the assessment."""
        return trusted(self._judged(cell))

    def parts(self, parts: Iterable[Part]) -> Markup:
        """Returns the parts of a document, each with its own table."""
        return trusted("".join([self._part(part) for part in parts]))

    def links(self, groups: Iterable[IncomingLinks]) -> Markup:
        """Returns lists of the things that point at an entity, one for each property."""
        return trusted("".join([self._links(group) for group in groups]))

    def _part(self, part: Part) -> str:
        anchor = f' id="{escaped(part.anchor)}"' if part.anchor else ""
        kind = f' <span class="kind">{escaped(part.kind)}</span>' if part.kind else ""
        table = self._register(part.rows) if part.rows else ""
        return f'<section{anchor} class="part">\n<h3>{part.title.__html__()}{kind}</h3>\n{table}\n</section>\n'

    def _links(self, group: IncomingLinks) -> str:
        count = f' <span class="count">{group.count}</span>' if group.count > 1 else ""
        columns = ' class="columns"' if len(group.cells) > _ONE_COLUMN else ""
        items = "".join([self._item(cell) for cell in group.cells])
        title = f"<h3>{escaped(group.title)}{count}</h3>"
        return f'<section class="links">\n{title}\n<ul{columns}>\n{items}</ul>\n</section>\n'

    def _item(self, cell: Cell) -> str:
        faint = ' class="faint"' if cell.validity else ""
        standing = f' <span class="standing">{escaped(cell.validity)}</span>' if cell.validity else ""
        texts = "".join([text.__html__() for text in cell.texts])
        value = f'<span class="value{" concluded" if cell.reasons else ""}">{texts}</span>'
        return f"<li{faint}>{value}{cell.squares()}{standing}{self._judged(cell)}</li>\n"

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
