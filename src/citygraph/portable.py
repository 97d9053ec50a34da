"""What every form of a document can carry: statements of RDF 1.1, whose texts XML can write."""

from __future__ import annotations

import re

from pyoxigraph import Literal, Quad, Triple

from citygraph.terms import RDF

# What XML 1.0 has no way to write (2.2, Characters).
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# RDF/XML writes a property as the name of an element, which its IRI must end with (RDF/XML, 8).
_NAMED = re.compile(r"[^\W\d][\w.-]*\Z")
_OF_LANGUAGES = (RDF("langString"), RDF("dirLangString"))


def why_not(quad: Quad) -> str:
    """Why a statement can be neither judged by the shapes nor given to everybody; empty if it can."""
    value = quad.object
    if not _NAMED.search(quad.predicate.value):
        return f"the property {quad.predicate} of {quad.subject} ends with no name, so that RDF/XML cannot write it"
    if isinstance(value, Triple):
        return f"a value of {quad.subject} is a triple: values are IRIs and literals here"
    if not isinstance(value, Literal):
        return ""
    if value.direction is not None:
        return f"a text of {quad.subject} has a base direction, which RDF 1.1 does not know: {_shown(value)}"
    if value.datatype in _OF_LANGUAGES and not value.language:
        return f"a text of {quad.subject} is of a language without saying which: {_shown(value)}"
    if found := _UNWRITABLE.search(value.value):
        return f"a value of {quad.subject} has the character U+{ord(found[0]):04X}, which XML cannot write"
    return ""


def _shown(value: Literal) -> str:
    return str(value)[:80]
