"""The results of the tools: models with published schemas, and their text for the language model."""

from __future__ import annotations

import csv
import io
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, Field

# A value of a row; IRIs are shortened by the prefixes of the graph, such as city:izmir.
Value = str | int | float | bool | None


class ToolAnswer(BaseModel):
    """The common fields of every result."""

    release: str = Field(description="name of the release that answered; it ends with the first digits of its digest")
    source: str = Field(description="address at which a browser or program finds the same answer")
    citation: str = Field(description="sentence for a list of references")
    arguments: dict[str, Any] = Field(description="the arguments in use; one that is missing here was ignored")


class PartialAnswer(ToolAnswer):
    """A part of a whole: `shown` of `total`, from `offset` on."""

    total: int = Field(description="number of all rows, not only those shown")
    shown: int
    offset: int = 0
    advice: str = Field("", description="how to narrow the question or get the rest; what to try if nothing was found")


class FoundEntity(BaseModel):
    """An entity that a search found."""

    id: str = Field(description="for describe, and in SPARQL")
    label: str
    kind: str
    country: str = ""


class SearchAnswer(PartialAnswer):
    """The entities that a search found."""

    results: list[FoundEntity]
    kinds: dict[str, int] = Field(description="number of results of each kind")


class StatementEntry(BaseModel):
    """A statement about the entity, or from another entity to it ("in"), with the sources that state it."""

    direction: str = Field(description='"out": the entity is the subject; "in": `value` is the subject')
    property: str
    value: Value
    label: str = Field("", description="name of the value")
    sources: list[str] = Field(description="documents that state it; derived and curation are citygraph's own")


class EntityAnswer(PartialAnswer):
    """The statements about an entity."""

    id: str
    iri: str
    label: str
    statements: list[StatementEntry]


class RowsAnswer(PartialAnswer):
    """Rows of a query."""

    columns: list[str]
    rows: list[dict[str, Value]]


class ParameterEntry(BaseModel):
    """A parameter of a stored query."""

    name: str
    type: str
    default: str = ""
    description: str = ""


class StoredQueryEntry(BaseModel):
    """A stored query."""

    name: str
    title: str
    description: str
    parameters: list[ParameterEntry]


class StoredQueriesAnswer(PartialAnswer):
    """Stored queries."""

    queries: list[StoredQueryEntry]


class TermEntry(BaseModel):
    """A class or property for use in SPARQL."""

    name: str
    label: str
    about: str
    uses: int


class TermsAnswer(PartialAnswer):
    """Classes and properties, the best match or the most used first."""

    classes: list[TermEntry]
    properties: list[TermEntry]
    prefixes: dict[str, str]


class ToolProblem(BaseModel):
    """The reason why a tool has no result, and the remedy."""

    type: str
    title: str
    detail: str
    suggestions: list[str] = []


def as_result(answer: ToolAnswer, text: str) -> CallToolResult:
    """Returns the result with the text before its origin."""
    origin = f"release: {answer.release}\nsource: {answer.source}\ncite as: {answer.citation}"
    if isinstance(answer, PartialAnswer):
        scope = (
            f"{answer.shown} of {answer.total} row(s), from number {answer.offset + 1} on" if answer.total else "none"
        )
        origin = f"{scope}\n{answer.advice}\n{origin}" if answer.advice else f"{scope}\n{origin}"
    content = TextContent(type="text", text=f"{text.rstrip()}\n\n{origin}")
    return CallToolResult(content=[content], structured_content=answer.model_dump(mode="json"))


def as_error(problem: ToolProblem) -> CallToolResult:
    """Returns the problem as the error of a tool."""
    lines = [f"{problem.title}: {problem.detail}", *(f"- {one}" for one in problem.suggestions)]
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))],
        structured_content=problem.model_dump(mode="json"),
        is_error=True,
    )


def as_csv(columns: list[str], rows: list[dict[str, Value]]) -> str:
    """Returns the rows as CSV, which takes fewer words than JSON."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
