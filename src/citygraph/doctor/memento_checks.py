"""Memento (RFC 7089): the past of a document, by links, TimeGate and TimeMap."""

from __future__ import annotations

from citygraph.doctor.fetching import Link, Reply, read_links
from citygraph.doctor.scored_site import Check, Finding, Site, found, met, missing

LIST = "Memento"
_LONG_AGO = "Sat, 01 Jan 1994 00:00:00 GMT"
_LATE = "Fri, 01 Jan 2100 00:00:00 GMT"


def _document(site: Site) -> Reply:
    address = site.here(site.entities[0]) if site.entities else site.url
    return site.get(address, Accept="text/turtle, */*;q=0.1")


def _gate(site: Site) -> str:
    return next((link.href for link in _document(site).links("timegate")), "")


def _map(site: Site) -> list[Link]:
    address = next((link.href for link in _document(site).links("timemap")), "")
    reply = site.get(address, Accept="application/link-format") if address else Reply("", 0)
    if reply.media_type != "application/link-format":
        return []
    return read_links(reply.text.replace("\n", " "), reply.url)


def names_gate(site: Site) -> Finding:
    """A document names its TimeGate."""
    return found(_gate(site), f"{_document(site).url} has no Link rel=timegate")


def names_map(site: Site) -> Finding:
    """The TimeMap has the original, the TimeGate and mementos with their times."""
    relations = {rel for link in _map(site) for rel in link.rels}
    absent = {"original", "timegate", "memento", "first", "last"} - relations
    dated = all("datetime" in link.parameters for link in _map(site) if "memento" in link.rels)
    if absent or not dated:
        return missing(f"the TimeMap lacks {', '.join(sorted(absent)) or 'datetimes'}")
    return met(f"{sum('memento' in link.rels for link in _map(site))} mementos")


def gate_negotiates(site: Site) -> Finding:
    """The TimeGate sends to a memento, and says that it looks at the time."""
    gate = _gate(site)
    if not gate:
        return missing("no TimeGate")
    reply = site.get(gate, follow=False, Accept_Datetime=_LATE)
    if reply.status != 302 or "accept-datetime" not in reply.header("Vary").lower() or not reply.links("original"):
        return missing(f"{gate} answers {reply.status}, Vary: {reply.header('Vary')}")
    return met(reply.header("Location"))


def memento_dated(site: Site) -> Finding:
    """A memento says when it was, and what it is of."""
    gate = _gate(site)
    reply = site.get(gate, Accept_Datetime=_LATE, Accept="text/turtle, */*;q=0.1") if gate else Reply("", 0)
    absent = [rel for rel in ("original", "timegate", "timemap") if not reply.links(rel)]
    if not reply.header("Memento-Datetime") or absent:
        return missing(f"the memento lacks {', '.join(absent) or 'Memento-Datetime'}")
    return met(f"{reply.url}: {reply.header('Memento-Datetime')}")


def before_the_first(site: Site) -> Finding:
    """A time before the first memento gets the first."""
    first = next((link.href for link in _map(site) if "first" in link.rels), "")
    gate = _gate(site)
    reply = site.get(gate, follow=False, Accept_Datetime=_LONG_AGO) if gate else Reply("", 0)
    good = bool(first) and reply.header("Location") == first
    return found(first if good else "", f"{_LONG_AGO} leads to {reply.header('Location') or reply.status}")


def malformed(site: Site) -> Finding:
    """A malformed time is refused."""
    gate = _gate(site)
    status = site.get(gate, follow=False, Accept_Datetime="yesterday").status if gate else 0
    return found("400" if status == 400 else "", f"a malformed Accept-Datetime gets {status}")


MEMENTO: tuple[Check, ...] = (
    Check(LIST, "Documents name their TimeGate", names_gate),
    Check(LIST, "TimeMap", names_map),
    Check(LIST, "TimeGate negotiates", gate_negotiates),
    Check(LIST, "Mementos are dated", memento_dated),
    Check(LIST, "Before the first", before_the_first),
    Check(LIST, "Malformed datetime", malformed),
)
