"""Machine-readable descriptions of the tables: a Frictionless data package, CSV on the Web, and Croissant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.build.tables import DAY, SEPARATOR, Table, by_key, is_text, main_tag
from citygraph.catalogues import ENGLISH, N_, for_instance, templates, translated
from citygraph.instance import current_instance
from citygraph.rdf.terms import CG, DATASET, DCTERMS, LICENSE, RDF, RDFS
from citygraph.release.outputs import CSVW, DUMPS, PACKAGE, OutputFile, sha256
from citygraph.release.releases import Release
from citygraph.source.queries import Column

_DATE = r"\d{4}(-\d{2}(-\d{2})?)?"
_DAY = r"\d{4}-\d{2}-\d{2}"
# Notes for all columns of a kind, appended to their own descriptions.
_ON_DATES = N_("As exact as the sources: YYYY, YYYY-MM or YYYY-MM-DD.")
_ON_SEVERAL = N_('Several values are joined with "; ".')
_KEYWORDS = (N_("city diplomacy"), N_("sister cities"), N_("town twinning"))
# Dates are not among them: a partial date is not an xsd:date, so that they are strings with a pattern.
_CSVW_TYPES = {
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
    "iri": "anyURI",
    "text": "string",
    DAY: "date",
}
# The types of a data package; all others are strings.
_FIELD_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean", DAY: "date"}


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
    title = _texts(store, DATASET, DCTERMS("title")) or dict(current_instance().title)
    return DatasetTexts(
        title,
        # The formats require a description.
        _texts(store, DATASET, DCTERMS("description")) or title,
        tuple(sorted((iri, _preferred(labels) or iri) for iri, labels in named)),
    )


def data_package(tables: Sequence[Table], about: DatasetTexts, version: str, release: Path) -> dict[str, Any]:
    """Returns the Frictionless Data Package (v1 profile, with our own keys for further languages and Parquet)."""
    resources = [_csv_resource(table, release) for table in tables]
    return {
        "profile": "data-package",
        "name": "citygraph",
        "id": DATASET.value,
        **by_key("title", about.title),
        **by_key("description", about.description),
        "version": version,
        "homepage": DATASET.value,
        "licenses": [_licence()],
        "keywords": [translated(word, _main_language()) for word in _KEYWORDS],
        "sources": [{"title": name, "path": iri} for iri, name in about.sources],
        "resources": resources,
    }


def _licence() -> dict[str, str]:
    instance = current_instance()
    if instance.is_free:
        return {"name": "CC0-1.0", "title": "Creative Commons Zero v1.0 Universal", "path": instance.licence}
    # Without a name in the list of Open Definition, the address alone identifies it.
    named = {"name": instance.licence_id} if instance.licence_id else {}
    return {**named, "title": instance.licence_name, "path": instance.licence}


def csv_on_the_web(tables: Sequence[Table], about: DatasetTexts, version: str) -> dict[str, Any]:
    """Returns CSVW metadata (Metadata Vocabulary for Tabular Data), which is found by name next to any table."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": _main_language()}],
        "dc:title": _tagged(about.title),
        "dc:description": _tagged(about.description),
        "dc:license": {"@id": LICENSE.value},
        "dc:isPartOf": {"@id": DATASET.value},
        "schema:version": version,
        "dialect": {"encoding": "utf-8", "delimiter": ",", "lineTerminators": ["\r\n"], "header": True},
        "tables": [_csvw_table(table) for table in tables],
    }


def croissant(release: Release, store: Store, root: str) -> dict[str, Any] | None:
    """Returns the release in Croissant 1.0, or None if the release has no tables.

    `root` is the address of the site. Unlike the other packages it needs the date of the release, so that it is made
    from these packages when it is read.
    """
    if CSVW.path not in release.manifest.outputs:
        return None
    package, csvw = (json.loads((release.path / file.path).read_text("utf-8")) for file in (PACKAGE, CSVW))
    created = release.manifest.created[:10]
    return {
        "@context": {"@language": csvw["@context"][1]["@language"], **_CROISSANT_CONTEXT},
        "@type": "sc:Dataset",
        "@id": DATASET.value,
        "conformsTo": _CROISSANT,
        "name": package["name"],
        "alternateName": package["title"],
        "description": package["description"],
        "url": f"{root}/dataset",
        "license": LICENSE.value,
        "creator": [
            {"@type": "sc:Organization", "@id": iri, "name": name, "url": iri} for iri, name in _creators(store)
        ],
        "datePublished": created,
        # Croissant requires a semantic version: the parts of the date, and the digest as build metadata.
        "version": ".".join(str(int(part)) for part in created.split("-")),
        "citeAs": f"{current_instance().title_in(_main_language())}, release {release.id}, {DATASET.value}",
        "inLanguage": list(current_instance().languages),
        "keywords": package["keywords"],
        "distribution": [_file_object(path, facts, root) for path, facts in _described(release.manifest.outputs)],
        "recordSet": [_record_set(table) for table in csvw["tables"]],
    }


def descriptions_of(column: Column) -> dict[str, str]:
    """Returns the description of a column by language, with notes on its format."""
    notes = [note for note, applies in ((_ON_DATES, column.type == "date"), (_ON_SEVERAL, column.several)) if applies]
    return {
        language: " ".join([text, *(translated(note, language) for note in notes)])
        for language, text in column.description.items()
    }


def _csv_resource(table: Table, release: Path) -> dict[str, Any]:
    query = table.query
    return {
        **_file_resource(table.name, table.csv, release),
        # A resource of its own would fail where a validator cannot read Parquet.
        "alternatives": [_file_resource(f"{table.name}-parquet", table.parquet, release)],
        "profile": "tabular-data-resource",
        **by_key("title", query.titles),
        **by_key("description", query.descriptions),
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": {
            "fields": [_field(column) for column in table.columns],
            "primaryKey": _plain_key(table),
            "missingValues": [""],
        },
    }


