"""The tools: search, description, stored queries, vocabulary and SPARQL, each with the origin of its result."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from citygraph.client.graph_errors import GraphError, NotInGraph
from citygraph.client.result_table import ResultTable
from citygraph.client.typed_values import IRI
from citygraph.client.web_exchange import RESERVED_PARAMETERS
from citygraph.mcp.answers import (
    EntityAnswer,
    FoundEntity,
    ParameterEntry,
    RowsAnswer,
    SearchAnswer,
    StatementEntry,
    StoredQueriesAnswer,
    StoredQueryEntry,
    TermEntry,
    TermsAnswer,
    ToolProblem,
    Value,
    as_csv,
    as_error,
    as_result,
)
from citygraph.mcp.entity_names import EntityNames, NameProblem
from citygraph.mcp.site_reading import ReleaseReader, SiteReader, as_value
from citygraph.mcp.term_check import GraphTerm, UnknownTerm, unknown_terms
from citygraph.sparql.grammar import UnexpectedToken
from citygraph.text import fold

_MOST = 500
Limit = Annotated[int, Field(ge=1, le=_MOST, description="number of rows to show")]
Offset = Annotated[int, Field(ge=0, description="number of rows to pass over")]
# Those of the search page, which a program that reads a remote site does not load.
SEARCHED_KINDS = ("city", "country", "area", "organisation", "person", "post", "agreement", "event")
_DERIVED = "graph:derived"
_SOURCES_IN_TEXT = 5
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_STATEMENTS = """
SELECT ?direction ?property ?value ?label ?graph WHERE {
  { GRAPH ?graph { ENTITY ?property ?value } BIND("out" AS ?direction) }
  UNION
  { GRAPH ?graph { ?value ?property ENTITY } BIND("in" AS ?direction) }
  FILTER(?graph != graph:catalog)
  OPTIONAL { ?value rdfs:label ?own . FILTER(LANG(?own) = LANGUAGE) }
  OPTIONAL { ?value rdfs:label ?english . FILTER(LANG(?english) = "en") }
  BIND(COALESCE(?own, ?english, "") AS ?label)
}
ORDER BY DESC(?direction) ?property ?label ?value ?graph
"""


def _answered(tool: Callable[..., CallToolResult]) -> Callable[..., CallToolResult]:
    """Returns the tool with errors as results with their message; the text of any other exception would be lost."""

    @functools.wraps(tool)
    def answer(*arguments: Any, **named: Any) -> CallToolResult:
        try:
            return tool(*arguments, **named)
        except NameProblem as problem:
            return as_error(
                ToolProblem(type=problem.kind, title=problem.title, detail=str(problem), suggestions=problem.candidates)
            )
        except GraphError as error:
            return as_error(_problem_of(error))

    return answer


class GraphTools:
    """The tools of a site."""

    def __init__(self, site: SiteReader) -> None:
        self._site = site

    def tools(self) -> list[Callable[..., CallToolResult]]:
        """Returns the tools in the order in which they are best tried."""
        methods = (
            *(self.search_entities, self.describe_entity, self.list_stored_queries, self.run_stored_query),
            *(self.list_vocabulary, self.run_sparql),
        )
        return [_answered(method) for method in methods]

    def search_entities(
        self,
        text: Annotated[str, Field(description="name or words of it, in any language; İ, ı, i, I are equal")],
        kind: Annotated[str, Field(description=f"{', '.join(SEARCHED_KINDS)}; empty: all")] = "",
        limit: Limit = 10,
    ) -> Annotated[CallToolResult, SearchAnswer]:
        """Find cities, people, organisations, events, agreements and documents by name."""
        kind = kind.strip().casefold()
        if kind not in ("", *SEARCHED_KINDS):
            detail = f"kind must be one of {', '.join(SEARCHED_KINDS)}, and not {kind[:20]!r}"
            raise NameProblem("unknown-kind", "Unknown kind", detail, SEARCHED_KINDS)
        reader = self._site.current()
        found = reader.json("search.json", q=text, type=kind)
        results, counts = found["results"], found["counts"]
        total = counts.get(kind, 0) if kind else sum(counts.values())
        shown = [_entity(one, reader) for one in results[:limit]]
        similar = [f"{one['label']} ({one['id']})" for one in found["suggestions"]]
        answer = SearchAnswer(
            **_about(reader, "search", {"q": text}, cited=False),
            arguments={"text": text, "kind": kind, "limit": limit},
            total=total,
            shown=len(shown),
            advice=_search_advice(total, len(shown), similar),
            results=shown,
            kinds=counts,
        )
        return as_result(answer, as_csv(["id", "label", "kind", "country"], [one.model_dump() for one in shown]))

    def describe_entity(
        self,
        entity: Annotated[str, Field(description="id from a search such as city:bremen, IRI, or an unambiguous name")],
        language: Annotated[str, Field(description="language of labels, such as en or tr")] = "en",
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> Annotated[CallToolResult, EntityAnswer]:
        """Show every statement about an entity and from other entities to it, each with the sources that state it."""
        if not _LANGUAGE.fullmatch(language):
            raise NameProblem("bad-language", "Bad language", f"{language[:20]!r} is not a language such as en or tr")
        reader = self._site.current()
        iri = EntityNames(reader).iri_of(entity)
        text = _STATEMENTS.replace("ENTITY", f"<{iri}>").replace("LANGUAGE", f'"{language}"')
        statements = _statements(reader.query(text), reader)
        if not statements:
            raise EntityNames(reader).unknown(entity)
        shown = statements[offset : offset + limit]
        answer = EntityAnswer(
            **_about(reader, EntityNames.path_of(iri), cited=True),
            arguments={"entity": entity, "language": language, "limit": limit, "offset": offset},
            total=len(statements),
            shown=len(shown),
            offset=offset,
            advice=_rest(len(statements), offset, len(shown)),
            id=reader.terms.shortened(iri),
            iri=iri,
            label=_label(statements, language),
            statements=shown,
        )
        lines = [f"{answer.label} {answer.id} <{answer.iri}>", *(_statement_line(one) for one in shown)]
        return as_result(answer, "\n".join(lines))

    def list_stored_queries(
        self, text: Annotated[str, Field(description="words of the title or description; empty: all")] = ""
    ) -> Annotated[CallToolResult, StoredQueriesAnswer]:
        """List the questions that are ready to run, with their parameters."""
        reader = self._site.current()
        entries = [_stored_query(one) for one in reader.json("queries.json")["queries"]]
        words = fold(text).split()
        matching = [one for one in entries if _has_words(words, one.name, one.title, one.description)]
        answer = StoredQueriesAnswer(
            **_about(reader, "queries", cited=False),
            arguments={"text": text},
            total=len(matching),
            shown=len(matching),
            advice="" if matching else f"No title has all these words; without them there are {len(entries)} queries.",
            queries=matching,
        )
        return as_result(answer, "\n".join(_query_line(one) for one in matching))

    def run_stored_query(
        self,
        name: Annotated[str, Field(description="name from list_stored_queries, such as partners")],
        parameters: Annotated[dict[str, str], Field(description="values by parameter; entities as city:bremen")] = {},  # noqa: B006 - read only
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> Annotated[CallToolResult, RowsAnswer]:
        """Run a stored query: these are tested, and answer most questions better than SPARQL of your own."""
        if reserved := RESERVED_PARAMETERS & parameters.keys():
            detail = (
                f"{min(reserved)} is not a parameter of a stored query; limit and offset are arguments of this tool"
            )
            raise NameProblem("bad-request", "Bad request", detail)
        reader = self._site.current()
        try:
            result = reader.stored(name, parameters)
        except NotInGraph as error:
            names = get_close_matches(name, [one["name"] for one in reader.json("queries.json")["queries"]])
            raise NameProblem("unknown-query", "Unknown query", f"there is no stored query {name!r}", names) from error
        arguments = {"name": name, "parameters": parameters, "limit": limit, "offset": offset}
        return _table(result, reader, f"queries/{name}", parameters, arguments)

    def list_vocabulary(
        self,
        text: Annotated[
            str, Field(description="words of a name or definition, such as signed; empty: the most used")
        ] = "",
        limit: Limit = 30,
    ) -> Annotated[CallToolResult, TermsAnswer]:
        """List classes and properties for SPARQL, with definitions and the number of their uses."""
        reader = self._site.current()
        words = fold(text).split()
        classes, properties = (
            [term for term in terms if _has_words(words, term.name, term.label, term.about)]
            for terms in (reader.terms.classes, reader.terms.properties)
        )
        total = len(classes) + len(properties)
        shown = classes[:limit], properties[:limit]
        answer = TermsAnswer(
            **_about(reader, "sparql/vocabulary", cited=False),
            arguments={"text": text, "limit": limit},
            total=total,
            shown=sum(map(len, shown)),
            advice=_terms_advice(total, sum(map(len, shown))),
            classes=[_term(one) for one in shown[0]],
            properties=[_term(one) for one in shown[1]],
            prefixes=dict(reader.terms.prefixes),
        )
        lines = [
            f"{kind} {one.name}: {one.about} ({one.uses} uses)"
            for kind, some in (("class", answer.classes), ("property", answer.properties))
            for one in some
        ]
        return as_result(answer, "\n".join(lines))

    def run_sparql(
        self,
        query: Annotated[str, Field(description="SPARQL 1.1 SELECT, ASK or CONSTRUCT; usual prefixes are declared")],
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> Annotated[CallToolResult, RowsAnswer]:
        """Run SPARQL. Terms that the graph does not have are refused with the nearest; see list_vocabulary first."""
        reader = self._site.current()
        _require_known_terms(query, reader)
        arguments = {"query": query, "limit": limit, "offset": offset}
        return _table(reader.query(query), reader, "sparql", {"query": query}, arguments)


def _require_known_terms(query: str, reader: ReleaseReader) -> None:
    """Raises NameProblem if a property or class does not exist. A text that does not parse is left to the server."""
    try:
        unknown = [term for term in unknown_terms(query, reader.terms) if not _is_used(term, reader)]
    except UnexpectedToken:
        return
    if unknown:
        similar = [name for term in unknown for name in term.similar]
        raise NameProblem("unknown-term", "Unknown term", "; ".join(map(str, unknown)), similar)


def _is_used(term: UnknownTerm, reader: ReleaseReader) -> bool:
    """Returns whether some graph has the term: the vocabulary lists neither those of the ontology's graph nor all."""
    predicate, value = ("a", f"<{term.iri}>") if term.kind == "class" else (f"<{term.iri}>", "?value")
    return bool(reader.query(f"ASK {{ GRAPH ?graph {{ ?subject {predicate} {value} }} }}").truth)


