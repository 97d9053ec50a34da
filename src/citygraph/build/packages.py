"""Machine-readable descriptions of the tables: a Frictionless data package, and CSV on the Web."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.build.tables import SEPARATOR, Table, is_text
from citygraph.rdf.terms import CG, DATASET, DCTERMS, LICENSE, RDF, RDFS
from citygraph.release.outputs import CSVW, PACKAGE, OutputFile, sha256
from citygraph.source.queries import Column
from citygraph.text import best_tag

_DATE = r"\d{4}(-\d{2}(-\d{2})?)?"
# Notes for all columns of a kind, appended to their own descriptions.
_ON_DATES = {
    "en": "As exact as the sources: YYYY, YYYY-MM or YYYY-MM-DD.",
    "tr": "Kaynaklar kadar kesin: YYYY, YYYY-AA ya da YYYY-AA-GG.",
}
_ON_SEVERAL = {"en": 'Several values are joined with "; ".', "tr": 'Birden çok değer "; " ile ayrılır.'}
# Dates are not among them: a partial date is no xsd:date, so that they are strings with a pattern.
_CSVW_TYPES = {"integer": "integer", "number": "decimal", "boolean": "boolean", "iri": "anyURI", "text": "string"}


@dataclass(frozen=True)
class DatasetTexts:
    """The dataset in the packages: texts by language, and the sources as IRI and name."""

    title: dict[str, str]
    description: dict[str, str]
    sources: tuple[tuple[str, str], ...]


def write_packages(store: Store, tables: Sequence[Table], version: str, release: Path) -> None:
    """Writes datapackage.json and csv-metadata.json into the folder of the tables. `version` is that of the data."""
    about = read_about(store)
    for offer, text in (
        (PACKAGE, data_package(tables, about, version, release)),
        (CSVW, csv_on_the_web(tables, about, version)),
    ):
        (release / offer.path).write_text(json.dumps(text, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read_about(store: Store) -> DatasetTexts:
    """Reads title, description and sources of the dataset from the catalogue."""
    sources = (quad.subject for quad in store.quads_for_pattern(None, RDF("type"), CG("Source"), DefaultGraph()))
    named = ((s.value, _texts(store, s, RDFS("label"))) for s in sources if isinstance(s, NamedNode))
    return DatasetTexts(
        _texts(store, DATASET, DCTERMS("title")) or {"en": "citygraph"},
        _texts(store, DATASET, DCTERMS("description")),
        tuple(sorted((iri, _english(labels) or iri) for iri, labels in named)),
    )


def data_package(tables: Sequence[Table], about: DatasetTexts, version: str, release: Path) -> dict[str, Any]:
    """Returns the Frictionless Data Package (v1 profile, with our own keys for Turkish texts and Parquet)."""
    resources = [_csv_resource(table, release) for table in tables]
    return {
        "profile": "data-package",
        "name": "citygraph",
        "id": DATASET.value,
        **_in_both("title", about.title),
        **_in_both("description", about.description),
        "version": version,
        "homepage": DATASET.value,
        "licenses": [{"name": "CC0-1.0", "title": "Creative Commons Zero v1.0 Universal", "path": LICENSE.value}],
        "keywords": ["city diplomacy", "sister cities", "town twinning"],
        "sources": [{"title": name, "path": iri} for iri, name in about.sources],
        "resources": resources,
    }


def csv_on_the_web(tables: Sequence[Table], about: DatasetTexts, version: str) -> dict[str, Any]:
    """Returns CSVW metadata (Metadata Vocabulary for Tabular Data), which is found by name next to any table."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": _tagged(about.title),
        "dc:description": _tagged(about.description),
        "dc:license": {"@id": LICENSE.value},
        "dc:isPartOf": {"@id": DATASET.value},
        "schema:version": version,
        "dialect": {"encoding": "utf-8", "delimiter": ",", "lineTerminators": ["\r\n"], "header": True},
        "tables": [_csvw_table(table) for table in tables],
    }


