"""Memento (RFC 7089): access to earlier versions of a document by links, TimeGate and TimeMap."""

from __future__ import annotations

from citygraph.doctor.fetching import HttpResponse, TypedLink, read_links
from citygraph.doctor.scored_site import Check, CheckResult, Site, met, met_if, missing

LIST = "Memento"
# Before and after every possible memento of a Web site.
_LONG_AGO = "Sat, 01 Jan 1994 00:00:00 GMT"
_LATE = "Fri, 01 Jan 2100 00:00:00 GMT"


def _document(site: Site) -> HttpResponse:
    address = site.here(site.entities[0]) if site.entities else site.url
    return site.get(address, Accept="text/turtle, */*;q=0.1")


def _gate(site: Site) -> str:
    return next((link.href for link in _document(site).links("timegate")), "")


def _map(site: Site) -> list[TypedLink]:
    address = next((link.href for link in _document(site).links("timemap")), "")
    reply = site.get(address, Accept="application/link-format") if address else HttpResponse("", 0)
    # The format that section 5 of RFC 7089 requires.
    if reply.media_type != "application/link-format":
        return []
    return read_links(reply.text.replace("\n", " "), reply.url)


def names_gate(site: Site) -> CheckResult:
    """A document links to its TimeGate."""
    return met_if(_gate(site), f"{_document(site).url} has no Link rel=timegate")


def names_map(site: Site) -> CheckResult:
    """The TimeMap has the original, the TimeGate, and mementos with their times."""
    relations = {rel for link in _map(site) for rel in link.rels}
    absent = {"original", "timegate", "memento", "first", "last"} - relations
    dated = all("datetime" in link.parameters for link in _map(site) if "memento" in link.rels)
    if absent or not dated:
        return missing(f"the TimeMap lacks {', '.join(sorted(absent)) or 'datetimes'}")
    return met(f"{sum('memento' in link.rels for link in _map(site))} mementos")


def gate_negotiates(site: Site) -> CheckResult:
    """The TimeGate redirects to a memento, and has Vary: Accept-Datetime."""
    gate = _gate(site)
    if not gate:
        return missing("no TimeGate")
    reply = site.get(gate, follow=False, Accept_Datetime=_LATE)
    # Section 4.1.1: 302 with Vary and a link to the original.
    if reply.status != 302 or "accept-datetime" not in reply.header("Vary").lower() or not reply.links("original"):
        return missing(f"{gate} answers {reply.status}, Vary: {reply.header('Vary')}")
    return met(reply.header("Location"))


def memento_dated(site: Site) -> CheckResult:
    """A memento has its time, and links to its original."""
    gate = _gate(site)
    reply = site.get(gate, Accept_Datetime=_LATE, Accept="text/turtle, */*;q=0.1") if gate else HttpResponse("", 0)
    absent = [rel for rel in ("original", "timegate", "timemap") if not reply.links(rel)]
    if not reply.header("Memento-Datetime") or absent:
        return missing(f"the memento lacks {', '.join(absent) or 'Memento-Datetime'}")
    return met(f"{reply.url}: {reply.header('Memento-Datetime')}")


def before_the_first(site: Site) -> CheckResult:
    """A time before the first memento leads to the first."""
    first = next((link.href for link in _map(site) if "first" in link.rels), "")
    gate = _gate(site)
    reply = site.get(gate, follow=False, Accept_Datetime=_LONG_AGO) if gate else HttpResponse("", 0)
    good = bool(first) and reply.header("Location") == first
    return met_if(first if good else "", f"{_LONG_AGO} leads to {reply.header('Location') or reply.status}")


def malformed(site: Site) -> CheckResult:
    """A malformed time is rejected with 400."""
    gate = _gate(site)
    status = site.get(gate, follow=False, Accept_Datetime="yesterday").status if gate else 0
    return met_if("400" if status == 400 else "", f"a malformed Accept-Datetime gets {status}")


MEMENTO: tuple[Check, ...] = (
    Check(LIST, "Documents name their TimeGate", names_gate),
    Check(LIST, "TimeMap", names_map),
    Check(LIST, "TimeGate negotiates", gate_negotiates),
    Check(LIST, "Mementos are dated", memento_dated),
    Check(LIST, "Before the first", before_the_first),
    Check(LIST, "Malformed datetime", malformed),
)
