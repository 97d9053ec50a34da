"""Several terms of a person in an office, in rows of one source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from pyoxigraph import Quad

from citygraph.rdf.terms import CG, ID
from tests.sheet_files import SOURCES, Instance, cells, checked, exported_sheets, new_instance

TERMS = """Name (en);Office;Organisation;Term;In office from;In office until;Source
Erika Example;mayor;City Hall;;1984;1989;page
Erika Example;mayor;City Hall;{};1994-03;1999;page
"""
_TENURE = f"{ID}tenure/erika-example-mayor-of-city-hall"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance after its first build."""
    return new_instance(tmp_path_factory.mktemp("terms") / "instance")


def _terms(quads: Iterable[Quad]) -> dict[str, str]:
    return {
        str(getattr(q.subject, "value", "")): str(getattr(q.object, "value", ""))
        for q in quads
        if q.predicate == CG("startDate")
    }


@pytest.mark.parametrize(
    ("term", "second"),
    [("1994", f"{_TENURE}-1994"), ("2. Amtszeit", f"{_TENURE}-2-amtszeit"), ("tenure/of-1994", f"{ID}tenure/of-1994")],
)
def test_a_second_term_in_an_office_has_its_own_identifier(
    instance: Instance, tmp_path: Path, term: str, second: str
) -> None:
    """The first one keeps the identifier that it has without a second one. An export has both rows again."""
    result = checked(instance, tmp_path, [("people", TERMS.format(term)), ("sources", SOURCES)])
    assert cells(result) == []
    assert _terms(result.after) == {_TENURE: "1984", second: "1994-03"}
    again = checked(instance, tmp_path, exported_sheets(instance, result.after))
    assert cells(again) == []
    assert set(again.after) == set(result.after)


def test_the_terms_of_a_row_are_distinguished_where_its_dates_show_another_one(
    instance: Instance, tmp_path: Path
) -> None:
    """Without the column, one term had two starts. More precise dates and further rows of one term are no error."""
    sources = ("sources", SOURCES)
    result = checked(instance, tmp_path, [("people", TERMS.format("")), sources])
    assert [(one.rule.name, one.address.name, one.values["column"]) for one in result.errors] == [
        ("term-unclear", "E3", "Term")
    ]
    ended = TERMS.format("").replace("1984;1989", ";1989").replace("1994-03;1999", "1994;")
    assert cells(checked(instance, tmp_path, [("people", ended), sources])) == [("people", "E3", "term-unclear")]
    same = TERMS.format("").replace("1994-03;1999", "1984-03;")
    assert "term-unclear" not in {
        rule for _, _, rule in cells(checked(instance, tmp_path, [("people", same), sources]))
    }


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("Erika Example;mayor;City Hall;!!;1984;;page", ("people", "D2", "suffix")),
        ("Erika Example;mayor;City Hall;–;1984;;page", ("people", "D2", "deletion-unclear")),
        ("Erika Example;;;2;;;page", ("people", "D2", "value-alone")),
    ],
)
def test_a_term_that_distinguishes_nothing_is_an_error(
    instance: Instance, tmp_path: Path, row: str, problem: tuple[str, str, str]
) -> None:
    """At its own cell."""
    people = f"{TERMS.partition(chr(10))[0]}\n{row}\n"
    assert cells(checked(instance, tmp_path, [("people", people), ("sources", SOURCES)])) == [problem]


def test_an_office_of_a_person_without_a_name_has_the_identifier_of_the_person(
    instance: Instance, tmp_path: Path
) -> None:
    """A row with an identifier needs no name. Its tenure could not be named, and the check ended with a KeyError."""
    people = """Name (en);Office;Organisation;In office from;Source;Identifier
;mayor;City Hall;1984;page;person/erika-example
"""
    result = checked(instance, tmp_path, [("people", people), ("sources", SOURCES)])
    assert _terms(one.quad for one in result.statements) == {_TENURE: "1984"}