def description_of(column: Column, language: str) -> str:
    """Returns the description of a column, with notes on its format."""
    parts = [column.description[language]]
    if column.type == "date":
        parts.append(_ON_DATES[language])
    if column.several:
        parts.append(_ON_SEVERAL[language])
    return " ".join(parts)


def _csv_resource(table: Table, release: Path) -> dict[str, Any]:
    query = table.query
    return {
        **_file_resource(table.name, table.csv, release),
        # A resource of its own would fail where a validator cannot read Parquet.
        "alternatives": [_file_resource(f"{table.name}-parquet", table.parquet, release)],
        "profile": "tabular-data-resource",
        **_in_both("title", {"en": query.title, "tr": query.turkish["title"]}),
        **_in_both("description", {"en": query.description.strip(), "tr": query.turkish["description"].strip()}),
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": {
            "fields": [_field(column) for column in query.columns],
            "primaryKey": query.columns[0].name,
            "missingValues": [""],
        },
    }


def _file_resource(name: str, offer: OutputFile, release: Path) -> dict[str, Any]:
    path = release / offer.path
    return {
        "name": name,
        "path": path.name,
        "title": offer.title_en,
        "format": path.suffix[1:],
        "mediatype": offer.media_type,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256(path)}",
    }


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": "string" if is_text(column) else column.type,
        **_in_both("title", column.title),
        **_in_both("description", {language: description_of(column, language) for language in ("en", "tr")}),
    }
    pattern = {"date": _DATE, "integer": r"-?\d+", "boolean": "true|false"}.get(column.type)
    # Several values in a cell make it a string; the pattern still checks each value.
    if pattern and is_text(column):
        one = f"({pattern})"
        field["constraints"] = {"pattern": f"{one}({SEPARATOR}{one})*" if column.several else pattern}
    if column.type == "iri" and not column.several:
        field["format"] = "uri"
    return field


def _csvw_table(table: Table) -> dict[str, Any]:
    query = table.query
    return {
        "url": Path(table.csv.path).name,
        "dc:title": _tagged({"en": query.title, "tr": query.turkish["title"]}),
        "dc:description": _tagged({"en": query.description.strip(), "tr": query.turkish["description"].strip()}),
        "tableSchema": {
            "columns": [_csvw_column(column) for column in query.columns],
            "primaryKey": query.columns[0].name,
            "aboutUrl": "{+iri}",
        },
    }


def _csvw_column(column: Column) -> dict[str, Any]:
    texts = {language: description_of(column, language) for language in ("en", "tr")}
    kind: Any = {"base": "string", "format": _DATE} if column.type == "date" else _CSVW_TYPES[column.type]
    return {
        "name": column.name,
        "titles": column.name,  # the heading of the column: the readable title is an annotation
        "dc:title": _tagged(column.title),
        "dc:description": _tagged(texts),
        "datatype": kind,
        **({"separator": SEPARATOR} if column.several else {}),
    }


def _in_both(key: str, texts: Any) -> dict[str, str]:
    return {key if language == "en" else f"{key}_{language}": text for language, text in texts.items()}


def _tagged(texts: Any) -> list[dict[str, str]]:
    return [{"@value": text, "@language": language} for language, text in texts.items()]


def _texts(store: Store, subject: NamedNode, predicate: NamedNode) -> dict[str, str]:
    objects = (quad.object for quad in store.quads_for_pattern(subject, predicate, None, DefaultGraph()))
    return dict(sorted(_by_language(objects)))


def _english(texts: dict[str, str]) -> str:
    tag = best_tag(texts, "en")
    return texts[tag] if tag else ""


def _by_language(objects: Iterable[Any]) -> Iterable[tuple[str, str]]:
    return ((term.language, term.value) for term in objects if isinstance(term, Literal) and term.language)
