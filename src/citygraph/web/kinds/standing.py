"""Whether something is so on the day that is looked at, by its dates, each as precise as it is."""

from __future__ import annotations

from collections.abc import Iterable

from citygraph.web.kinds.ground import Ground
from citygraph.web.pages.dates import is_past


def standing(ground: Ground, starts: Iterable[str], ends: Iterable[str], shown: Iterable[str] = ()) -> str:
    """Says "not yet" or "no longer" of the day asked about, and nothing of what is so or has no date to tell by.

    Of several dates the first begins it and the last ends it; in the month or the year that a date names it is so.
    What is only `shown` on other days is "not shown on that day".
    """
    begun, ended, days = sorted(starts), sorted(ends), sorted(shown)
    if not ground.at:
        return ""
    if begun and begun[0] > ground.at:
        return ground.words("not yet")
    if ended and is_past(ended[-1], ground.at):
        return ground.words("no longer")
    if begun or ended or not days:
        return ""
    within = days[0] <= ground.at and not is_past(days[-1], ground.at)
    return "" if within else ground.words("not shown on that day")
