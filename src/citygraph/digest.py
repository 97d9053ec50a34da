"""A digest of a set of quads that does not depend on their order and that a commit updates from its change alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pyoxigraph import Quad

# AdHash (Bellare and Micciancio, 1997): the sum of the members' hashes. The modulus must be large for
# collisions to be infeasible, hence 2,048 bits of SHAKE-256 for each quad.
_BYTES = 256
_MODULUS = 1 << (8 * _BYTES)


class SetDigest:
    """The digest of a set of quads; `total` is what has to be kept to go on from it."""

    def __init__(self, total: int = 0) -> None:
        self.total = total

    def add(self, quads: Iterable[Quad]) -> int:
        """Count quads in that were not in the set; answers how many there were."""
        count = 0
        for count, quad in enumerate(quads, 1):  # noqa: B007 - the count outlives the loop
            self.total = (self.total + _hash(quad)) % _MODULUS
        return count

    def remove(self, quads: Iterable[Quad]) -> int:
        """Count quads out that were in the set; answers how many there were."""
        count = 0
        for count, quad in enumerate(quads, 1):  # noqa: B007 - the count outlives the loop
            self.total = (self.total - _hash(quad)) % _MODULUS
        return count

    @property
    def hex(self) -> str:
        """The digest: 64 hexadecimal digits."""
        return hashlib.sha256(self.total.to_bytes(_BYTES, "big")).hexdigest()


def _hash(quad: Quad) -> int:
    return int.from_bytes(hashlib.shake_256(str(quad).encode()).digest(_BYTES), "big")
