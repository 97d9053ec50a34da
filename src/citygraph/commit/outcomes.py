"""The outcomes of changes, commits or errors: as JSON between processes, and from releases after a kill."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from citygraph.commit.change import Change, Commit, GraphWrite, commit_from_json, report_from_json
from citygraph.engine import wire
from citygraph.errors import BadData, CitygraphError, NotFound, Violations
from citygraph.release.releases import Releases

Outcome = Commit | CitygraphError


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """Returns an outcome as a JSON object."""
    if isinstance(outcome, Commit):
        return {"commit": asdict(outcome)}
    if isinstance(outcome, Violations):
        report = outcome.report
        return {"violations": {"results": [asdict(result) for result in report.results], "turtle": report.turtle}}
    if isinstance(outcome, BadData):
        # The constructor will put the place in front of the message again.
        place = ":".join(str(part) for part in (outcome.file, outcome.line, outcome.column) if part is not None)
        return {**wire.error_to_wire(outcome), "message": str(outcome).removeprefix(f"{place}: ")}
    return wire.error_to_wire(outcome)


def outcome_from_json(values: dict[str, Any]) -> Outcome:
    """Returns the outcome from a JSON object."""
    if "commit" in values:
        return commit_from_json(values["commit"])
    if "violations" in values:
        return Violations(report_from_json(values["violations"]))
    return wire.error_from_wire(values)


def current_id(releases: Releases) -> str:
    """Returns the name of the current release; empty if there is none."""
    try:
        return releases.current_id()
    except NotFound:
        return ""


def published_commit(change: Change, releases: Releases, before: str) -> Commit | None:
    """Returns the commit of a change whose process died, if a release after `before` has it."""
    with suppress(NotFound):
        release = releases.current()
        while release.id != before:
            parent = releases.get(release.manifest.parent or "")
            for record in release.manifest.commits:
                if record.get("id") == change.id:
                    is_new = isinstance(change.what, GraphWrite) and change.what.graph not in parent.manifest.graphs
                    counts = record["added"], record["removed"], tuple(record["graphs"])
                    return Commit(release.id, release.manifest.digest, *counts, created=is_new)
            release = parent
    return None
