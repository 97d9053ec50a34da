"""Resolution of a name to exactly one entity; an ambiguous or unknown name is an error with candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from citygraph.errors import AmbiguousName, UnknownName
from citygraph.index.facts import ENTITY
from citygraph.matching.score import LONGEST_NAME, Candidate, Finder, IndexedEntity, Question, reconcile

_MOST = 10
_NEAR = 55.0
_EXACT = 100.0
# The segment of a class in the IRIs of its entities, if it is not the name of the class in small letters.
_SEGMENTS = {"AdministrativeArea": "area", "Municipality": "organisation", "Association": "organisation"}


def segments_of(classes: Iterable[str]) -> tuple[str, ...]:
    """Returns the path segments of the IRIs of entities of these classes: `city` for City, `area` for areas."""
    return tuple(_SEGMENTS.get(name, name.lower()) for name in classes)


def resolve_name(text: str, classes: Sequence[str], finder: Finder, parameter: str = "") -> IndexedEntity:
    """Returns the entity of one of the classes (local names; none is any class) with this identifier, slug or name.

    Names are compared in search form: case, accents and the dots of I do not count. A label goes before another name.
    Raises AmbiguousName with the entities of that name, or UnknownName with those of similar names.
    """
    text = text.strip()[:LONGEST_NAME]
    by_slug = finder.identified(f"{segment}/{text}" for segment in segments_of(classes) if "/" not in text)
    if len(by_slug) == 1:
        return by_slug[0]
    candidates = reconcile(Question(text, tuple(classes), strict="any", limit=_MOST), finder) if text else []
    for kind in ("id", "name", "alias"):
        exact = [candidate for candidate in candidates if _is_exact(candidate, kind)]
        if len(exact) == 1:
            return exact[0].entity
        if exact:
            several = ", ".join(one["id"] for one in _described(exact))
            told = f"{parameter or 'name'}: {text[:80]!r} is the name of several entities: {several}"
            raise AmbiguousName(told, parameter, _described(exact))
    near = [candidate for candidate in candidates if candidate.score >= _NEAR]
    if near:
        names = ", ".join(one.entity.label for one in near)
        told = f"{parameter or 'name'}: no entity has the name {text[:80]!r}; similar names: {names}"
    else:
        told = f"{parameter or 'name'}: no entity has the name {text[:80]!r}"
    raise UnknownName(told, parameter, _described(near))


def _is_exact(candidate: Candidate, kind: str) -> bool:
    value = dict(candidate.features).get(kind)
    return value is True or value == _EXACT


def _described(candidates: Iterable[Candidate]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"id": one.entity.iri.partition(ENTITY)[2], "iri": one.entity.iri, "name": one.entity.label}
        for one in candidates
    )