def _about(
    reader: ReleaseReader, path: str, parameters: Mapping[str, str] | None = None, *, cited: bool
) -> dict[str, Any]:
    return asdict(reader.origin(path, parameters, cited))


def _table(
    result: ResultTable, reader: ReleaseReader, path: str, parameters: Mapping[str, str], arguments: dict[str, Any]
) -> CallToolResult:
    """Returns the rows from `offset` on of a result, with the number of all."""
    limit, offset = arguments["limit"], arguments["offset"]
    terms = reader.terms
    columns = ["answer"] if result.truth is not None else list(result.columns)
    rows: list[dict[str, Value]] = [
        {name: as_value(value, terms) for name, value in row.as_dict().items()} for row in result.rows
    ]
    if result.truth is not None:
        rows = [{"answer": result.truth}]
    shown = rows[offset : offset + limit]
    answer = RowsAnswer(
        **_about(reader, path, parameters, cited=path != "sparql"),
        arguments=arguments,
        total=len(rows),
        shown=len(shown),
        offset=offset,
        advice=_rest(len(rows), offset, len(shown)) or ("" if rows else _NOTHING),
        columns=columns,
        rows=shown,
    )
    return as_result(answer, as_csv(columns, shown))


_NOTHING = (
    "No row matches. This is not proof that the fact is false: the sources of this graph may not state it. "
    "Check the names of entities by search_entities, and leave out conditions one by one."
)


