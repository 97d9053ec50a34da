"""The register of ties as the reader wants it: sorted by a column, and only those that a word is found in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from citygraph.text import collation_key, fold
from citygraph.web.kinds.ties import Tie

_LONGEST = 80  # letters of a word that is looked for
_LAST = "9999"


@dataclass(frozen=True)
class TieView:
    """Which ties are shown, in which order: `sort` names a column, with a minus in front from the end."""

    sort: str
    wanted: str
    ties: tuple[Tie, ...]
    total: int
    at: str = ""  # the day that is looked at

    def address(self, column: str) -> str:
        """The address of the same with the column sorted, or turned round if it is already."""
        asked = {"sort": f"-{column}" if self.sort == column else column, "q": self.wanted, "at": self.at}
        return "?" + urlencode({name: value for name, value in asked.items() if value}) + "#ties"

    def direction(self, column: str) -> str:
        """What `aria-sort` says of a column."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "")


def view_of(ties: tuple[Tie, ...], asked: Mapping[str, str], at: str = "") -> TieView:
    """The ties that `asked` wants by `sort` and `q`; a column that there is not is the number."""
    wanted = asked.get("q", "").strip()[:_LONGEST]
    sort = asked.get("sort", "")
    column = sort.removeprefix("-")
    if column not in _KEYS:
        sort, column = "number", "number"
    needle = fold(wanted)
    found = [tie for tie in ties if not needle or needle in fold(_text(tie))]
    known = sorted((t for t in found if not _is_unknown(t, column)), key=_KEYS[column], reverse=sort.startswith("-"))
    # What is not known stands last in either direction.
    return TieView(sort, wanted, (*known, *(t for t in found if _is_unknown(t, column))), len(ties), at)


def _is_unknown(tie: Tie, column: str) -> bool:
    return {
        "act": not tie.acts, "protocol": not tie.protocols, "days": not tie.days, "distance": tie.km is None,
    }.get(column, False)  # fmt: skip


def _text(tie: Tie) -> str:
    countries = (country.text for partner in tie.partners for country in partner.countries)
    return " ".join([*(partner.name.text for partner in tie.partners), *countries])


def _name(tie: Tie) -> Any:
    return collation_key(tie.partners[0].name.text if tie.partners else tie.name.text)


def _country(tie: Tie) -> Any:
    countries = [country.text for partner in tie.partners for country in partner.countries]
    return collation_key(countries[0] if countries else "\U0010ffff"), _name(tie)


_KEYS: Mapping[str, Callable[[Tie], Any]] = {
    "number": lambda tie: tie.number,
    "name": _name,
    "country": _country,
    "act": lambda tie: tie.acts[0],
    "protocol": lambda tie: tie.protocols[0],
    "days": lambda tie: float(tie.days[0]),
    "distance": lambda tie: tie.km,
}
