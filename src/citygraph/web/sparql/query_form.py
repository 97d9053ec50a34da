"""The form of a stored query: an input for each parameter by its type, and candidates for a name that is not one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from citygraph.catalogues import LANGUAGES
from citygraph.errors import AmbiguousName
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.matching.name_resolution import resolve_name, segments_of
from citygraph.rdf.terms import ID
from citygraph.source.instance_languages import language_name
from citygraph.source.queries import StoredQuery
from citygraph.source.query_parameters import Parameter, with_entities
from citygraph.web.search.search_page import KINDS
from citygraph.web.sparql.result_view import ResultCell
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease


@dataclass(frozen=True)
class FormField:
    """An input: the parameter, its text, and the choices.

    `options` are values with their labels. `suggest` is the address of suggestions for an entity. `candidates` are the
    entities with an ambiguous name, with links that choose one.
    """

    parameter: Parameter
    value: str
    options: tuple[tuple[str, str], ...] = ()
    suggest: str = ""
    is_refused: bool = False
    candidates: tuple[ResultCell, ...] = ()


@dataclass(frozen=True)
class FormContext:
    """The context of a form's fields: the open release, its index, the reader, and the address of the query."""

    opened: OpenRelease
    lookup: Lookup | None
    reader: PageRequest
    address: str

    @property
    def language(self) -> str:
        """The reader's language."""
        return self.reader.translations.language


def fields_of(
    query: StoredQuery, arguments: Mapping[str, str], refused: Mapping[str, Exception], context: FormContext
) -> list[FormField]:
    """Returns the fields with the values of the address; those in `refused` have an error."""
    return [
        FormField(
            one,
            _shown(one, arguments.get(one.name, one.example), context, is_refused=one.name in refused),
            _options(one, context.language),
            _suggest(one, context),
            one.name in refused,
            _candidates(refused.get(one.name), arguments, context),
        )
        for one in query.parameters
    ]


def _shown(parameter: Parameter, value: str, context: FormContext, *, is_refused: bool) -> str:
    """Returns the text of a field: the name of an entity if it means no other one, else its identifier."""
    if parameter.type != "iri" or is_refused or context.lookup is None:
        return value
    lookup = context.lookup
    resolved = with_entities([parameter], {parameter.name: value}, lambda: lookup)[parameter.name]
    found = lookup.identified([resolved.strip("<>")])
    if len(found) != 1:
        return value
    name = context.opened.labels.best(found[0].iri, context.language).text
    try:
        is_unique = resolve_name(name, parameter.classes, lookup).iri == found[0].iri
    except AmbiguousName:
        is_unique = False
    return name if is_unique else found[0].iri.removeprefix(ID)


def _options(parameter: Parameter, language: str) -> tuple[tuple[str, str], ...]:
    if parameter.type == "choice":
        return tuple(parameter.choices_in(language).items())
    if parameter.type == "language":
        tags = dict.fromkeys((*current_instance().languages, *LANGUAGES))
        return tuple((tag, language_name(tag, language)) for tag in tags)
    return ()


def _suggest(parameter: Parameter, context: FormContext) -> str:
    if parameter.type != "iri":
        return ""
    kinds = [("type", kind) for kind in segments_of(parameter.classes) if kind in KINDS]
    return f"{context.reader.addresses.path('suggest')}?{urlencode([('lang', context.language), *kinds])}"


def _candidates(error: Exception | None, arguments: Mapping[str, str], context: FormContext) -> tuple[ResultCell, ...]:
    if not isinstance(error, AmbiguousName):
        return ()
    entities = context.lookup.identified(one["iri"] for one in error.candidates) if context.lookup else []
    countries = {one.iri: one.country for one in entities}
    return tuple(
        ResultCell(
            context.opened.labels.best(one["iri"], context.language).text,
            f"{context.address}?{urlencode({**arguments, error.parameter: one['id'], 'run': 1})}#result",
            title=_country(countries.get(one["iri"], ""), context),
            iri=one["id"],
        )
        for one in error.candidates
    )


def _country(iri: str, context: FormContext) -> str:
    return context.opened.labels.best(iri, context.language).text if iri else ""
