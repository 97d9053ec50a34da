"""The policy of pruning: which releases are kept, such as "30d, 12 monthly, cited, tagged"."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from citygraph.errors import UsageError

if TYPE_CHECKING:
    from citygraph.release.releases import Release, Releases

_TERM = re.compile(r"(?P<days>\d+) ?(?:d|days?)|(?P<count>\d+) (?P<period>\w+)|(?P<always>cited|tagged)")
# The part of a date that the releases of one period share.
_PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m", "yearly": "%Y"}
_NEWEST = "newest"
# Servers and running queries may still read a release that was current a moment ago.
IN_USE = timedelta(minutes=10)
_LAST_PRUNED = ".pruned"
_HOUR = 3600.0


@dataclass(frozen=True)
class KeepPolicy:
    """The kept releases: those of some days, the newest few, and the last one of each of some periods."""

    days: int = 0
    newest: int = 0
    periods: dict[str, int] = field(default_factory=dict)

    def kept(self, history: Sequence[Release], now: datetime) -> set[str]:
        """Returns the names of the releases that the policy keeps. The newest of `history` is the first."""
        return self.kept_of([(release.id, created(release)) for release in history], now)

    def kept_of(self, history: Sequence[tuple[str, datetime]], now: datetime) -> set[str]:
        """Returns the names that the policy keeps of these, each with its time. The newest is the first."""
        kept = {name for name, _ in history[: self.newest]}
        kept |= {name for name, moment in history if now - moment <= timedelta(days=self.days)}
        for period, count in self.periods.items():
            last: dict[str, str] = {}
            for name, moment in history:
                last.setdefault(f"{moment:{_PERIODS[period]}}", name)
            kept |= set(list(last.values())[:count])
        return kept


def parse_policy(text: str) -> KeepPolicy:
    """Returns the policy that a text describes. Raises UsageError with the part that is invalid."""
    days, periods, is_empty = 0, dict[str, int](), True
    for term in (part.strip() for part in text.split(",")):
        match = _TERM.fullmatch(term)
        if not match or (match["period"] and match["period"] not in {*_PERIODS, _NEWEST}):
            raise UsageError(
                f"keep: {term!r} is not a rule of what to keep; there are 30d, 5 newest, "
                f"{', '.join(f'12 {period}' for period in _PERIODS)}, cited and tagged, separated by commas"
            )
        days = max(days, int(match["days"] or 0))
        if match["period"]:
            periods[match["period"]] = int(match["count"])
        # Cited and tagged releases are protected under every policy.
        is_empty = is_empty and not int(match["days"] or match["count"] or 0)
    if is_empty:
        raise UsageError(f"keep: {text!r} would keep only the current, cited and tagged releases: write `1 newest`")
    return KeepPolicy(days, periods.pop(_NEWEST, 0), periods)


def prune_by_setting(releases: Releases, keep: str) -> list[str]:
    """Prunes by the setting `keep`, at most once an hour, except releases still in use; returns the removed ones.

    Without the setting, or in a folder that cannot be written, nothing is removed.
    """
    marker = releases.root / _LAST_PRUNED
    if not keep or (marker.exists() and time.time() - marker.stat().st_mtime < _HOUR):
        return []
    policy, now = parse_policy(keep), datetime.now(UTC)
    marker.touch()
    return releases.prune(
        lambda history: (
            policy.kept(history, now) | {one.id for one in history if now - superseded(one, history) < IN_USE}
        )
    )


def superseded(release: Release, history: Sequence[Release]) -> datetime:
    """Returns when the next release after this one was published; of the newest, when it was itself."""
    return created(history[max(history.index(release) - 1, 0)])


def created(release: Release) -> datetime:
    """Returns the time of publication."""
    return datetime.fromisoformat(release.manifest.created)
