"""The items of a comparison from a dump in place of the query service: the same steps, without requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial

from citygraph.errors import NotFound
from citygraph.wikidata.dump import Engine, LineFilter, UnreadableItem, filter_items, filter_twinned
from citygraph.wikidata.entity import read_entity
from citygraph.wikidata.model import HEAD_OF_GOVERNMENT, INSTANCE_OF, TWINNED, countries_of
from citygraph.wikidata.pull import NO_ITEMS, Scope
from citygraph.wikidata.spool import ItemSpool
from citygraph.wikidata.world import Selection, World


class DumpFetcher:
    """A reader of the items of a scope from a dump into the spool; `retrieved` is the time of the dump.

    A dump has no redirects: an item that was merged is missing in it, as a deleted one is.
    """

    has_redirects = False

    def __init__(
        self, dump: str, engine: Engine, items: ItemSpool, retrieved: str, note: Callable[[str], None] = lambda _: None
    ) -> None:
        """`note` receives a sentence for each line that is not an item, and is left out."""
        self._dump = dump
        self._engine = engine
        self._items = items
        self._note = note
        self._reported: set[UnreadableItem] = set()
        self._whole: set[str] = set()
        self.retrieved = retrieved
        self.redirects: dict[str, str] = {}
        self.requested: set[str] = set()

    def scope_name(self, scope: Scope) -> str:
        """Reads the twinned items of the dump; returns "". Raises NotFound if the dump does not have the scope."""
        self._scan(filter_twinned)
        named = set(scope.cities) | ({scope.country} if scope.country else set())
        self._read(named)
        if missing := sorted(named - set(self._items)):
            raise NotFound(f"{', '.join(missing)} is not in the dump")
        return ""

    def select(self, scope: Scope, also: Selection = NO_ITEMS) -> Selection:
        """Reads all items of a scope; `also` has more, whose partners are not needed."""
        seeds = set(scope.cities) or {qid for qid in self._items if self._is_seed(qid, scope.country)}
        self._read(seeds)
        here = seeds & set(self._items)
        places = seeds | also.places | {q for seed in here for q in self._items[seed].links(TWINNED)}
        people = also.people | {q for seed in here for q in self._items[seed].links(HEAD_OF_GOVERNMENT)}
        self._read(places | people | also.countries | self._countries(places))
        # The countries of partners that were read only now, and the classes by which the kind of a place is determined.
        classes = {q for place in places & set(self._items) for q in self._items[place].links(INSTANCE_OF)}
        countries = also.countries | self._countries(places)
        self._read(countries | (classes - set(self._items)))
        self.requested |= places | people | countries
        return Selection(frozenset(seeds), frozenset(places), frozenset(countries), frozenset(people))

    def add_names(self, world: World) -> None:
        """Does nothing: the items of a dump have their names."""

    def _is_seed(self, qid: str, country: str) -> bool:
        item = self._items[qid]
        return bool(item.of(TWINNED)) and (not country or country in countries_of(item))

    def _countries(self, places: Iterable[str]) -> set[str]:
        return {q for place in places if place in self._items for q in countries_of(self._items[place])}

    def _read(self, qids: Iterable[str]) -> None:
        """Reads items whole that were not read yet, or of which only the name was kept."""
        missing = frozenset(qids) - self._whole
        if missing:
            self._scan(partial(filter_items, qids=missing))
            self._whole |= missing

    def _scan(self, line_filter: LineFilter) -> None:
        for result in self._engine.scan(self._dump, line_filter):
            if isinstance(result, UnreadableItem):
                if result not in self._reported:
                    self._note(str(result))
                self._reported.add(result)
                continue
            qid, text = result
            entity = json.loads(text)
            self._items.put(read_entity(entity, self.retrieved))
            if entity["claims"]:
                self._whole.add(qid)
