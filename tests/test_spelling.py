"""Spellings: similarity, keys for near ones, and the parts of a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.index.spelling import LONGEST, SHORTEST, forms, keys, qualified, similarity, skeleton

_NAMES = st.text("abcdefghijklmnoprstuvyz ", min_size=SHORTEST + 1, max_size=LONGEST - 1)


@given(_NAMES, st.data())
def test_one_letter_more_less_or_other_is_found(name: str, data: st.DataObject) -> None:
    """Two names that differ in one letter share a key."""
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("aeioukrst"))
    for other in (
        name[:place] + name[place + 1 :],
        name[:place] + letter + name[place:],
        name[:place] + letter + name[place + 1 :],
        name[:place] + name[place : place + 2][::-1] + name[place + 2 :],
    ):
        assert not keys(name).isdisjoint(keys(other))


@given(_NAMES, _NAMES)
def test_similarity_is_symmetric_and_1_only_for_the_same(one: str, other: str) -> None:
    """A number from 0 to 1."""
    alike = similarity(one, other)
    assert alike == similarity(other, one)
    assert 0 <= alike <= 1
    assert similarity(one, one) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("kharkiv", "charkiw"), ("tschernihiw", "tchernihiv"), ("calcutta", "kalkutta"), ("meymaneh", "maimana")],
)
def test_transliterations_sound_alike(one: str, other: str) -> None:
    """German, English and French ways to write a name have the same consonants."""
    assert skeleton(one) == skeleton(other)
    assert similarity(one, other) >= 0.8


@pytest.mark.parametrize(
    ("text", "core", "qualifier"),
    [("Man (Elfenbeinküste)", "Man", "Elfenbeinküste"), ("Aiken, South Carolina", "Aiken", "South Carolina"),
     ("İzmir", "İzmir", ""), ("", "", ""), ("(x)", "(x)", "")],
)  # fmt: skip
def test_what_tells_namesakes_apart_is_taken_off(text: str, core: str, qualifier: str) -> None:
    """In parentheses, or after a comma."""
    assert qualified(text) == (core, qualifier)


def test_a_name_may_be_the_beginning_or_end_of_what_is_written() -> None:
    """By whole words."""
    assert forms("San Pablo City")[:3] == ("san pablo city", "san pablo", "san")
    assert "miaoli" in forms("Landkreis Miaoli")
    assert forms("Frankfurt (Oder)")[0] == "frankfurt oder"
