"""Terms and prefixes."""

from __future__ import annotations

import pytest

from citygraph.rdf.terms import PREFIXES, split_iri


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_iri_is_split_after_each_namespace(prefix: str) -> None:
    """The local name is the rest, whatever characters it has."""
    assert split_iri(PREFIXES[prefix] + "a/b#c") == (prefix, "a/b#c")


def test_the_longest_namespace_decides() -> None:
    """Statements of Wikidata are below its entities."""
    assert split_iri(PREFIXES["wd"] + "statement/q1-2") == ("wds", "q1-2")
    assert split_iri(PREFIXES["wd"] + "statement/") == ("wd", "statement/")


@pytest.mark.parametrize("iri", [PREFIXES["rdf"], PREFIXES["rdf"][:-1], "http://example.org/x", "urn:x", ""])
def test_an_iri_without_a_local_name_in_a_namespace_is_whole(iri: str) -> None:
    """A namespace by itself has no local name."""
    assert split_iri(iri) == ("", iri)
