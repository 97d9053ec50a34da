"""Problems of a workbook: each names its cell, the rule, and how to correct it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# A note is for the reader to know: nothing is wrong.
ERROR, WARNING, NOTE = "error", "warning", "note"
_ORDER = (ERROR, WARNING, NOTE)

# Returns a text in the language of the reader.
Translate = Callable[[str], str]


@dataclass(frozen=True)
class CellAddress:
    """A cell as the reader's program shows it: the file, the sheet (empty for CSV), the column letters and the row."""

    file: str
    sheet: str
    row: int  # from 1
    column: int  # from 0

    @property
    def name(self) -> str:
        """The address within the sheet, such as B7."""
        return f"{column_letters(self.column)}{self.row}"

    def __str__(self) -> str:
        return f"{self.file}: {self.sheet}!{self.name}" if self.sheet else f"{self.file}: {self.name}"


@dataclass(frozen=True)
class CellRule:
    """A rule about cells: its stable name, and its English message and remedy, with values in braces."""

    name: str
    message: str
    remedy: str
    severity: str = ERROR


@dataclass(frozen=True)
class CellProblem:
    """A cell that violates a rule; `values` fill the message and the remedy."""

    rule: CellRule
    address: CellAddress
    value: str = ""
    values: Mapping[str, str | int] = field(default_factory=dict)

    def message(self, translate: Translate) -> str:
        """Returns the message in the reader's language."""
        return translate(self.rule.message).format(value=self.value, **self._shown(translate))

    def remedy(self, translate: Translate) -> str:
        """Returns how to correct the cell, in the reader's language."""
        # A catalogue translates an empty text to its own description.
        text = translate(self.rule.remedy) if self.rule.remedy else ""
        return text.format(value=self.value, **self._shown(translate))

    def _shown(self, translate: Translate) -> dict[str, str]:
        """Returns the values as texts; numbers are in groups of three, as the reader's language separates them."""
        separator = translate(",")
        return {
            name: value if isinstance(value, str) else f"{value:,}".replace(",", separator)
            for name, value in self.values.items()
        }


def problem_from_json(values: Mapping[str, Any]) -> CellProblem:
    """Returns the problem from a JSON object with its members."""
    return CellProblem(CellRule(**values["rule"]), CellAddress(**values["address"]), values["value"], values["values"])


def column_letters(column: int) -> str:
    """Returns the letters of a column, counted from 0: A, B, …, Z, AA."""
    letters = ""
    number = column + 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def grouped(problems: Iterable[CellProblem]) -> list[tuple[CellRule, list[CellProblem]]]:
    """Returns the problems by rule: errors first, then the most frequent rule, each in the order of the cells."""
    groups: dict[str, list[CellProblem]] = {}
    for problem in problems:
        groups.setdefault(problem.rule.name, []).append(problem)
    by_rule = [(group[0].rule, group) for group in groups.values()]
    return sorted(by_rule, key=lambda one: (_ORDER.index(one[0].severity), -len(one[1]), one[0].name))
