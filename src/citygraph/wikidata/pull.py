"""From Wikidata's query service to a source graph: the places asked for, their partners, countries and mayors."""

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
from citygraph.text import slug
from citygraph.wikidata.client import Answer, Client
from citygraph.wikidata.entity import ENTITY, Row, qid_of, read_statements
from citygraph.wikidata.item_names import Namer, by_number, read_known
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import (
    HEAD_OF_GOVERNMENT,
    INSTANCE_OF,
    POSITION_HELD,
    TWINNED,
    Finding,
    Item,
    Link,
    Statement,
    countries_of,
)
from citygraph.wikidata.source_file import Description, Written, write_source
from citygraph.wikidata.spool import Pace, Spool
from citygraph.wikidata.world import LANGUAGES, Selection, World, name_items


@dataclass(frozen=True)
class Pulled:
    """A written pull; `asked` requests were sent, `found` answers were on disk already."""

    written: Written
    asked: int
    found: int


def pull(
    scope: Scope,
    client: Client,
    data: Callable[[], Iterable[Quad]],
    into: Path,
    *,
    today: str,
    languages: tuple[str, ...] = LANGUAGES,
    tell: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Write what Wikidata says of the scope to the folder `into`, ready to build.

    `data` gives the quads of our data (whose IRIs are kept),
    `today` is an ISO date. A pull that was killed goes on where it was: its answers are on disk.
    Raises Upstream if the service fails, NotFound if the scope is not there.
    """
    with TemporaryDirectory(prefix="citygraph-") as folder, Spool(Path(folder) / "items") as items:
        gatherer = Gatherer(client, items, tell)
        name, selection = gatherer.name(scope), gatherer.select(scope)
        graph = SOURCE(_slug(scope, name))
        world = World(items, selection, read_known(data(), graph), graph, today, languages)
        gatherer.add_names(world)
        namer = Namer(world.known.taken)
        findings = [*gatherer.findings, *name_items(world, namer)]
        description = Description(
            slug=_slug(scope, name),
            of=_title(scope, name),
            about=tuple(world.iris[q] for q in gatherer.resolved(scope) if q in world.iris),
            retrieved=gatherer.retrieved,
            sha256=gatherer.digest.hexdigest(),
            languages=languages,
        )
        written = write_source(into, description, map_world(world, namer), findings)
    return Pulled(written, client.asked, client.found)


def _slug(scope: Scope, name: str) -> str:
    return f"wikidata-{slug(name)}" if scope.country or scope.cities else "wikidata"


def _title(scope: Scope, name: str) -> tuple[str, str]:
    return (name, name) if scope.country or scope.cities else ("the world", "dünya")


NOTHING = Selection(frozenset(), frozenset(), frozenset(), frozenset())

_QID = re.compile(r"Q[1-9]\d*")
_BATCH = 100
_HOPS = 5  # how often a merged item may have been merged again


@dataclass(frozen=True)
class Scope:
    """What to pull: some cities, the cities of a country, or (neither) all cities of the world that have partners.

    Raises UsageError for both at once, or for what is no id of an item.
    """

    cities: tuple[str, ...] = ()
    country: str = ""

    def __post_init__(self) -> None:
        if self.cities and self.country:
            raise UsageError("pull either cities or a country")
        for qid in (*self.cities, *filter(None, [self.country])):
            if not _QID.fullmatch(qid):
                raise UsageError(f"{qid!r} is no Wikidata item: an id is Q and a number, such as Q35997")


class Gatherer:
    """Asks for the items of a scope, step by step, and keeps them in the spool."""

    def __init__(
        self,
        client: Client,
        items: Spool,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._queries = load_queries(Path(__file__).parent / "queries")
        self._items = items
        self._tell = tell
        self.moved: dict[str, str] = {}
        self.living: set[str] = set()
        self.asked: set[str] = set()
        self.findings: list[Finding] = []
        self.digest = hashlib.sha256()
        self.retrieved = ""

    def name(self, scope: Scope) -> str:
        """The name of a scope, "" for the world. Raises NotFound if the city or country is not there."""
        return "-".join(self._name_of(qid) for qid in ((scope.country,) if scope.country else scope.cities))

    def select(self, scope: Scope, also: Selection = NOTHING) -> Selection:
        """Gather all items of a scope but their names; `also` has more, whose partners are not wanted."""
        seeds = self._gather("places", scope.cities or self._pages(scope.country))
        partners = {q for seed in seeds & set(self._items) for q in self._items[seed].links(TWINNED)}
        places = seeds | self._gather("partners", partners | also.places)
        countries = {q for place in places if place in self._items for q in countries_of(self._items[place])}
        people = {q for seed in seeds & set(self._items) for q in self._items[seed].links(HEAD_OF_GOVERNMENT)}
        countries, people = (
            self._gather("countries", countries | also.countries),
            self._gather("people", people | also.people),
        )
        self._follow_moves()
        return Selection(frozenset(seeds), frozenset(places), frozenset(countries), frozenset(people))

    def add_names(self, world: World) -> None:
        """Gather the names of all items, in the languages that the world wants them in."""
        selection = world.selection
        classes = {q for place in selection.places & set(self._items) for q in self._items[place].links(INSTANCE_OF)}
        posts = {q for person in selection.people & set(self._items) for q in self._items[person].links(POSITION_HELD)}
        named = by_number(selection.places | selection.countries | selection.people)
        self._add_names(world, "names", named, world.languages_of)
        self._add_names(world, "classes", by_number((classes | posts) - set(named)), lambda _: ("en",))
        for qid in named:
            item = self._items.get(qid)
            if item and qid not in self.living and not item.statements and not item.labels:
                self._items.discard(qid)

    def classes_of(self, qids: Iterable[str]) -> Callable[[str], str]:
        """Gather items without their names; answers what gives the English name of a class of theirs, "" for none."""
        found = self._gather("links", qids)
        classes = by_number({q for qid in found & set(self._items) for q in self._items[qid].links(INSTANCE_OF)})
        rows = (row for batch in _batches(classes) for row in self._ask("names", item=batch, language=["en"]))
        labels = {qid_of(row["item"]): str(row["name"]["value"]) for row in rows if row["kind"]["value"] == "label"}
        return lambda qid: labels.get(qid, "")

    def resolved(self, scope: Scope) -> tuple[str, ...]:
        """The items that the scope names, as they are called now."""
        return tuple(self.moved.get(q, q) for q in (scope.cities or filter(None, [scope.country])))

    def _name_of(self, qid: str) -> str:
        rows = self._ask("names", item=[qid], language=["en", "mul"])
        names = {row["name"]["xml:lang"]: row["name"]["value"] for row in rows if row["kind"]["value"] == "label"}
        target = self._resolve([qid]).get(qid)
        if not names and target:
            return self._name_of(target)
        if not names and qid not in self.living:
            raise NotFound(f"{qid} is not in Wikidata: it never was, or it was deleted")
        return str(names.get("en") or names.get("mul") or qid)

    def _pages(self, country: str) -> Iterator[str]:
        """The twinned items, page after page; each page begins after the last item of the one before."""
        last = ""
        while True:
            if country:
                rows = self._ask("twinned-of-a-country", country=[self.moved.get(country, country)], last=[last])
            else:
                rows = self._ask("twinned-of-the-world", last=[last])
            if not rows:
                return
            yield from (qid_of(row["item"]) for row in rows)
            last = str(rows[-1]["key"]["value"])
            self._tell(f"finding cities: up to {last.removeprefix(ENTITY)}")

    def _gather(self, what: str, qids: Iterable[str]) -> set[str]:
        """Keep the items; answers their ids, those of merged items replaced by what they became."""
        found: set[str] = set()
        wanted = by_number(set(qids))
        self.asked.update(wanted)
        pace = Pace(what, len(wanted), self._tell)
        for batch in _batches(wanted):
            targets = self._resolve(batch)
            self.findings += [Finding("redirect", q, f"{q} was merged into {t}") for q, t in targets.items()]
            living = by_number({targets.get(q, q) for q in batch} - set(self._items))
            for part in _batches(living):
                self._keep(part)
            found.update(targets.get(q, q) for q in batch)
            pace.advance(len(batch))
        return found

    def _resolve(self, qids: Iterable[str]) -> dict[str, str]:
        """What merged items became; tells the living by their last change."""
        targets: dict[str, str] = {}
        asked = {qid: qid for qid in qids}
        for _ in range(_HOPS):
            hops: dict[str, str] = {}
            for row in self._ask("items", item=by_number(asked)):
                if "target" in row:
                    hops[qid_of(row["item"])] = qid_of(row["target"])
                if "modified" in row:
                    self.living.add(qid_of(row["item"]))
            if not hops:
                break
            followed = {hops[qid]: first for qid, first in asked.items() if qid in hops}
            targets.update({first: target for target, first in followed.items()})
            asked = followed
        self.moved.update(targets)
        return targets

    def _keep(self, qids: list[str]) -> None:
        rows = self._answer("statements", {"item": qids})
        qualifiers, references = self._ask("qualifiers", item=qids), self._ask("references", item=qids)
        statements: dict[str, list[Statement]] = {qid: [] for qid in qids}
        for statement in read_statements(rows.rows, qualifiers, references):
            statements[statement.entity].append(statement)
        for qid, found in statements.items():
            self._items.put(Item(qid, statements=tuple(found), retrieved=rows.retrieved))

    def _follow_moves(self) -> None:
        """Let statements name what merged items became."""
        if not self.moved:
            return
        for qid in self._items:
            item = self._items[qid]
            moved = tuple(self._with_targets(s) for s in item.statements)
            if moved != item.statements:
                self._items.put(replace(item, statements=moved))

    def _with_targets(self, statement: Statement) -> Statement:
        value = statement.value
        if isinstance(value, Link) and value.qid in self.moved:
            return replace(statement, value=Link(self.moved[value.qid]))
        return statement

    def _add_names(
        self, world: World, what: str, qids: list[str], languages: Callable[[Item], tuple[str, ...]]
    ) -> None:
        pace = Pace(what, len(qids), self._tell)
        for batch in _batches(qids):
            items = {qid: self._items.get(qid) or Item(qid, retrieved=self.retrieved) for qid in batch}
            wanted = sorted({"mul", *(lang for item in items.values() for lang in languages(item))})
            rows = self._ask("names", item=batch, language=wanted)
            named = {qid_of(row["item"]) for row in rows if row["kind"]["value"] == "label"}
            unnamed = [
                qid for qid in batch if qid not in named and qid in world.selection.places | world.selection.people
            ]
            if unnamed:
                rows = [*rows, *self._ask("names-in-any-language", item=unnamed)]
            by_item: dict[str, list[Row]] = {}
            for row in rows:
                by_item.setdefault(qid_of(row["item"]), []).append(row)
            for qid, item in items.items():
                self._items.put(_with_names(item, by_item.get(qid, ())))
            pace.advance(len(batch))

    def _ask(self, name: str, **values: list[str]) -> list[Row]:
        return self._answer(name, values).rows

    def _answer(self, name: str, values: dict[str, list[str]]) -> Answer:
        answer = self._client.select(bind(self._queries[name], values))
        self.digest.update(answer.sha256.encode())
        self.retrieved = max(self.retrieved, answer.retrieved)
        return answer


def bind(query: StoredQuery, values: dict[str, list[str]]) -> str:
    """The text of a query with several values a parameter, each a term that the RDF library wrote.

    Values of a parameter of type iri are ids of items. The comments go: SPARQLWrapper looks for the kind of
    a query in them too.
    """
    text = "\n".join(line for line in query.text.splitlines() if line and not line.startswith("#"))
    for parameter in query.parameters:
        is_item = parameter.type == "iri"
        terms = " ".join(str(NamedNode(ENTITY + v) if is_item else Literal(v)) for v in values[parameter.name])
        pattern = re.compile(rf"VALUES \?{re.escape(parameter.name)} {{[^{{}}]*}}")
        block = f"VALUES ?{parameter.name} {{ {terms} }}"
        text = pattern.sub(lambda _: block, text)  # noqa: B023 - called before the next round
    return text


def _with_names(item: Item, rows: Iterable[Row]) -> Item:
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
