"""Which address on this host answers for which IRI, and back."""

from __future__ import annotations

import re
from urllib.parse import quote

from citygraph.text import nfc

_PLAIN = re.compile(r"[A-Za-z0-9/._#-]*")
_SAFE = "/:@!$&'()*+,;=-._~"
# What has a document and is no entity: in the address of the document it stands as in its own.
_NO_ENTITIES = ("source/", "graph/", "ontology/", "dataset")


class Addresses:
    """The addresses of one site: `base` is the IRI that identifiers begin with, `root` the path it is mounted at."""

    def __init__(self, base: str, root: str = "") -> None:
        self.base = base
        self.root = root.rstrip("/")

    def local(self, iri: str) -> str:
        """Where this host answers for an IRI; an IRI that is not ours stays as it is."""
        if not iri.startswith(self.base):
            return iri
        rest = iri.removeprefix(self.base)
        if _PLAIN.fullmatch(rest):
            return f"{self.root}/{rest}"
        path, hash_, fragment = rest.partition("#")
        return f"{self.root}/{quote(path, safe=_SAFE)}{hash_}{quote(fragment, safe=_SAFE + '?')}"

    def is_ours(self, iri: str) -> bool:
        """Whether we answer for this IRI."""
        return iri.startswith(self.base)

    def path(self, path: str) -> str:
        """An address of this host by its path, without a slash in front."""
        return f"{self.root}/{quote(path, safe=_SAFE)}"

    def thing(self, path: str) -> str:
        """The IRI that stands behind a decoded path such as "id/city/bremen" or "doc/city/bremen"."""
        path = nfc(path)
        if path.startswith("doc/"):
            rest = path.removeprefix("doc/")
            path = rest if rest.startswith(_NO_ENTITIES) else f"id/{rest}"
        return self.base + path

    def document(self, iri: str) -> str:
        """The IRI of the document that describes a thing."""
        return f"{self.base}doc/{iri.removeprefix(self.base).removeprefix('id/')}"
