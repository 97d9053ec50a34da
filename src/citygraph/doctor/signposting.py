"""FAIR Signposting: typed links in the headers of documents (level 1), and all of them in a linkset (level 2)."""

from __future__ import annotations

import json

from citygraph.doctor.fetching import HttpResponse, read_links
from citygraph.doctor.scored_site import ACCEPT_HTML, Check, CheckResult, Examination, Site, met, missing

LIST = "Signposting"


def document(site: Site) -> HttpResponse | None:
    """Returns the page of an entity."""
    return site.get(site.here(site.entities[0]), Accept=ACCEPT_HTML) if site.entities else None


def links(rel: str, answering: bool = True) -> Examination:
    """Returns a check that an entity's page has a link of this relation, and that its target on this site resolves."""

    def examine(site: Site) -> CheckResult:
        reply = document(site)
        matches = reply.links(rel) if reply else []
        if not matches:
            return missing(f"no Link rel={rel} at {reply.url if reply else 'any entity'}")
        target = site.here(matches[0].href)
        # Targets elsewhere, such as a licence, are not the responsibility of the site.
        if answering and target.startswith(site.url):
            status = site.get(target, method="HEAD").status
            if status != 200:
                return missing(f"rel={rel} leads to {target}, which answers {status}")
        return met(matches[0].href)

    return examine


def linkset(site: Site) -> CheckResult:
    """A linkset has the links of the page, in one of the two formats (RFC 9264)."""
    reply = document(site)
    # A page may link to both formats; one suffices.
    for link in reply.links("linkset") if reply else []:
        answer = site.get(link.href)
        if answer.media_type == "application/linkset+json" and _contexts(answer):
            return met(f"{link.href}: {_contexts(answer)} contexts")
        if answer.media_type == "application/linkset" and read_links(answer.text.replace("\n", " ")):
            return met(link.href)
    return missing("no linkset in application/linkset or application/linkset+json")


def landing(rel: str) -> Examination:
    """Returns a check that the landing page has a link of this relation, in its headers or its head."""

    def examine(site: Site) -> CheckResult:
        matches = site.landing.links(rel)
        if matches:
            return met(matches[0].href)
        return (
            met(f"in the head of {site.url}")
            if f'rel="{rel}"' in site.landing.text
            else missing(f"the landing page has no link rel={rel}")
        )

    return examine


def _contexts(reply: HttpResponse) -> int:
    try:
        return len(json.loads(reply.text)["linkset"])
    except (ValueError, KeyError, TypeError):
        return 0


SIGNPOSTING: tuple[Check, ...] = (
    Check(LIST, "cite-as", links("cite-as", answering=False)),
    Check(LIST, "type", links("type", answering=False)),
    Check(LIST, "describedby", links("describedby")),
    Check(LIST, "license", links("license", answering=False)),
    Check(LIST, "item", links("item")),
    Check(LIST, "collection", links("collection")),
    Check(LIST, "author", links("author", answering=False), required=False),
    Check(LIST, "linkset (level 2)", linkset),
    Check(LIST, "landing page: license", landing("license")),
    Check(LIST, "landing page: describedby", landing("describedby"), required=False),
)
