"""Validation reports."""

from __future__ import annotations

import pytest

from citygraph import report
from citygraph.instance import Instance
from citygraph.report import ValidationResult, label_among, report_of, report_of_change

LABELS = {"en": "Nuremberg", "de": "Nürnberg", "": "N"}


@pytest.mark.parametrize(
    ("languages", "texts", "label"),
    [
        (("de", "en"), LABELS, "Nürnberg"),
        (("en", "de"), LABELS, "Nuremberg"),
        (("tr", "de"), LABELS, "Nuremberg"),
        (("de",), {"fr": "Nuremberg"}, "Nuremberg"),
        (("de",), {}, ""),
    ],
)
def test_a_report_names_entities_in_the_first_language_of_the_instance(
    languages: tuple[str, ...], texts: dict[str, str], label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names were in English, also in a report in the language of the instance."""
    monkeypatch.setattr(report, "current_instance", lambda: Instance(languages=languages))
    assert label_among(texts) == label


@pytest.mark.parametrize(
    "focus", ["urn:x:a", '"a \\"b\\" ] .\\n_:c"@en', '"1"^^<http://www.w3.org/2001/XMLSchema#byte>']
)
def test_a_report_for_an_author_is_that_of_its_results(focus: str) -> None:
    """Whatever the focus nodes are: the lines of the others are left out of the W3C report."""
    violation = ValidationResult("violation", focus, "urn:x:One", "urn:x:component", value='"; sh:sourceShape"')
    other = ValidationResult("warning", focus, "urn:x:Other", "urn:x:component", messages={"en": "No."})
    part = report_of_change(report_of([other, violation]), [])
    assert part.results == (violation,)
    assert part.turtle == report_of([violation]).turtle
