"""IRIs of entities from a language model's text: a search id, a path, an IRI, or an unambiguous name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from citygraph.mcp.site_reading import ReleaseReader
from citygraph.rdf.terms import ID, PREFIXES
from citygraph.text import fold

_FORBIDDEN = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_PATH = re.compile(r"[a-z-]+/[a-z0-9-]+")
_SCHEMES = ("http://", "https://", "urn:")
_CANDIDATES = 8


class NameProblem(Exception):
    """A name in an argument that means nothing, or more than one thing; `candidates` are what may be meant."""

    def __init__(self, kind: str, title: str, detail: str, candidates: Iterable[str] = ()) -> None:
        super().__init__(detail)
        self.kind = kind
        self.title = title
        self.candidates = list(candidates)


class EntityNames:
    """The names of entities in a release."""

    def __init__(self, reader: ReleaseReader) -> None:
        self._reader = reader

    def iri_of(self, name: str) -> str:
        """Returns the IRI of the named entity. Raises NameProblem if no entity or several entities have the name."""
        name = name.strip().strip("<>")
        if name.startswith(_SCHEMES) and not _FORBIDDEN.search(name):
            return name
        prefix, colon, local = name.partition(":")
        prefixes = self._reader.terms.prefixes
        if colon and prefix in prefixes and not _FORBIDDEN.search(local):
            return prefixes[prefix] + local
        if _PATH.fullmatch(name):
            return ID + name
        return self._by_name(name)

    def unknown(self, name: str) -> NameProblem:
        """Returns the problem of a name that no entity has, with the most similar names."""
        words = re.sub(r"[:/_-]", " ", name.rpartition("/")[2].rpartition(":")[2])
        found = self._reader.json("search.json", q=words)
        similar = [_as_text(one) for one in (*found["results"], *found["suggestions"])][:_CANDIDATES]
        return NameProblem("unknown-entity", "Unknown entity", f"there is no {name!r} in this release", similar)

    def _by_name(self, name: str) -> str:
        results = self._reader.json("search.json", q=name)["results"]
        same = [one for one in results if fold(name) in (fold(one["label"]), fold(one["name"]))] or results
        if not same:
            raise self.unknown(name)
        if len(same) > 1:
            detail = f"{name!r} may mean {len(same)} entities; choose one by its id"
            raise NameProblem("ambiguous-name", "Ambiguous name", detail, map(_as_text, same[:_CANDIDATES]))
        return str(same[0]["iri"])

    @staticmethod
    def path_of(iri: str) -> str:
        """Returns the path of the document of an entity, such as doc/city/bremen."""
        if iri.startswith(ID):
            return f"doc/{iri.removeprefix(ID)}"
        return urlsplit(iri).path.removeprefix(urlsplit(PREFIXES["source"]).path.removesuffix("source/"))


def _as_text(found: dict[str, str]) -> str:
    return f"{found['id']}: {found['label']}"
