"""What a release offers as files: dumps and tables, with their names, media types and titles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from citygraph.terms import BASE

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Offer:
    """A file of a release: `path` is relative to the release and to the site, `packed` if it is compressed."""

    path: str
    media_type: str
    title_en: str
    title_tr: str
    packed: bool = False
    format_iri: str = ""  # the format's name in http://www.w3.org/ns/formats/

    @property
    def name(self) -> str:
        """The name in IRIs: `dumps/citygraph.nq.gz` is `dumps-citygraph-nq-gz`."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.path)

    @property
    def address(self) -> str:
        """Where the file of the current release stands."""
        return BASE + self.path

    @property
    def content_type(self) -> str:
        """The media type of the bytes as they are sent."""
        return "application/gzip" if self.packed else self.media_type


NQUADS = Offer(
    "dumps/citygraph.nq.gz", "application/n-quads", "All named graphs as N-Quads, sorted",
    "Bütün adlandırılmış graflar, sıralı N-Quads", True, "N-Quads",
)  # fmt: skip
TRIG = Offer(
    "dumps/citygraph.trig.gz", "application/trig", "All named graphs as TriG", "Bütün adlandırılmış graflar, TriG",
    True, "TriG",
)  # fmt: skip
TURTLE = Offer(
    "dumps/citygraph.ttl.gz", "text/turtle", "The data without their graphs (the default graph) as Turtle",
    "Grafsız veri (varsayılan graf), Turtle", True, "Turtle",
)  # fmt: skip
JSONLD = Offer(
    "dumps/citygraph.jsonld.gz", "application/ld+json", "The data without their graphs (the default graph) as JSON-LD",
    "Grafsız veri (varsayılan graf), JSON-LD", True, "JSON-LD",
)  # fmt: skip
DUMPS = (NQUADS, TRIG, TURTLE, JSONLD)
PACKAGE = Offer(
    "tables/datapackage.json", "application/json", "The tables described (Frictionless Data Package)",
    "Tabloların tanımı (Frictionless Data Package)",
)  # fmt: skip
CSVW = Offer(
    "tables/csv-metadata.json", "application/csvm+json", "The tables described (CSV on the Web)",
    "Tabloların tanımı (CSV on the Web)",
)  # fmt: skip


def table_offers(name: str, title_en: str, title_tr: str) -> tuple[Offer, Offer]:
    """The two files of a table: CSV and Parquet."""
    return (
        Offer(f"tables/{name}.csv", "text/csv", f"{title_en} (CSV)", f"{title_tr} (CSV)"),
        Offer(
            f"tables/{name}.parquet", "application/vnd.apache.parquet", f"{title_en} (Parquet)", f"{title_tr} (Parquet)"
        ),
    )


def measured(folder: Path, offers: Iterable[Offer]) -> dict[str, dict[str, int | str]]:
    """Size and SHA-256 of each file that a release offers, by its path: what the manifest keeps of them."""
    return {
        offer.path: {"bytes": (folder / offer.path).stat().st_size, "sha256": sha256(folder / offer.path)}
        for offer in offers
    }


def sha256(path: Path) -> str:
    """The SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
