"""The workbench at /sparql, where readers edit queries and view the results; without JavaScript it is a form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from citygraph.errors import CitygraphError, NotFound
from citygraph.graph.examples import current_examples, with_examples
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind
from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.source.files import query_folders_of
from citygraph.source.instance_languages import with_languages
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.source.query_parameters import Parameter, with_entities
from citygraph.sparql.protocol import Query
from citygraph.text import nfc
from citygraph.web.http.addresses import Addresses, addresses_of
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.problems import Problem, problem_of
from citygraph.web.sparql.completions import Completions, Term, completions_of
from citygraph.web.sparql.offered_formats import offered_formats
from citygraph.web.sparql.result_view import ResultView, read_answer
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import Lookups, OpenRelease, ReleaseCache
from citygraph.web.view.snippets import snippets_of
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import N_, Translations

# Returns the reply to a query in a format that a page can read. Raises what the endpoint raises.
Ask = Callable[[Query], Reply]

PATH = "sparql"
VIEWS = ("table", "map", "timeline", "network", "chart", "raw")
_FIRST = """SELECT ?city ?name {
  city:HOME_PLACE cg:twinnedWith ?city .
  ?city rdfs:label ?name FILTER(LANGMATCHES(LANG(?name), "FIRST_LANGUAGE"))
}
ORDER BY ?name
"""
# Quality measurements are for the build, so the other queries are listed first.
_GROUPS = ("", "tables", "quality")
_CLASSES, _PROPERTIES = 40, 60
# The prefix of a stored query's parameters in the address, which separates them from the workbench's own.
_MARK = "$"


@dataclass(frozen=True)
class Example:
    """A stored query for display: its text with the given values, and the values that a reader may change."""

    query: StoredQuery
    text: str
    fields: tuple[tuple[Parameter, str], ...]


@dataclass(frozen=True)
class WorkbenchForm:
    """The parameters of the workbench's address."""

    query: Query | None
    example: str
    parameters: Mapping[str, str]
    view: str
    runs: bool


class Workbench:
    """The workbench page, as the SPARQL endpoint returns it to browsers."""

    def __init__(self, settings: Settings, releases: Releases, cache: ReleaseCache, lookups: Lookups) -> None:
        self._settings = settings
        self._lookups = lookups
        self._releases = releases
        self._cache = cache
        self._pages = Templates()
        self._completions = lru_cache(16)(self._completed)

    def __call__(self, request: Request, query: Query | None, language: str, ask: Ask) -> tuple[int, str]:
        """Returns the status and the page. A query is evaluated here only if the form has ?run=."""
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        reader = PageRequest(Translations(language), addresses, request.query)
        form = _parsed_form(request.query, query)
        opened = self._cache.of_request(request)
        status, problem, example, result = HTTPStatus.OK, None, None, None
        try:
            example = self._example(form, opened)
            result = self._result_view(form, example, ask, reader, opened.gone)
        except CitygraphError as error:
            problem = problem_of(error)
            status = problem.type.status
        text = form.query.text if form.query else example.text if example else _first_text(opened)
        values = self._values(reader, opened, form, example, text, root)
        downloads = _downloads(addresses.path(PATH), text, result.kind) if result else []
        page = self._pages.page("workbench.html", reader, opened.release, **values, problem=problem, result=result,
                                downloads=downloads, place=_place(problem))  # fmt: skip
        return status, page

    def _values(
        self,
        reader: PageRequest,
        opened: OpenRelease,
        form: WorkbenchForm,
        example: Example | None,
        text: str,
        root: str,
    ) -> dict[str, Any]:
        """Returns the template's values, except the result."""
        addresses, language = reader.addresses, reader.translations.language
        here = addresses.path(PATH)
        completions = self._completions(opened.release.id, language)
        return {
            "text": text,
            "is_decomposed": text != nfc(text),
            "example": example,
            "view": form.view or (example.query.view if example else "table"),
            "groups": [(group, [q for q in self._queries.values() if _group(q) == group]) for group in _GROUPS],
            "classes": [(term, _about_class(term, here)) for term in _used(completions.classes)[:_CLASSES]],
            "properties": [(term, _about_property(term, here)) for term in _used(completions.properties)[:_PROPERTIES]],
            "address": here,
            "example_address": lambda query: f"{here}?{urlencode({'example': query.name})}",
            "programs": snippets_of(text, root, opened.release.id) if form.runs else (),
            "mark": _MARK,
            "settings_for_script": {
                **_script_addresses(addresses, opened.release.id, root, language),
                "release": opened.release.id,
                "gone": sorted(opened.gone),
                "language": language,
                "view": form.view or (example.query.view if example else ""),
                "runs": form.query is not None or example is not None,
                "prefixes": PREFIXES,
                "words": script_words(reader.translations),
            },
        }

    def _result_view(
        self, form: WorkbenchForm, example: Example | None, ask: Ask, reader: PageRequest, gone: Collection[str]
    ) -> ResultView | None:
        """Returns the result if the form requests it, else None."""
        query = form.query or (Query(example.text, base=self._settings.base) if example else None)
        if query is None or not form.runs:
            return None
        return read_answer(ask(query), reader, gone)

    def _example(self, form: WorkbenchForm, opened: OpenRelease) -> Example | None:
        """Returns the stored query that the address names. Raises NotFound, UsageError for a bad parameter."""
        if not form.example:
            return None
        query = self._queries.get(form.example)
        if query is None:
            raise NotFound(f"no stored query {form.example[:80]!r}; all are listed at /queries")
        body = query.bind(with_entities(query.parameters, form.parameters, lambda: self._lookups.of(opened.release)))
        lines = [line for line in body.splitlines() if not line.startswith("#+")]
        text = f"# {query.title}\n# view: {query.view}\n\n" + "\n".join(lines).strip() + "\n"
        return Example(query, text, tuple((p, form.parameters.get(p.name, p.example)) for p in query.parameters))

    def _completed(self, release_id: str, language: str) -> Completions:
        return completions_of(self._cache.get(release_id), language)

    @cached_property
    def _queries(self) -> Mapping[str, StoredQuery]:
        """Returns the stored queries. The files are read once: restart the server when its queries change."""
        examples = current_examples(self._releases, current_instance())
        return load_queries(*query_folders_of(self._settings), examples=examples)


