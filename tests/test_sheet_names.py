"""Names in sheets in scripts other than Latin."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygraph.rdf.terms import ID, SKOS
from tests.sheet_files import PLACES, SOURCES, Instance, cells, check_csv, new_instance


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A new instance in English and German after its first build."""
    return new_instance(tmp_path_factory.mktemp("names") / "instance")


@pytest.mark.parametrize("semicolon", ["；", "؛"])
def test_semicolons_of_other_scripts_separate_values(instance: Instance, tmp_path: Path, semicolon: str) -> None:
    """Those of Chinese, Japanese and Arabic text."""
    places = PLACES.replace("Danzig; Gedanum", f"Danzig{semicolon}Gedanum")
    result = check_csv(instance, tmp_path, ("places", places), ("sources", SOURCES))
    assert cells(result) == []
    wanted = f"<{ID}city/gdansk> {SKOS('altLabel')} "
    names = [str(one.quad.object) for one in result.statements if str(one.quad).startswith(wanted)]
    assert sorted(names) == ['"Danzig"@en', '"Gedanum"@en']
