"""The pull from Wikidata's query service to a source graph: places, their partners, countries and mayors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.errors import NotFound, UsageError
from citygraph.rdf.terms import SOURCE
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.text import ALL_LANGUAGES, slug
from citygraph.wikidata.client import Client, QueryResult
from citygraph.wikidata.entity import ENTITY, ResultRow, qid_of, read_statements
from citygraph.wikidata.item_names import IriMinter, by_number, read_existing
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import (
    HEAD_OF_GOVERNMENT,
    INSTANCE_OF,
    POSITION_HELD,
    TWINNED,
    Item,
    ItemValue,
    Notice,
    Statement,
    countries_of,
)
from citygraph.wikidata.source_file import SourceDescription, WrittenSource, write_source
from citygraph.wikidata.spool import ItemSpool, ProgressCounter
from citygraph.wikidata.world import LANGUAGES, Selection, World, name_items


@dataclass(frozen=True)
class PullResult:
    """A written pull; `requests` were sent, `cached` responses were on disk already."""

    source: WrittenSource
    requests: int
    cached: int


def pull(
    scope: Scope,
    client: Client,
    data: Callable[[], Iterable[Quad]],
    into: Path,
    *,
    today: str,
    languages: tuple[str, ...] = LANGUAGES,
    progress: Callable[[str], None] = lambda _: None,
) -> PullResult:
    """Writes Wikidata's data about the scope to the folder `into`, ready to build.

    `data` returns the quads of our data, whose IRIs are reused; `today` is an ISO date. A killed pull can be started
    again: responses are on disk. Raises Upstream if the service fails, NotFound if an item of the scope does not exist.
    """
    with TemporaryDirectory(prefix="citygraph-") as folder, ItemSpool(Path(folder) / "items") as items:
        fetcher = ItemFetcher(client, items, progress)
        name, selection = fetcher.scope_name(scope), fetcher.select(scope)
        graph = SOURCE(_slug(scope, name))
        world = World(items, selection, read_existing(data(), graph), graph, today, languages)
        fetcher.add_names(world)
        namer = IriMinter(world.existing.used_iris)
        notices = [*fetcher.notices, *name_items(world, namer)]
        description = SourceDescription(
            slug=_slug(scope, name),
            of=name if scope.country or scope.cities else "",
            about=tuple(world.iris[q] for q in fetcher.current_ids(scope) if q in world.iris),
            retrieved=fetcher.retrieved,
            sha256=fetcher.digest.hexdigest(),
            languages=languages,
        )
        source = write_source(into, description, map_world(world, namer), notices)
    return PullResult(source, client.requests, client.cached)


def _slug(scope: Scope, name: str) -> str:
    return f"wikidata-{slug(name)}" if scope.country or scope.cities else "wikidata"


NO_ITEMS = Selection(frozenset(), frozenset(), frozenset(), frozenset())

_QID = re.compile(r"Q[1-9]\d*")
_BATCH = 100  # items of a query
_ENGLISH = ["en", ALL_LANGUAGES]
_MAX_HOPS = 5  # how often a merged item may have been merged again


@dataclass(frozen=True)
class Scope:
    """The scope of a pull: some cities, the cities of a country, or (neither) all twinned cities of the world.

    Raises UsageError for both at once, or for a text that is not the id of an item.
    """

    cities: tuple[str, ...] = ()
    country: str = ""

    def __post_init__(self) -> None:
        if self.cities and self.country:
            raise UsageError("pull either cities or a country")
        for qid in (*self.cities, *filter(None, [self.country])):
            if not _QID.fullmatch(qid):
                raise UsageError(f"{qid!r} is not a Wikidata item: an id is Q and a number, such as Q35997")


class ItemFetcher:
    """A fetcher of the items of a scope, step by step, into the spool."""

    has_redirects = True

    def __init__(self, client: Client, items: ItemSpool, progress: Callable[[str], None] = lambda _: None) -> None:
        self._client = client
        self._queries = load_queries(Path(__file__).parent / "queries")
        self._items = items
        self._progress = progress
        self.redirects: dict[str, str] = {}
        self.living: set[str] = set()
        self.requested: set[str] = set()
        self.notices: list[Notice] = []
        self.digest = hashlib.sha256()
        self.retrieved = ""

    def scope_name(self, scope: Scope) -> str:
        """Returns the name of a scope, "" for the world. Raises NotFound if the city or country does not exist."""
        return "-".join(self._name_of(qid) for qid in ((scope.country,) if scope.country else scope.cities))

    def select(self, scope: Scope, also: Selection = NO_ITEMS) -> Selection:
        """Fetches all items of a scope without their names; `also` has more, whose partners are not needed."""
        seeds = self._fetch("places", scope.cities or self._pages(scope.country))
        partners = {q for seed in seeds & set(self._items) for q in self._items[seed].links(TWINNED)}
        places = seeds | self._fetch("partners", partners | also.places)
        countries = {q for place in places if place in self._items for q in countries_of(self._items[place])}
        people = {q for seed in seeds & set(self._items) for q in self._items[seed].links(HEAD_OF_GOVERNMENT)}
        countries, people = (
            self._fetch("countries", countries | also.countries),
            self._fetch("people", people | also.people),
        )
        self._follow_moves()
        return Selection(frozenset(seeds), frozenset(places), frozenset(countries), frozenset(people))

    def add_names(self, world: World) -> None:
        """Fetches the names of all items, in the languages that the world needs."""
        selection = world.selection
        classes = {q for place in selection.places & set(self._items) for q in self._items[place].links(INSTANCE_OF)}
        posts = {q for person in selection.people & set(self._items) for q in self._items[person].links(POSITION_HELD)}
        named = by_number(selection.places | selection.countries | selection.people)
        self._add_names(world, "names", named, world.languages_of)
        self._add_names(world, "classes", by_number((classes | posts) - set(named)), lambda _: ("en",))
        # An item that was requested and has nothing was deleted: the import reports it as missing.
        for qid in named:
            item = self._items.get(qid)
            if item and qid not in self.living and not item.statements and not item.labels:
                self._items.discard(qid)

    def classes_of(self, qids: Iterable[str]) -> Callable[[str], str]:
        """Fetches items without their names; returns a function for the English name of a class of theirs, or ""."""
        fetched = self._fetch("links", qids)
        classes = by_number({q for qid in fetched & set(self._items) for q in self._items[qid].links(INSTANCE_OF)})
        rows = (row for batch in _batches(classes) for row in self._ask("names", item=batch, language=_ENGLISH))
        by_class: dict[str, list[ResultRow]] = {}
        for row in rows:
            by_class.setdefault(qid_of(row["item"]), []).append(row)
        return lambda qid: _with_names(Item(qid), by_class.get(qid, ())).label("en")

    def current_ids(self, scope: Scope) -> tuple[str, ...]:
        """Returns the ids of the scope, those of merged items replaced."""
        return tuple(self.redirects.get(q, q) for q in (scope.cities or filter(None, [scope.country])))

    def _name_of(self, qid: str) -> str:
        name = _with_names(Item(qid), self._ask("names", item=[qid], language=_ENGLISH)).label("en")
        target = self._resolve([qid]).get(qid)
        if not name and target:
            return self._name_of(target)
        if not name and qid not in self.living:
            raise NotFound(f"{qid} is not in Wikidata: it never existed, or it was deleted")
        return name or qid

    def _pages(self, country: str) -> Iterator[str]:
        """Yields the twinned items, page by page; each page starts after the last item of the one before."""
        last = ""
        while True:
            if country:
                rows = self._ask("twinned-of-a-country", country=[self.redirects.get(country, country)], last=[last])
            else:
                rows = self._ask("twinned-of-the-world", last=[last])
            if not rows:
                return
            yield from (qid_of(row["item"]) for row in rows)
            last = str(rows[-1]["key"]["value"])
            self._progress(f"finding cities: up to {last.removeprefix(ENTITY)}")

    def _fetch(self, label: str, qids: Iterable[str]) -> set[str]:
        """Fetches items into the spool; returns their ids, those of merged items replaced."""
        result: set[str] = set()
        requested = by_number(set(qids))
        self.requested.update(requested)
        counter = ProgressCounter(label, len(requested), self._progress)
        for batch in _batches(requested):
            targets = self._resolve(batch)
            self.notices += [Notice("redirect", q, f"{q} was merged into {t}") for q, t in targets.items()]
            missing = by_number({targets.get(q, q) for q in batch} - set(self._items))
            for part in _batches(missing):
                self._keep(part)
            result.update(targets.get(q, q) for q in batch)
            counter.advance(len(batch))
        return result

    def _resolve(self, qids: Iterable[str]) -> dict[str, str]:
        """Returns the current ids of merged items; records those that exist by their time of modification."""
        targets: dict[str, str] = {}
        # The requested id by the current id.
        originals = {qid: qid for qid in qids}
        for _ in range(_MAX_HOPS):
            hops: dict[str, str] = {}
            for row in self._ask("items", item=by_number(originals)):
                if "target" in row:
                    hops[qid_of(row["item"])] = qid_of(row["target"])
                if "modified" in row:
                    self.living.add(qid_of(row["item"]))
            if not hops:
                break
            originals = {hops[qid]: first for qid, first in originals.items() if qid in hops}
            targets.update({first: target for target, first in originals.items()})
        self.redirects.update(targets)
        return targets

    def _keep(self, qids: list[str]) -> None:
        result = self._select("statements", {"item": qids})
        qualifiers, references = self._ask("qualifiers", item=qids), self._ask("references", item=qids)
        statements: dict[str, list[Statement]] = {qid: [] for qid in qids}
        for statement in read_statements(result.rows, qualifiers, references):
            statements[statement.entity].append(statement)
        for qid, of_item in statements.items():
            self._items.put(Item(qid, statements=tuple(of_item), retrieved=result.retrieved))

    def _follow_moves(self) -> None:
        """Replaces merged items in statements by their targets."""
        if not self.redirects:
            return
        for qid in self._items:
            item = self._items[qid]
            statements = tuple(self._with_target(s) for s in item.statements)
            if statements != item.statements:
                self._items.put(replace(item, statements=statements))

    def _with_target(self, statement: Statement) -> Statement:
        value = statement.value
        if isinstance(value, ItemValue) and value.qid in self.redirects:
            return replace(statement, value=ItemValue(self.redirects[value.qid]))
        return statement

    def _add_names(
        self, world: World, label: str, qids: list[str], languages: Callable[[Item], tuple[str, ...]]
    ) -> None:
        counter = ProgressCounter(label, len(qids), self._progress)
        for batch in _batches(qids):
            items = {qid: self._items.get(qid) or Item(qid, retrieved=self.retrieved) for qid in batch}
            codes = sorted({ALL_LANGUAGES, *(lang for item in items.values() for lang in languages(item))})
            rows = self._ask("names", item=batch, language=codes)
            named = {qid_of(row["item"]) for row in rows if row["kind"]["value"] == "label"}
            unnamed = [
                qid for qid in batch if qid not in named and qid in world.selection.places | world.selection.people
            ]
            # Only places and persons must have a name, because their IRI is made from it.
            if unnamed:
                rows = [*rows, *self._ask("names-in-any-language", item=unnamed)]
            by_item: dict[str, list[ResultRow]] = {}
            for row in rows:
                by_item.setdefault(qid_of(row["item"]), []).append(row)
            for qid, item in items.items():
                self._items.put(_with_names(item, by_item.get(qid, ())))
            counter.advance(len(batch))

    def _ask(self, name: str, **values: list[str]) -> list[ResultRow]:
        return self._select(name, values).rows

    def _select(self, name: str, values: dict[str, list[str]]) -> QueryResult:
        result = self._client.select(bind(self._queries[name], values))
        self.digest.update(result.sha256.encode())
        # A source has one time of retrieval: that of its latest response.
        self.retrieved = max(self.retrieved, result.retrieved)
        return result


def bind(query: StoredQuery, values: dict[str, list[str]]) -> str:
    """Returns the text of a query with several values for each parameter, as terms written by the RDF library.

    Values of a parameter of type iri are ids of items. Comments are removed: SPARQLWrapper looks for the query form in
    them too.
    """
    text = "\n".join(line for line in query.text.splitlines() if line and not line.startswith("#"))
    for parameter in query.parameters:
        is_item = parameter.type == "iri"
        terms = " ".join(str(NamedNode(ENTITY + v) if is_item else Literal(v)) for v in values[parameter.name])
        pattern = re.compile(rf"VALUES \?{re.escape(parameter.name)} {{[^{{}}]*}}")
        block = f"VALUES ?{parameter.name} {{ {terms} }}"
        text = pattern.sub(lambda _: block, text)  # noqa: B023 - called before the next round
    return text


def _with_names(item: Item, rows: Iterable[ResultRow]) -> Item:
    labels: dict[str, str] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    for row in rows:
        language, name = str(row["name"]["xml:lang"]), str(row["name"]["value"])
        if "kind" in row and row["kind"]["value"] == "alias":
            aliases[language] = tuple(sorted({*aliases.get(language, ()), name}))
        else:
            labels[language] = name
    return replace(item, labels=labels, aliases=aliases)


def _batches(qids: Iterable[str], size: int = _BATCH) -> Iterator[list[str]]:
    iterator = iter(qids)
    while batch := list(islice(iterator, size)):
        yield batch