def _plain_key(table: Table) -> str | list[str]:
    return table.key[0] if len(table.key) == 1 else list(table.key)


def _file_resource(name: str, offer: OutputFile, release: Path) -> dict[str, Any]:
    path = release / offer.path
    return {
        "name": name,
        "path": path.name,
        **by_key("title", offer.titles),
        "format": path.suffix[1:],
        "mediatype": offer.media_type,
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256(path)}",
    }


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _FIELD_TYPES.get(column.type, "string") if not column.several else "string",
        **by_key("title", column.title),
        **by_key("description", descriptions_of(column)),
    }
    pattern = {"date": _DATE, DAY: _DAY if column.several else None, "integer": r"-?\d+", "boolean": "true|false"}.get(
        column.type
    )
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
        "dc:title": _tagged(query.titles),
        "dc:description": _tagged(query.descriptions),
        "tableSchema": {
            "columns": [_csvw_column(column) for column in table.columns],
            "primaryKey": _plain_key(table),
            # A row with a key of several columns is about no entity of its own.
            **({"aboutUrl": "{+iri}"} if table.key == ("iri",) else {}),
        },
    }


def _csvw_column(column: Column) -> dict[str, Any]:
    texts = descriptions_of(column)
    kind: Any = {"base": "string", "format": _DATE} if column.type == "date" else _CSVW_TYPES[column.type]
    return {
        "name": column.name,
        "titles": column.name,  # the heading of the column: the readable title is an annotation
        "dc:title": _tagged(column.title),
        "dc:description": _tagged(texts),
        "datatype": kind,
        **({"separator": SEPARATOR} if column.several else {}),
    }


_CROISSANT = "http://mlcommons.org/croissant/1.0"
# The context that the specification prescribes, in its order.
_CROISSANT_CONTEXT: dict[str, Any] = {
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
            "transform",
        )
    },
}
_CROISSANT_TYPES = {
    "date": "sc:Date",
    "integer": "sc:Integer",
    "decimal": "sc:Float",
    "boolean": "sc:Boolean",
    "anyURI": "sc:URL",
}
_FILE_TYPES = {file.path: file.media_type for file in DUMPS}
_BY_ENDING = {".csv": "text/csv", ".parquet": "application/x-parquet"}


def _creators(store: Store) -> list[tuple[str, str]]:
    """Returns IRI and English name of the agents that made the dataset."""
    quads = store.quads_for_pattern(DATASET, DCTERMS("creator"), None, DefaultGraph())
    agents = sorted({quad.object.value for quad in quads if isinstance(quad.object, NamedNode)})
    return [(iri, _preferred(_texts(store, NamedNode(iri), RDFS("label"))) or iri) for iri in agents]


def _described(outputs: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yields the tables and dumps among the files of a release, without descriptions of tables."""
    return ((path, facts) for path, facts in sorted(outputs.items()) if _file_type(path))


def _file_type(path: str) -> str:
    return _FILE_TYPES.get(path) or _BY_ENDING.get(Path(path).suffix, "")


def _file_object(path: str, facts: Mapping[str, Any], root: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": Path(path).name,
        "name": Path(path).name,
        "contentUrl": f"{root}/{path}",
        "contentSize": f"{facts['bytes']} B",
        "encodingFormat": "application/gzip" if path.endswith(".gz") else _file_type(path),
        "sha256": facts["sha256"],
    }


def _record_set(table: Mapping[str, Any]) -> dict[str, Any]:
    name = Path(table["url"]).stem
    schema = table["tableSchema"]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": _main_text(table["dc:description"]),
        "key": _croissant_key(name, schema["primaryKey"]),
        "field": [_croissant_field(name, table["url"], column) for column in schema["columns"]],
    }


def _croissant_key(table: str, key: str | list[str]) -> dict[str, str] | list[dict[str, str]]:
    return {"@id": f"{table}/{key}"} if isinstance(key, str) else [{"@id": f"{table}/{one}"} for one in key]


def _croissant_field(table: str, file: str, column: Mapping[str, Any]) -> dict[str, Any]:
    # Partial dates are text. So are several values: mlcroissant 1.1.1 cannot split a column of numbers.
    is_text = isinstance(column["datatype"], dict) or "separator" in column
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column['name']}",
        "name": column["name"],
        "description": _main_text(column["dc:description"]),
        "dataType": "sc:Text" if is_text else _CROISSANT_TYPES.get(column["datatype"], "sc:Text"),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column["name"]}},
    }


def _main_text(texts: Sequence[Mapping[str, str]]) -> str:
    by_language = {text["@language"]: text["@value"] for text in texts}
    return by_language[main_tag(by_language) or ""]


def _tagged(texts: Any) -> list[dict[str, str]]:
    return [{"@value": text, "@language": language} for language, text in for_instance(texts).items()]


def _texts(store: Store, subject: NamedNode, predicate: NamedNode) -> dict[str, str]:
    objects = (quad.object for quad in store.quads_for_pattern(subject, predicate, None, DefaultGraph()))
    return dict(sorted(_by_language(objects)))


def _preferred(texts: dict[str, str]) -> str:
    tag = main_tag(texts)
    return texts[tag] if tag else ""


def _main_language() -> str:
    """Returns the language of the packages: the first of the instance that has a catalogue, else English."""
    return main_tag(templates(_ON_DATES)) or ENGLISH


def _by_language(objects: Iterable[Any]) -> Iterable[tuple[str, str]]:
    return ((term.language, term.value) for term in objects if isinstance(term, Literal) and term.language)
