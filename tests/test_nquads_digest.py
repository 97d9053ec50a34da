"""The digest of a set of quads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.nquads import SetDigest

QUADS = st.lists(
    st.builds(
        lambda s, o, g: Quad(NamedNode(f"http://e/{s}"), NamedNode("http://e/p"), Literal(o), NamedNode(f"http://g/{g}")),
        st.integers(0, 9), st.text(st.characters(exclude_categories=["Cs"]), max_size=5), st.integers(0, 3),
    ),
    max_size=12, unique_by=str,
)  # fmt: skip


def digest(quads: list[Quad]) -> str:
    of = SetDigest()
    of.add(quads)
    return of.hex


@given(QUADS, st.randoms())
def test_order_does_not_matter(quads: list[Quad], random: object) -> None:
    """The same quads in another order have the same digest."""
    shuffled = list(quads)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert digest(quads) == digest(shuffled)


@given(QUADS, QUADS)
def test_a_commit_updates_it_from_the_change_alone(before: list[Quad], change: list[Quad]) -> None:
    """Adding and removing lead to the digest that the whole set has."""
    new = [quad for quad in change if quad not in before]
    of = SetDigest()
    of.add(before)
    resumed = SetDigest(of.total)
    assert resumed.add(new) == len(new)
    assert resumed.hex == digest(before + new)
    resumed.remove(new)
    assert resumed.hex == digest(before)


@given(QUADS, QUADS)
def test_other_quads_have_another_digest(one: list[Quad], other: list[Quad]) -> None:
    """Equal digests mean equal sets."""
    assert (digest(one) == digest(other)) == ({str(q) for q in one} == {str(q) for q in other})
