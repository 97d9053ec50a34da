"""The outcomes of changes, commits or errors, as JSON between processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from citygraph.commit.change import Commit, commit_from_json, report_from_json
from citygraph.engine import wire
from citygraph.errors import BadData, CitygraphError, Violations

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
