"""The files that a release offers: dumps and tables with their names, media types and titles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from citygraph.rdf.terms import BASE

# A dump may be larger than memory.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class OutputFile:
    """A file of a release. `path` is relative to the release and to the site; `packed` means gzip."""

    path: str
    media_type: str
    title_en: str
    title_tr: str
    packed: bool = False
    format_iri: str = ""  # the format's name in http://www.w3.org/ns/formats/

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
        """The media type of the bytes as they are sent."""
        return "application/gzip" if self.packed else self.media_type


PLAIN_NQUADS = OutputFile(
    "dumps/citygraph.nq",
    "application/n-quads",
    "All named graphs as N-Quads, sorted, uncompressed",
    "Bütün adlandırılmış graflar, sıralı N-Quads, sıkıştırılmamış",
    format_iri="N-Quads",
)
NQUADS = OutputFile(
    "dumps/citygraph.nq.gz",
    "application/n-quads",
    "All named graphs as N-Quads, sorted",
    "Bütün adlandırılmış graflar, sıralı N-Quads",
    True,
    "N-Quads",
)
TRIG = OutputFile(
    "dumps/citygraph.trig.gz",
    "application/trig",
    "All named graphs as TriG",
    "Bütün adlandırılmış graflar, TriG",
    True,
    "TriG",
)
TURTLE = OutputFile(
    "dumps/citygraph.ttl.gz",
    "text/turtle",
    "The data without their graphs (the default graph) as Turtle",
    "Çizgesiz veri (varsayılan graf), Turtle",
    True,
    "Turtle",
)
JSONLD = OutputFile(
    "dumps/citygraph.jsonld.gz",
    "application/ld+json",
    "The data without their graphs (the default graph) as JSON-LD",
    "Çizgesiz veri (varsayılan graf), JSON-LD",
    True,
    "JSON-LD",
)
DUMPS = (NQUADS, PLAIN_NQUADS, TRIG, TURTLE, JSONLD)
PACKAGE = OutputFile(
    "tables/datapackage.json",
    "application/json",
    "The tables described (Frictionless Data Package)",
    "Tabloların tanımı (Frictionless Data Package)",
)
CSVW = OutputFile(
    "tables/csv-metadata.json",
    "application/csvm+json",
    "The tables described (CSV on the Web)",
    "Tabloların tanımı (CSV on the Web)",
)


def table_files(name: str, title_en: str, title_tr: str) -> tuple[OutputFile, OutputFile]:
    """Returns the two files of a table: CSV and Parquet."""
    return (
        OutputFile(f"tables/{name}.csv", "text/csv", f"{title_en} (CSV)", f"{title_tr} (CSV)"),
        OutputFile(
            f"tables/{name}.parquet", "application/vnd.apache.parquet", f"{title_en} (Parquet)", f"{title_tr} (Parquet)"
        ),
    )


def measured(folder: Path, offers: Iterable[OutputFile]) -> dict[str, dict[str, int | str]]:
    """Returns size and SHA-256 of each file by path, for the manifest."""
    return {
        offer.path: {"bytes": (folder / offer.path).stat().st_size, "sha256": sha256(folder / offer.path)}
        for offer in offers
    }


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
