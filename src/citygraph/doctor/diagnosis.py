"""The diagnosis: the results of all checks on one site, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from citygraph.doctor.fair import FAIR
from citygraph.doctor.fetching import Fetch, fetch
from citygraph.doctor.lod import LOD, VOID_COUNTS
from citygraph.doctor.memento_checks import MEMENTO
from citygraph.doctor.practices import PRACTICES
from citygraph.doctor.scored_site import Check, CheckResult, CheckState, Site, missing
from citygraph.doctor.signposting import SIGNPOSTING
from citygraph.errors import Upstream

CHECKS: tuple[Check, ...] = (*PRACTICES, *FAIR, *LOD, *SIGNPOSTING, *MEMENTO, *VOID_COUNTS)
_MARKS = {CheckState.MET: "✓", CheckState.MISSING: "✗", CheckState.BY_HAND: "·"}
# Longer evidence would break the table; the JSON has it in full.
_EVIDENCE = 100


@dataclass(frozen=True)
class Diagnosis:
    """The results of all checks on a site."""

    url: str
    findings: tuple[tuple[Check, CheckResult], ...]

    @property
    def is_healthy(self) -> bool:
        """Whether no required check has failed."""
        return not any(check.required and finding.state is CheckState.MISSING for check, finding in self.findings)

    def scores(self) -> dict[str, tuple[int, int]]:
        """Returns for each list the number of passed checks and of those that a machine can do."""
        scores: dict[str, tuple[int, int]] = {}
        for check, finding in self.findings:
            good, checked = scores.get(check.list, (0, 0))
            # A check by hand counts neither for nor against the site.
            is_checked = finding.state is not CheckState.BY_HAND
            scores[check.list] = (good + (finding.state is CheckState.MET), checked + is_checked)
        return scores

    def as_json(self) -> str:
        """Returns the diagnosis as JSON."""
        lists = {name: {"met": good, "of": checked} for name, (good, checked) in self.scores().items()}
        checks = [
            {
                "list": check.list,
                "name": check.name,
                "required": check.required,
                "state": finding.state.value,
                "evidence": finding.evidence,
            }
            for check, finding in self.findings
        ]
        document = {"url": self.url, "healthy": self.is_healthy, "lists": lists, "checks": checks}
        return json.dumps(document, ensure_ascii=False, indent=1)

    def as_table(self) -> str:
        """Returns the diagnosis as text: each checklist with its score, and a summary of the failed checks."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        width = max((len(check.name) for check, _ in self.findings), default=0)
        for name, (good, checked) in self.scores().items():
            yield f"{name}: {good} of {checked}"
            for check, finding in self.findings:
                if check.list == name:
                    optional = "" if check.required else " (optional)"
                    yield f"  {_MARKS[finding.state]} {check.name:<{width}}  {_cut(finding.evidence)}{optional}"
            yield ""
        absent = [(c, f) for c, f in self.findings if f.state is CheckState.MISSING]
        yield f"{self.url}: {'nothing that is required is missing' if self.is_healthy else 'missing'}"
        for check, finding in absent:
            yield f"  {check.list}, {check.name}: {finding.evidence}"


def examine(url: str, ask: Fetch = fetch, checks: tuple[Check, ...] = CHECKS) -> Diagnosis:
    """Examines a site by the address of its landing page.

    Raises Upstream if it does not respond, UsageError if the address is not http or https.
    """
    site = Site(url, ask)
    if site.landing.status == 0:
        raise Upstream(site.landing.text)
    return Diagnosis(site.url, tuple((check, _examined(check, site)) for check in checks))


def _examined(check: Check, site: Site) -> CheckResult:
    try:
        return check.examine(site)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # Strange data at one check must not end the examination.
        return missing(f"the response could not be interpreted: {error}")


def _cut(text: str) -> str:
    return text if len(text) <= _EVIDENCE else text[: _EVIDENCE - 1] + "…"
