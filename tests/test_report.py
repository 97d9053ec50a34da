"""Validation reports."""

from __future__ import annotations

import pytest

from citygraph import report
from citygraph.instance import Instance
from citygraph.report import label_among

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