def _rest(total: int, offset: int, shown: int) -> str:
    rest = total - offset - shown
    if rest <= 0:
        return ""
    return f"{rest} more row(s): ask with offset={offset + shown}, a larger limit, or a narrower question."


def _search_advice(total: int, shown: int, similar: Iterable[str]) -> str:
    if total > shown:
        return f"{total - shown} more: add words, or choose a kind."
    names = ", ".join(similar)
    return (
        ""
        if total
        else f"Nothing has this name. Similar: {names}."
        if names
        else "Nothing has this name, and no name is similar."
    )


def _terms_advice(total: int, shown: int) -> str:
    if not total:
        return "No term has all these words; try one word, or its English root."
    return f"{total - shown} more: add words, or ask with a larger limit." if total > shown else ""


def _entity(found: Mapping[str, Any], reader: ReleaseReader) -> FoundEntity:
    return FoundEntity(
        id=reader.terms.shortened(found["iri"]),
        label=found["label"],
        kind=found["type"],
        country=found.get("country", ""),
    )


def _statements(result: ResultTable, reader: ReleaseReader) -> list[StatementEntry]:
    """Returns the statements of rows that have one for each source: those of documents first, then derived ones."""
    terms = reader.terms
    sources: dict[tuple[Any, ...], list[str]] = {}
    for row in result.rows:
        key = (row.direction, row.property, row.value, type(row.value), str(row.label))
        sources.setdefault(key, []).append(row.graph)
    statements = [
        StatementEntry(
            direction=direction,
            property=terms.shortened(property_),
            value=as_value(value, terms),
            label=label if isinstance(value, IRI) else getattr(value, "language", ""),
            sources=[terms.shortened(graph) for graph in dict.fromkeys(graphs)],
        )
        for (direction, property_, value, _, label), graphs in sources.items()
    ]
    return sorted(statements, key=lambda one: (one.sources == [_DERIVED], one.direction == "in"))


