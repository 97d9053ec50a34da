"""The record of a cited result: the query in its normal form, its parameters, the release and the digest of the rows.

A record has no rows: the release that it names never changes, so that the query has the same rows whenever it runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from citygraph.errors import UsageError
from citygraph.rdf.formats import Kind
from citygraph.sparql.normal_form import cuts_unordered, sort_columns, values_in
from citygraph.sparql.result_rows import ResultRows

ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# The version of the rules for the normal form, the identifier and the digest (docs/citing.md).
_RULES = "citygraph-result-1"


@dataclass(frozen=True)
class CitedResult:
    """A cited result. `release` and `result` are digests: of the data, and of the rows.

    `name` is the stored query, `about` the entity whose document is cited; both are empty for a query of a reader's
    own. `release_id` is the name of the release on the server that stored the result, `title` the one there, by
    language.
    """

    id: str
    query: str
    parameters: Mapping[str, str]
    release: str
    release_id: str
    kind: Kind
    columns: tuple[str, ...]
    rows: int
    result: str
    name: str = ""
    about: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    stored: str = ""
    software: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which the query sorts its rows."""
        return sort_columns(self.query)

    @property
    def is_cut_by_engine(self) -> bool:
        """Whether the engine chooses the rows: a LIMIT without an order."""
        return cuts_unordered(self.query)

    def as_json(self) -> str:
        """Returns the record as a file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class CitableQuery:
    """A query to be cited: its normal form, its parameters, and its description in a citation."""

    normal: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    about: str = ""
    title: Mapping[str, str] = field(default_factory=dict)

    def id_on(self, digest: str) -> str:
        """Returns the identifier of its result on data with this digest: the same on every machine."""
        lines = [_RULES, self.normal, *(f"?{name} {value}" for name, value in sorted(self.parameters.items())), digest]
        return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()[:32]

    def record(self, rows: ResultRows, release_id: str, digest: str, stored: str, software: str) -> CitedResult:
        """Returns the record of its result on a release."""
        return CitedResult(
            self.id_on(digest),
            self.normal,
            dict(sorted(self.parameters.items())),
            digest,
            release_id,
            rows.kind,
            rows.columns,
            len(rows.cells),
            rows.digest,
            self.name,
            self.about,
            dict(self.title),
            stored,
            software,
        )


def read_record(text: str) -> CitedResult:
    """Reads the record of a cited result. Raises UsageError if the text is not a record or is inconsistent."""
    try:
        values: dict[str, Any] = json.loads(text)
        known = {name: values[name] for name in (one.name for one in fields(CitedResult)) if name in values}
        record = CitedResult(**{**known, "kind": Kind(values["kind"]), "columns": tuple(values["columns"])})
        texts = [record.id, record.query, record.release, record.result, record.stored]
        texts += [*record.parameters, *record.parameters.values()]
        is_record = all(isinstance(one, str) for one in texts) and isinstance(record.rows, int)
    except (ValueError, TypeError, KeyError, AttributeError):
        is_record = False
    if not is_record or not _DIGEST.fullmatch(record.release) or not _DIGEST.fullmatch(record.result):
        raise UsageError("this is not the record of a cited result")
    if dict(values_in(record.query, record.parameters)) != dict(record.parameters):
        raise UsageError("the record contradicts itself: its query has other values than its parameters")
    if CitableQuery(record.query, record.parameters).id_on(record.release) != record.id:
        raise UsageError("the record contradicts itself: its identifier is not that of its query and its release")
    return record
