"""The ground of a page over a release, as tests of layouts need it."""

from __future__ import annotations

from collections.abc import Mapping

from citygraph.release import Release
from citygraph.terms import BASE
from citygraph.web.answering.addresses import Addresses
from citygraph.web.answering.shelf import OpenRelease
from citygraph.web.kinds.ground import Ground
from citygraph.web.pages.register import Registrar
from citygraph.web.pages.words import Words


def ground_of(
    release: Release, language: str = "en", view: Mapping[str, str] | None = None, today: str = "2026-11-22"
) -> Ground:
    """A ground on which nothing was asked yet."""
    opened, words, addresses = OpenRelease(release, BASE), Words(language), Addresses(BASE)
    return Ground(opened, words, addresses, Registrar(opened, words, addresses), "", view or {}, today)
