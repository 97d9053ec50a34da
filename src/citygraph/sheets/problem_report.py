"""The report of a check as JSON members and as HTML: a fragment for a page of the site, and a complete page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from string import Formatter

from pyoxigraph import Literal, Quad

from citygraph.rdf.terms import split_iri
from citygraph.sheets.cell_problems import ERROR, NOTE, WARNING, CellAddress, CellProblem, CellRule, Translate, grouped
from citygraph.sheets.check import CheckedSheets
from citygraph.sheets.importing import SheetDifference
from citygraph.sheets.slots import source_of

# Both themes have a contrast of at least 4.5 : 1, and the severity is a word as well.
_STYLE = """
:root { color-scheme: light dark; --error: #a4161a; --warning: #7a4b00; --line: #8a94a0; }
@media (prefers-color-scheme: dark) { :root { --error: #ff9a98; --warning: #f2c14e; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.severity-error { color: var(--error); }
.severity-warning { color: var(--warning); }
"""
# Lines of a table of statements; the counts above it are complete.
_MOST_STATEMENTS = 500


def as_members(problem: CellProblem, translate: Translate) -> dict[str, object]:
    """Returns a problem as a JSON object."""
    address = problem.address
    place = {"file": address.file, "sheet": address.sheet, "cell": address.name, "row": address.row}
    texts = {"message": problem.message(translate), "remedy": problem.remedy(translate)}
    return {**place, "severity": problem.rule.severity, "rule": problem.rule.name, "value": problem.value, **texts}


def severity_name(rule: CellRule, translate: Translate) -> str:
    """Returns the word for the severity of a rule."""
    names = {ERROR: translate("Error"), WARNING: translate("Warning"), NOTE: translate("Note")}
    return names[rule.severity]


def rule_name(rule: CellRule, translate: Translate) -> str:
    """Returns the message of a rule with an ellipsis instead of each value."""
    text = translate(rule.message)
    fields = {name for _, name, _, _ in Formatter().parse(text) if name}
    return text.format(**dict.fromkeys(fields, "…"))


def report_html(checked: CheckedSheets, translate: Translate) -> str:
    """Returns the problems by rule, with their numbers and all their cells, as a fragment of a page."""
    warnings = sum(problem.rule.severity == WARNING for problem in checked.problems)
    totals = [
        translate("Errors: {number}").format(number=len(checked.errors)),
        translate("Warnings: {number}").format(number=warnings),
    ]
    parts = [f'<p class="totals"><strong>{escape(" · ".join(totals))}</strong></p>']
    if checked.errors:
        refusal = translate("Nothing was imported: correct the errors first.")
        parts.append(f"<p>{escape(refusal)}</p>")
    if checked.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in checked.notes)
        parts.append(f"<ul>{notes}</ul>")
    for number, (rule, problems) in enumerate(grouped(checked.problems), 1):
        parts += _group(number, rule, problems, translate)
    return "\n".join(parts)


def difference_html(
    difference: SheetDifference, address_of: Callable[[Quad], CellAddress | None], translate: Translate
) -> str:
    """Returns the statements that an import adds, changes and removes, as a fragment of a page."""
    added, removed, changed = _sorted_out(difference)
    counts = [
        translate("Added statements: {number}").format(number=len(added)),
        translate("Changed values: {number}").format(number=len(changed)),
        translate("Removed statements: {number}").format(number=len(removed)),
    ]
    parts = [f'<p class="totals"><strong>{escape(" · ".join(counts))}</strong></p>']
    tables: list[tuple[str, str, Sequence[tuple[Quad, Quad | None]]]] = [
        ("added", translate("Added"), [(quad, None) for quad in added]),
        ("changed", translate("Changed"), changed),
        ("removed", translate("Removed"), [(quad, None) for quad in removed]),
    ]
    for name, title, lines in tables:
        if lines:
            parts += _statements(name, title, lines, address_of, translate)
    return "\n".join(parts)


def difference_members(
    difference: SheetDifference, address_of: Callable[[Quad], CellAddress | None]
) -> Iterator[dict[str, str]]:
    """Yields what an import removes, changes and adds, as JSON objects with the cell that a statement comes from."""
    added, removed, changed = _sorted_out(difference)
    lines: list[tuple[str, Quad, Quad | None]] = [("removed", quad, None) for quad in removed]
    lines += [("changed", quad, old) for quad, old in changed]
    lines += [("added", quad, None) for quad in added]
    for kind, quad, old in lines:
        named = {"old": _term(old.object)} if old else {}
        source = str(getattr(source_of(quad), "value", "")).rpartition("/")[2]
        members = {"change": kind, "subject": _term(quad.subject), "property": _term(quad.predicate)}
        yield {**members, "value": _term(quad.object), **named, "source": source, "cell": str(address_of(quad) or "")}


def report_page(files: Iterable[str], language: str, fragments: Iterable[str], translate: Translate) -> str:
    """Returns a page that needs no other file: it can be sent by mail and opened without a network."""
    title = translate("Check of {files}").format(files=", ".join(files))
    body = "\n".join(fragments)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _group(number: int, rule: CellRule, problems: Sequence[CellProblem], translate: Translate) -> Iterator[str]:
    word = f'<span class="severity-{rule.severity}">{escape(severity_name(rule, translate))}:</span>'
    heading = f"{word} {escape(rule_name(rule, translate))} ({len(problems)})"
    yield '<section class="parts">'
    yield f'<h2 id="rule-{number}">{heading}</h2>'
    title = translate("Rule")
    yield f"<p>{escape(title)}: <code>{escape(rule.name)}</code></p>"
    # A cell of a table that is wider than the window can be reached with the keyboard.
    yield f'<div class="scroll" role="region" tabindex="0" aria-labelledby="rule-{number}">'
    titles = (
        translate("File or sheet"),
        translate("Cell"),
        translate("Value"),
        translate("Problem"),
        translate("Remedy"),
    )
    yield _table_head(titles)
    for problem in problems:
        address = problem.address
        texts = (problem.value, problem.message(translate), problem.remedy(translate))
        cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
        yield f'<tr><td>{escape(place_name(address))}</td><th scope="row">{address.name}</th>{cells}</tr>'
    yield "</tbody></table></div></section>"


def _statements(
    name: str,
    title: str,
    lines: Sequence[tuple[Quad, Quad | None]],
    address_of: Callable[[Quad], CellAddress | None],
    translate: Translate,
) -> Iterator[str]:
    yield '<section class="parts">'
    yield f'<h2 id="statements-{name}">{escape(title)} ({len(lines)})</h2>'
    yield f'<div class="scroll" role="region" tabindex="0" aria-labelledby="statements-{name}">'
    before = [translate("Value before")] if name == "changed" else []
    titles = (translate("Cell"), translate("Entity"), translate("Property"), *before, translate("Value"))
    yield _table_head(titles)
    for quad, old in lines[:_MOST_STATEMENTS]:
        address = address_of(quad)
        where = f"{place_name(address)} {address.name}".strip() if address else "–"
        terms = [quad.subject, quad.predicate, *([old.object] if old else []), quad.object]
        cells = "".join(f"<td>{escape(_term(term))}</td>" for term in terms)
        yield f"<tr><td>{escape(where)}</td>{cells}</tr>"
    yield "</tbody></table></div>"
    if len(lines) > _MOST_STATEMENTS:
        more = translate("and {number} more").format(number=len(lines) - _MOST_STATEMENTS)
        yield f"<p>{escape(more)}</p>"
    yield "</section>"


def place_name(address: CellAddress) -> str:
    """Returns the sheet of a cell, or its file if that has no sheets, without its folder."""
    return address.sheet or address.file.replace("\\", "/").rpartition("/")[2]


def _table_head(titles: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    return f'<table class="list"><thead><tr>{cells}</tr></thead><tbody>'


def _sorted_out(difference: SheetDifference) -> tuple[list[Quad], list[Quad], list[tuple[Quad, Quad | None]]]:
    """Returns the statements only added, those only removed, and pairs of a new and an old value of one property."""
    old: dict[tuple[object, ...], list[Quad]] = defaultdict(list)
    for quad in difference.removed:
        old[quad.subject, quad.predicate, quad.graph_name].append(quad)
    added: list[Quad] = []
    changed: list[tuple[Quad, Quad | None]] = []
    for quad in difference.added:
        values = old[quad.subject, quad.predicate, quad.graph_name]
        if values:
            changed.append((quad, values.pop(0)))
        else:
            added.append(quad)
    return added, [quad for values in old.values() for quad in values], changed


def _term(term: object) -> str:
    if isinstance(term, Literal):
        return f"{term.value} ({term.language})" if term.language else term.value
    prefix, local = split_iri(str(getattr(term, "value", term)))
    return f"{prefix}:{local}" if prefix else local
