"""What the server that follows others' releases last found, for its other processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from citygraph.saving import replace_text

_FILE = ".following.json"


@dataclass(frozen=True)
class FollowState:
    """When the publisher's release was last looked for, which is served, and why it is not the newest, if so."""

    checked: str = ""
    release: str = ""
    problem: str = ""
    since: str = ""  # when the problem began


def read_follow_state(releases: Path) -> FollowState:
    """Returns the state in a folder of releases."""
    try:
        return FollowState(**json.loads((releases / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return FollowState(problem="the releases of the publisher were not looked for yet")


def write_follow_state(releases: Path, state: FollowState) -> None:
    """Replaces the state."""
    replace_text(releases / _FILE, json.dumps(asdict(state), ensure_ascii=False) + "\n")
