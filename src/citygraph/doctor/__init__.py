"""The doctor: scores any running site against published lists of criteria for linked data.

It does not depend on citygraph's server: any HTTP site can be examined. Each check is a value in a tuple of
`practices`, `fair`, `lod`, `signposting` or `memento_checks`.
"""

from __future__ import annotations

from citygraph.doctor.diagnosis import CHECKS, Diagnosis, examine
from citygraph.doctor.fetching import Fetch, HttpRequest, HttpResponse, fetch
from citygraph.doctor.scored_site import Check, CheckResult, CheckState

__all__ = [
    "CHECKS",
    "Check",
    "CheckResult",
    "CheckState",
    "Diagnosis",
    "Fetch",
    "HttpRequest",
    "HttpResponse",
    "examine",
    "fetch",
]
