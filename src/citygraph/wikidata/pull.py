"""From Wikidata's query service to a source graph: the places asked for, their partners, countries and mayors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Quad

from citygraph.terms import SOURCE
from citygraph.text import slug
from citygraph.wikidata.client import Client
from citygraph.wikidata.gather import Gatherer, Scope
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.names import Namer, read_known
from citygraph.wikidata.source import Description, Written, write_source
from citygraph.wikidata.spool import Spool
from citygraph.wikidata.world import LANGUAGES, World, name_items


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
