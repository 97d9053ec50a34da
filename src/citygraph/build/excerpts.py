"""The evaluation of queries on the part of a large graph that each reads: in memory, which a store on the disk is not.

A triple that matches no pattern of a query cannot change its result. Which triples match is known by predicate and
class, and for a pattern whose predicate is a variable by the nodes that the other patterns require.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import attrgetter, itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.graph_files import GraphFiles, as_stored
from citygraph.build.key_parts import KeyReads, divided
from citygraph.build.patterns import Pattern, Term, Variable
from citygraph.build.predicate_files import Key, LineFile, key_of, split_by_subject, subject_of
from citygraph.build.query_algebra import words
from citygraph.build.rule_reads import in_range, is_about_keys, rule_reads
from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import ONTOLOGY_GRAPH, RDFS
from citygraph.source.rules import Rule, construct

# Rules are evaluated for so many triples at a time, and so many lines of results are compared with those of the graph.
# A type has several classes above it: with its results in the engine, a part takes some 200 MB.
_MOST_LINES = 100_000
# So many triples are read by the engine at once, without a search for those that are needed.
_FEW_LINES = 20_000
_DEFAULT = DefaultGraph()
# Words of a query whose result may depend on triples that match no pattern, or on graphs other than the ontology; and
# BASE, with which rdflib does not read all names as the engine does.
_BEYOND = re.compile(r"\b(BASE|FROM|SERVICE|LIMIT|OFFSET)\b|\bGRAPH\s*[?$]", re.IGNORECASE)
# Words by which a result depends on several matches of a pattern.
_COMBINING = re.compile(r"\b(GROUP|COUNT|SUM|MIN|MAX|AVG|SAMPLE|GROUP_CONCAT|MINUS|EXISTS|OPTIONAL)\b", re.IGNORECASE)
_NODES = (NamedNode, BlankNode)
Nodes = set[str]
# The subjects and the objects that a triple can have; None is any.
Limit = tuple[Nodes | None, Nodes | None]
# No query can have these variables.
_LABELS = Pattern(Variable("labelIn()"), RDFS("label"), Variable("label()"))


class Excerpts:
    """A graph in files and its ontology, on which rules are evaluated one after the other."""

    def __init__(self, files: GraphFiles, ontology: Iterable[Quad], folder: Path) -> None:
        self._files = files
        self._ontology = list(ontology)
        self._folder = folder

    def triples_with(self, *predicates: NamedNode) -> Store:
        """Returns a store with the triples of these predicates."""
        store = Store()
        for predicate in predicates:
            _load(self._files.triples.select(str(predicate)), store, set())
        return store

    def derive(self, rule: Rule, year_before: str) -> Iterator[list[str]]:
        """Yields what `derive_in_parts` does, with literals as a store writes them; the files do not get the triples.

        Raises BadData for a rule that is not a CONSTRUCT query, and Unbounded before the first triples.
        """
        construct(rule, Store(), year_before)  # so that an error in its syntax is the engine's
        query = _patterns(rule.text)
        with TemporaryDirectory(dir=self._folder) as folder:
            parts = self._parts(rule, query, Path(folder))
            results: list[Path] = []
            for part, store in self._stores(parts, query):
                results.append(Path(folder, f"result-{len(results)}.nt"))
                construct(part, store, year_before).serialize(str(results[-1]), RdfFormat.N_TRIPLES)
                del store
            yield from self._new(results, Path(folder))

    def _stores(self, parts: _Parts, query: QueryPatterns) -> Iterator[tuple[Rule, Store]]:
        """Yields stores, and queries whose results on them are together that on the graph."""
        for part, files in parts.parts:
            store = self._with_ontology()
            for file in files:
                file.load_into(store)
            yield part, store
            del store  # two would need twice the memory
        if not parts.parts:
            yield parts.rule, self._excerpt(query)

    def _parts(self, rule: Rule, query: QueryPatterns, folder: Path) -> _Parts:
        """Returns the parts of a rule that may read many triples; there are none if its excerpt has few."""
        bindings = _Bindings(query, set(), self._with_ontology())
        patterns = [pattern for pattern in query.patterns if pattern.graph is None]
        files = self._files.triples.select_any(key for one in patterns for key in _keys(one, bindings))
        if _size(files) <= _MOST_LINES:
            return _Parts(rule)
        if _is_about_single_triples(rule.text, query):
            return _by_subject(rule, files, folder)
        with suppress(Unbounded):
            return self._parts_of_keys(rule, rule_reads(rule.text), folder)
        return _Parts(rule)

    def _parts_of_keys(self, rule: Rule, reads: KeyReads, folder: Path) -> _Parts:
        """Returns parts for some of a rule's keys each. Raises Unbounded."""
        if is_about_keys(reads):
            keys = (key for step in reads.steps for key in step.keys)
            return _by_subject(rule, self._files.triples.select_any(keys), folder)
        ranges = divided(self._files, reads, folder, _MOST_LINES)
        return _Parts(rule, [(replace(rule, text=in_range(rule.text, part)), [part.lines]) for part in ranges])

    def _new(self, results: list[Path], folder: Path) -> Iterator[list[str]]:
        """Yields the lines of results that the graph lacks, each once."""
        keys, files = set[Key](), [LineFile(path) for path in results]
        for file in files:
            with file.path.open(encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    keys.add(key_of(line))
                    file.size += 1
        known = self._files.triples.select_any(keys)
        groups = split_by_subject(files, _size(files) // _MOST_LINES + 1, folder, "new")
        for group, stated in zip(groups, split_by_subject(known, len(groups), folder, "known"), strict=True):
            yield from batched(_missing_lines(group, stated))

    def _with_ontology(self) -> Store:
        store = Store()
        store.extend(self._ontology)
        return store

    def _excerpt(self, query: QueryPatterns) -> Store:
        """Returns a store with the ontology, and with all triples that can be part of a solution of the query.

        Raises Unbounded if these may be any.
        """
        store = self._with_ontology()
        by_key: dict[Key, list[Pattern]] = {}
        for pattern in query.patterns:
            if pattern.graph is None:
                by_key.setdefault(_key(pattern), []).append(pattern)
        # The most frequent ones last: their nodes may be bound by the others.
        sizes = {key: _size(self._files.triples.select(*key)) if key[0] else self._files.triples.size for key in by_key}
        known: set[Key] = set()
        loaded: set[Path] = set()
        bindings = _Bindings(query, known, store)
        for key, size in sorted(sizes.items(), key=itemgetter(1)):
            if not key[0]:
                for pattern in by_key[key]:
                    self._load_any_predicate(pattern, bindings, loaded)
            elif size <= _FEW_LINES:
                _load(self._files.triples.select(*key), store, loaded)
            else:
                self._load_bound(key, by_key[key], bindings, loaded)
            known.add(key)
        return store

    def _load_bound(self, key: Key, patterns: list[Pattern], bindings: _Bindings, loaded: set[Path]) -> None:
        """Adds the triples of the patterns of a predicate, as far as their nodes are bound."""
        limits = [(bindings.of(one, one.subject), bindings.of(one, one.object)) for one in patterns]
        files = self._files.triples.select(*key)
        if (None, None) in limits:
            _load(files, bindings.store, loaded)
        else:
            _load_matching(_missing(files, loaded), limits, bindings.store)

    def _load_any_predicate(self, pattern: Pattern, bindings: _Bindings, loaded: set[Path]) -> None:
        """Adds the triples of a pattern whose predicate is a variable. Raises Unbounded if it has no bound term."""
        terms = (pattern.predicate, pattern.subject, pattern.object)
        predicates, *limits = (bindings.of(pattern, term) for term in terms)
        if predicates is None and limits == [None, None]:
            raise Unbounded("a pattern may match every triple")
        files = self._files.triples.select_any(_keys(pattern, bindings))
        if limits == [None, None]:
            _load(files, bindings.store, loaded)
        elif set() not in limits:
            subjects, objects = limits
            _load_matching(_missing(files, loaded), [(subjects, objects)], bindings.store)


@dataclass(frozen=True)
class _Parts:
    """A rule, and the parts of its result: for each a query, and the files of the triples that it reads."""

    rule: Rule
    parts: Sequence[tuple[Rule, Sequence[LineFile]]] = ()


@dataclass(frozen=True)
class _Bindings:
    """The nodes that the variables of a query can be, by those required patterns whose triples a store has."""

    query: QueryPatterns
    known: set[Key]
    store: Store
    # By what is constant in a pattern, because the parts of a query have variables of their own.
    _found: dict[tuple[object, ...], Nodes | None] = field(default_factory=dict)

    def of(self, pattern: Pattern, term: Term | Variable) -> Nodes | None:
        """Returns the nodes that a term of a pattern can be, as in N-Triples; None if any."""
        joined = self.query.joined.get(_plain(pattern))
        if joined is not None and isinstance(term, Variable) and term.name not in joined:
            return None
        found = [self._bound_by(one, term) for one in self.query.required if term in (one.subject, one.object)]
        return min((nodes for nodes in found if nodes is not None), key=len, default=None)

    def _bound_by(self, one: Pattern, term: Term | Variable) -> Nodes | None:
        is_known = one.graph is not None or _key(one) in self.known
        if not is_known or not isinstance(term, Variable) or isinstance(one.predicate, Variable):
            return None
        subject, predicate, value = (_constant(part) for part in (one.subject, one.predicate, one.object))
        place = "subject" if term == one.subject else "object"
        # With the literal that counts as any: its pattern may have been read alone.
        key = (*_key(one), subject, one.graph, place)
        if key not in self._found:
            quads = self.store.quads_for_pattern(subject, predicate, value, one.graph or _DEFAULT)
            found = set(map(attrgetter(place), quads))
            # Literals of the store are not as they are in the files.
            is_usable = all(isinstance(node, _NODES) for node in found)
            self._found[key] = {str(node) for node in found} if is_usable else None
        return self._found[key]


def _by_subject(rule: Rule, files: Collection[LineFile], folder: Path) -> _Parts:
    groups = split_by_subject(files, _size(files) // _MOST_LINES + 1, folder, "part")
    return _Parts(rule, [(rule, group) for group in groups])


def _missing_lines(results: Iterable[LineFile], stated: Iterable[LineFile]) -> Iterable[str]:
    """Returns the lines of results, as a store writes them, that the other files lack."""
    new = dict.fromkeys(line for file in results for batch in batched(file) for line in as_stored(batch))
    for file in stated:
        for line in file:
            new.pop(line, None)
    return new


def _patterns(text: str) -> QueryPatterns:
    """Returns the patterns of a query whose result depends only on the triples that match them. Raises Unbounded."""
    if "\\u" in text.lower() or _BEYOND.search(words(text)):
        raise Unbounded("a query may read more than the matches of its patterns")
    try:
        query = query_patterns(text)
    except Unbounded:
        raise
    except Exception as error:
        raise Unbounded(f"a query has syntax that only the engine knows: {error}") from None
    if query.graphs - {ONTOLOGY_GRAPH}:
        raise Unbounded("a query reads a graph other than the ontology")
    return replace(query, patterns=[*query.patterns, _LABELS]) if "labelIn" in text else query


def _is_about_single_triples(text: str, query: QueryPatterns) -> bool:
    """Returns whether each result depends on one triple of the default graph, and has its subject."""
    mine = [pattern for pattern in query.patterns if pattern.graph is None]
    if len(mine) != 1 or mine != query.patterns or _COMBINING.search(words(text)):
        return False
    (pattern,) = mine
    return _plain(pattern) in query.required and all(head.subject == pattern.subject for head in query.template)


def _plain(pattern: Pattern) -> Pattern:
    return replace(pattern, once=False, once_of_each=False)


def _keys(pattern: Pattern, bindings: _Bindings) -> list[Key]:
    """Returns the predicates and classes of a pattern's triples."""
    predicates = bindings.of(pattern, pattern.predicate)
    return [_key(pattern)] if predicates is None else [(predicate, "") for predicate in predicates]


def _key(pattern: Pattern) -> Key:
    return _text(pattern.predicate), _text(pattern.object)


def _text(term: Term | Variable) -> str:
    return "" if isinstance(term, Variable) else str(term)


def _size(files: Iterable[LineFile]) -> int:
    return sum(file.size for file in files)


def _load(files: Iterable[LineFile], store: Store, loaded: set[Path]) -> None:
    """Adds the triples of the files that are not yet `loaded`."""
    for file in _missing(files, loaded):
        loaded.add(file.path)
        file.load_into(store)


def _missing(files: Iterable[LineFile], loaded: Collection[Path]) -> list[LineFile]:
    return [file for file in files if file.path not in loaded]


def _load_matching(files: Iterable[LineFile], limits: Iterable[Limit], store: Store) -> None:
    """Adds the triples whose subject and object are within one of the limits."""
    lines = (line for file in files for line in file)
    for batch in batched(_matching(lines, limits)):
        text = "".join(batch)
        if "_:" in text:
            # `load` would give blank nodes other labels.
            store.extend(parse(text, RdfFormat.N_TRIPLES, lenient=True))
        else:
            store.load(text, RdfFormat.N_TRIPLES, lenient=True)


def _matching(lines: Iterable[str], limits: Iterable[Limit]) -> Iterator[str]:
    limits = list(limits)
    subjects = set().union(*(nodes for nodes, objects in limits if nodes is not None and objects is None))
    others = [limit for limit in limits if limit[1] is not None]
    for line in lines:
        subject = subject_of(line)
        if subject in subjects or (others and _is_within(line, subject, others)):
            yield line


def _is_within(line: str, subject: str, limits: Iterable[Limit]) -> bool:
    value = line.split(" ", 2)[2][:-3]
    return any(
        (subjects is None or subject in subjects) and (objects is None or value in objects)
        for subjects, objects in limits
    )


def _constant(term: Term | Variable) -> Any:
    # A literal counts as any, because rdflib may write it in another form than the store.
    return None if isinstance(term, Variable | Literal) else term
