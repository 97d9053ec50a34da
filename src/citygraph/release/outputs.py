"""The files that a release offers: dumps and tables with their names, media types and titles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from citygraph.catalogues import ENGLISH, N_, for_instance, templates
from citygraph.rdf.terms import BASE

# A dump may be larger than memory.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class OutputFile:
    """A file of a release. `path` is relative to the release and to the site; `packed` means gzip.

    `title` is in English; `translated` has it by language, if it is not in the catalogues.
    """

    path: str
    media_type: str
    title: str
    packed: bool = False
    format_iri: str = ""  # the format's name in http://www.w3.org/ns/formats/
    translated: tuple[tuple[str, str], ...] = ()

    @property
    def titles(self) -> dict[str, str]:
        """The title in English and in the languages of the instance."""
        return for_instance(dict(self.translated)) if self.translated else templates(self.title)

    @property
    def name(self) -> str:
        """The name in IRIs: `dumps-citygraph-nq-gz` for `dumps/citygraph.nq.gz`."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.path)

    @property
    def address(self) -> str:
        """The IRI of the file in the current release."""
        # The base and not the host: the IRI is part of the data, and mirrors must not change it.
        return BASE + self.path

    @property
    def content_type(self) -> str:
        """The media type of the sent bytes."""
        return "application/gzip" if self.packed else self.media_type


PLAIN_NQUADS = OutputFile(
    "dumps/citygraph.nq",
    "application/n-quads",
    N_("All named graphs as N-Quads, sorted, uncompressed"),
    format_iri="N-Quads",
)
NQUADS = OutputFile(
    "dumps/citygraph.nq.gz",
    "application/n-quads",
    N_("All named graphs as N-Quads, sorted"),
    True,
    "N-Quads",
)
TRIG = OutputFile(
    "dumps/citygraph.trig.gz",
    "application/trig",
    N_("All named graphs as TriG"),
    True,
    "TriG",
)
TURTLE = OutputFile(
    "dumps/citygraph.ttl.gz",
    "text/turtle",
    N_("The data without their graphs (the default graph) as Turtle"),
    True,
    "Turtle",
)
JSONLD = OutputFile(
    "dumps/citygraph.jsonld.gz",
    "application/ld+json",
    N_("The data without their graphs (the default graph) as JSON-LD"),
    True,
    "JSON-LD",
)
DUMPS = (NQUADS, PLAIN_NQUADS, TRIG, TURTLE, JSONLD)
PACKAGE = OutputFile(
    "tables/datapackage.json",
    "application/json",
    N_("The tables described (Frictionless Data Package)"),
)
CSVW = OutputFile(
    "tables/csv-metadata.json",
    "application/csvm+json",
    N_("The tables described (CSV on the Web)"),
)


def table_files(name: str, titles: Mapping[str, str]) -> tuple[OutputFile, OutputFile]:
    """Returns the two files of a table with these titles by language: CSV and Parquet."""
    csv, parquet = (tuple((tag, f"{title} ({kind})") for tag, title in titles.items()) for kind in ("CSV", "Parquet"))
    return (
        OutputFile(f"tables/{name}.csv", "text/csv", dict(csv)[ENGLISH], translated=csv),
        OutputFile(
            f"tables/{name}.parquet", "application/vnd.apache.parquet", dict(parquet)[ENGLISH], translated=parquet
        ),
    )


def measured(folder: Path, offers: Iterable[OutputFile], digests: Mapping[str, str]) -> dict[str, dict[str, int | str]]:
    """Returns size and SHA-256 of each file by path, for the manifest.

    `digests` are the SHA-256 that are known already, by path. The other files are read.
    """
    return {
        offer.path: {
            "bytes": (folder / offer.path).stat().st_size,
            "sha256": digests.get(offer.path) or sha256(folder / offer.path),
        }
        for offer in offers
    }


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