def _script_addresses(addresses: Addresses, release_id: str, root: str, language: str) -> dict[str, str | bool]:
    """Returns the addresses that the script requests, in the release of the page and in the current one (`live`)."""
    here, live = addresses.path(PATH), addresses.root.partition("/releases/")[0]
    return {
        "endpoint": here,
        "root": root.partition("/releases/")[0],
        "live": f"{live}/{PATH}",
        "pinned": f"{live}/releases/{release_id}/{PATH}",
        "isPinned": addresses.root != live,
        "running": f"{live}/{PATH}/running/",
        "code": f"{here}/code",
        "vocabulary": f"{addresses.root}/sparql/vocabulary?lang={language}",
        "search": f"{live}/search.json",
        "land": f"{live}/static/built/world/land-110m.json",
        "base": addresses.base,
        "site": addresses.root,
    }


def _first_text(opened: OpenRelease) -> str:
    """Returns the query in the empty editor: the partners of the home place."""
    return with_languages(with_examples(_FIRST, opened.examples), current_instance())


def _parsed_form(query_string: str, query: Query | None) -> WorkbenchForm:
    """Parses the parameters of the workbench; the endpoint has parsed its own."""
    parameters = dict(reversed(parse_qsl(query_string, keep_blank_values=True, errors="replace")))
    view = parameters.get("view", "")
    return WorkbenchForm(
        query if query and query.text.strip() else None,
        parameters.get("example", ""),
        {name[len(_MARK) :]: value for name, value in parameters.items() if name.startswith(_MARK)},
        view if view in VIEWS else "",
        "run" in parameters,
    )


def _group(query: StoredQuery) -> str:
    folder, slash, _ = query.name.partition("/")
    return folder if slash and folder in _GROUPS else ""


def _used(terms: Iterable[Term]) -> list[Term]:
    return [term for term in terms if term.count]


def _about_class(term: Term, here: str) -> str:
    """Returns the address of a query for the instances of a class."""
    text = (
        f"SELECT ?thing ?name {{\n  ?thing a {term.name} .\n  OPTIONAL {{ ?thing rdfs:label ?name }}\n}}\nLIMIT 100\n"
    )
    return f"{here}?{urlencode({'query': text})}"


def _about_property(term: Term, here: str) -> str:
    """Returns the address of a query for the values of a property and their graphs."""
    text = f"SELECT ?subject ?value ?source {{\n  GRAPH ?source {{ ?subject {term.name} ?value }}\n}}\nLIMIT 100\n"
    return f"{here}?{urlencode({'query': text})}"


def _downloads(here: str, text: str, kind: Kind) -> list[tuple[str, str]]:
    """Returns the label and address of a result of this kind in each format that it can have."""
    formats = offered_formats(text, kind)
    return [(f.label, f"{here}?{urlencode({'query': text, 'format': f.name})}") for f in formats]