def _label(statements: Iterable[StatementEntry], language: str) -> str:
    labels = [one for one in statements if one.direction == "out" and one.property == "rdfs:label"]
    best = [one for wanted in (language, "en") for one in labels if one.label == wanted]
    return str((best or labels)[0].value) if labels else ""


def _statement_line(statement: StatementEntry) -> str:
    arrow = "" if statement.direction == "out" else "← "
    label = f" “{statement.label}”" if statement.label else ""
    more = len(statement.sources) - _SOURCES_IN_TEXT
    sources = statement.sources[:_SOURCES_IN_TEXT] + ([f"{more} more"] if more > 0 else [])
    return f"{arrow}{statement.property} {statement.value}{label} [{', '.join(sources)}]"


def _stored_query(entry: Mapping[str, Any]) -> StoredQueryEntry:
    parameters = [
        ParameterEntry(**{name: str(one.get(name) or "") for name in ParameterEntry.model_fields})
        for one in entry["parameters"]
    ]
    return StoredQueryEntry(
        name=entry["name"], title=entry["title"], description=entry["description"], parameters=parameters
    )


def _query_line(query: StoredQueryEntry) -> str:
    parameters = "; ".join(
        f"{one.name} ({one.type}, default {one.default}): {one.description}" for one in query.parameters
    )
    return f"{query.name}: {query.title}. {query.description} Parameters: {parameters or 'none'}"


def _term(term: GraphTerm) -> TermEntry:
    return TermEntry(name=term.name, label=term.label, about=term.about, uses=term.count)


def _has_words(words: Iterable[str], *texts: str) -> bool:
    text = fold(" ".join(texts))
    return all(word in text for word in words)


def _problem_of(error: GraphError) -> ToolProblem:
    """Returns the problem of a site's response, with the candidates or suggestions in it."""
    problem = error.problem
    suggestions = [str(one) for key in ("candidates", "suggestions", "offered") for one in problem.get(key, ())]
    kind = error.kind or type(error).__name__
    title, detail = str(problem.get("title", kind)), str(problem.get("detail") or error)
    return ToolProblem(type=kind, title=title, detail=detail, suggestions=suggestions)
