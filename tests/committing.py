"""Commits without a process of their own: what a writer's child does, by the same steps and in the same words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from citygraph.commit.change import Change, change_as_json, change_from_json
from citygraph.commit.commit import Followup, commit
from citygraph.commit.followup import PATTERNS
from citygraph.commit.outcomes import Outcome, outcome_as_json, outcome_from_json
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings


def copy_release(release: Release, folder: Path) -> Releases:
    """Returns releases in a folder of their own, with a copy of this one, and the patterns that its commits read."""
    releases = Releases(folder)
    with releases.stage(copy_of=release) as staged:
        for path in release.path.iterdir():
            if path.is_file() and path.name != "manifest.json":
                (staged.path / path.name).hardlink_to(path)
        staged.publish(replace(release.manifest, parent=None))
    shutil.copy(release.path.parent / PATTERNS, folder)
    return releases


def committed(changes: Sequence[Change], settings: Settings, consequences: Followup) -> list[Outcome]:
    """What came of each change; changes and outcomes go through the text in which a child is told and answers."""
    told = [change_from_json(json.loads(json.dumps(change_as_json(change)))) for change in changes]
    outcomes = commit(told, Releases(settings.releases), consequences, settings)
    return [outcome_from_json(json.loads(json.dumps(outcome_as_json(outcome)))) for outcome in outcomes]