def _place(problem: Problem | None) -> tuple[int, int] | None:
    """Returns the line and column of a syntax error; None for other problems."""
    members = problem.members if problem else {}
    line, column = members.get("line"), members.get("column")
    return (int(line), int(column or 1)) if line else None


_SCRIPT_TEXTS: dict[str, str] = {
    "editor": N_("SPARQL query"),
    "running": N_("running …"),
    "seconds": N_("{number} s"),
    "milliseconds": N_("{number} ms"),
    "fromCache": N_("unchanged from earlier releases"),
    "complete": N_("complete"),
    "release": N_("release {id}"),
    "cancelled": N_("Cancelled after {seconds} s. The server has ended the query."),
    "left": N_("Cancelled after {seconds} s. The query had not started, or was about to finish."),
    "comparedDates": N_(
        "Partial dates such as 1986 and 1986-04 have no order of their own. In MIN, MAX and ORDER BY, write "
        "cg:startOfPeriod(…) around {variables}."
    ),
    "decomposed": N_(
        "Some letters of the query are written as a letter and a separate mark (Unicode NFD). Names in the data are in "
        "NFC. Texts are compared character by character, so these match none."
    ),
    "atLine": N_("Line {line}, column {column}"),
    "unreachable": N_("The server did not respond: {reason}"),
    "yes": N_("Yes"),
    "no": N_("No"),
    "nothing": N_("The query has no results."),
    "more": N_("Show more"),
    "shownOf": N_("{shown} of {all} rows are shown"),
    "view_table": N_("Table"),
    "view_map": N_("Map"),
    "view_timeline": N_("Time axis"),
    "view_network": N_("Network"),
    "view_chart": N_("Chart"),
    "view_raw": N_("Raw"),
    "views": N_("Result view"),
    "no_map": N_(
        "There is nothing to draw on a map: give columns for latitude and longitude (lat, lon), or name places."
    ),
    "no_timeline": N_("There is nothing to draw on a time axis: give a column of dates."),
    "no_network": N_("There is nothing to draw as a network: give two columns of entities, or CONSTRUCT a graph."),
    "no_chart": N_("There is nothing to draw as a chart: give a column of numbers."),
    "mapTitle": N_("Map of {count} places around {name}"),
    "mapTitleAlone": N_("Map of {count} places"),
    "mapAbout": N_(
        "Directions are true from the centre; distances are drawn by their square root. The rings are at {rings} km."
    ),
    "mapAboutPlain": N_("Directions are true from the centre; distances are drawn by their square root."),
    "kilometres": N_("{number} km"),
    "timelineTitle": N_("Time axis of {count} rows from {first} to {last}"),
    "timelineAbout": N_("Each row is a line; the width of a mark is its month or year."),
    "networkTitle": N_("Network of {count} entities"),
    "networkAbout": N_("Lines connect the items in one row of the result."),
    "chartTitle": N_("Chart of {column}"),
    "chartAbout": N_("The table has the same values."),
    "cut": N_("The first {shown} of {all} are drawn."),
    "by": N_("Column"),
    "copy": N_("Copy"),
    "copied": N_("Copied"),
    "sharedLive": N_("Address of this query on the latest release"),
    "sharedPinned": N_("Permanent address of this query on this release"),
    "code": N_("Code"),
    "share": N_("Share the query"),
    "kind_prefix": N_("prefix"),
    "kind_class": N_("class"),
    "kind_property": N_("property"),
    "kind_variable": N_("variable"),
    "kind_keyword": N_("keyword"),
    "kind_city": N_("city"),
    "kind_country": N_("country"),
    "kind_area": N_("administrative area"),
    "kind_organisation": N_("organisation"),
    "kind_person": N_("person"),
    "kind_post": N_("office"),
    "kind_agreement": N_("agreement"),
    "kind_event": N_("event"),
    "expected": N_("The query is incomplete or invalid here"),
    "download": N_("Download the result as"),
}


def script_words(words: Translations) -> dict[str, str | list[str]]:
    """Returns the texts by key; of a counted text, singular and plural. The script fills the braces."""
    texts: dict[str, str | list[str]] = {key: words(text) for key, text in _SCRIPT_TEXTS.items()}
    forms = (1, 2)
    texts["rows"] = [words.count("{number} row", "{number} rows", form, number="{number}") for form in forms]
    texts["triples"] = [words.count("{number} triple", "{number} triples", form, number="{number}") for form in forms]
    return texts
