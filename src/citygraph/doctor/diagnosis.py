"""All checks on one site: what was found, as a table for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from citygraph.doctor.fair import FAIR
from citygraph.doctor.fetching import Fetch, fetch
from citygraph.doctor.lod import LOD, VOID_COUNTS
from citygraph.doctor.memento_checks import MEMENTO
from citygraph.doctor.practices import PRACTICES
from citygraph.doctor.scored_site import Check, Finding, Site, State, missing
from citygraph.doctor.signposting import SIGNPOSTING
from citygraph.errors import Upstream

CHECKS: tuple[Check, ...] = (*PRACTICES, *FAIR, *LOD, *SIGNPOSTING, *MEMENTO, *VOID_COUNTS)
_MARKS = {State.MET: "✓", State.MISSING: "✗", State.TOLD: "·"}
_EVIDENCE = 100


@dataclass(frozen=True)
class Diagnosis:
    """What was found at a site, check by check."""

    url: str
    findings: tuple[tuple[Check, Finding], ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing that is required is missing."""
        return not any(check.required and finding.state is State.MISSING for check, finding in self.findings)

    def scores(self) -> dict[str, tuple[int, int]]:
        """What is met, of what a machine can see, in each list."""
        scores: dict[str, tuple[int, int]] = {}
        for check, finding in self.findings:
            good, seen = scores.get(check.list, (0, 0))
            is_seen = finding.state is not State.TOLD
            scores[check.list] = (good + (finding.state is State.MET), seen + is_seen)
        return scores

    def as_json(self) -> str:
        """The diagnosis for programs."""
        lists = {name: {"met": good, "of": seen} for name, (good, seen) in self.scores().items()}
        checks = [
            {"list": check.list, "name": check.name, "required": check.required, "state": finding.state.value,
             "evidence": finding.evidence}
            for check, finding in self.findings
        ]  # fmt: skip
        told = {"url": self.url, "healthy": self.is_healthy, "lists": lists, "checks": checks}
        return json.dumps(told, ensure_ascii=False, indent=1)

    def as_table(self) -> str:
        """The diagnosis for people: each list with its score, and at the end what is missing."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        width = max((len(check.name) for check, _ in self.findings), default=0)
        for name, (good, seen) in self.scores().items():
            yield f"{name}: {good} of {seen}"
            for check, finding in self.findings:
                if check.list == name:
                    optional = "" if check.required else " (optional)"
                    yield f"  {_MARKS[finding.state]} {check.name:<{width}}  {_cut(finding.evidence)}{optional}"
            yield ""
        absent = [(c, f) for c, f in self.findings if f.state is State.MISSING]
        yield f"{self.url}: {'nothing that is required is missing' if self.is_healthy else 'missing'}"
        for check, finding in absent:
            yield f"  {check.list}, {check.name}: {finding.evidence}"


def examine(url: str, ask: Fetch = fetch, checks: tuple[Check, ...] = CHECKS) -> Diagnosis:
    """Examine a site by the address of its landing page.

    Raises Upstream if nothing answers there, UsageError if it is no address of the web.
    """
    site = Site(url, ask)
    if site.landing.status == 0:
        raise Upstream(site.landing.text)
    return Diagnosis(site.url, tuple((check, _examined(check, site)) for check in checks))


def _examined(check: Check, site: Site) -> Finding:
    try:
        return check.examine(site)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # What a strange site says must not end the examination of the rest.
        return missing(f"what the site says is not understood: {error}")


def _cut(text: str) -> str:
    return text if len(text) <= _EVIDENCE else text[: _EVIDENCE - 1] + "…"
