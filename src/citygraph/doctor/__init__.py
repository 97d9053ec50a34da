"""The doctor: scores a running site on the lists by which publishers of linked data are judged.

It knows no server of ours: whatever answers HTTP can be examined. Each check is a value in one of the tuples of
`practices`, `fair`, `lod`, `signposting` and `memento`.
"""

from __future__ import annotations

from citygraph.doctor.diagnosis import CHECKS, Diagnosis, examine
from citygraph.doctor.fetching import Ask, Fetch, Reply, fetch
from citygraph.doctor.scored_site import Check, Finding, State

__all__ = ["CHECKS", "Ask", "Check", "Diagnosis", "Fetch", "Finding", "Reply", "State", "examine", "fetch"]
