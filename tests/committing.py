"""Commits without a process of their own: what a writer's child does, by the same steps and in the same words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from citygraph.commit.change import Change, change_as_json, change_from_json
from citygraph.commit.commit import Followup, commit
from citygraph.commit.outcomes import Outcome, outcome_as_json, outcome_from_json
from citygraph.release.releases import Releases
from citygraph.settings import Settings


def committed(changes: Sequence[Change], settings: Settings, consequences: Followup) -> list[Outcome]:
    """What came of each change; changes and outcomes go through the text in which a child is told and answers."""
    told = [change_from_json(json.loads(json.dumps(change_as_json(change)))) for change in changes]
    outcomes = commit(told, Releases(settings.releases), consequences, settings)
    return [outcome_from_json(json.loads(json.dumps(outcome_as_json(outcome)))) for outcome in outcomes]
