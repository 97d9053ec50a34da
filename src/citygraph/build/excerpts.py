"""The evaluation of queries on the part of a large graph that each reads: in memory, which a store on the disk is not.

A triple that matches no pattern of a query cannot change its result. Which triples match is known by predicate and
class, and for a pattern whose predicate is a variable by the nodes that the other patterns require.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter, itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.patterns import Pattern, Term, Variable
from citygraph.build.predicate_files import Key, LineFile, PredicateFiles, key_of, split_by_subject, subject_of
from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import ONTOLOGY_GRAPH, RDFS
from citygraph.source.rules import Rule, add_triples, construct, new_in_parts

# A rule with one pattern is evaluated for so many triples at a time.
_MOST_LINES = 1_000_000
# So many triples are read by the engine at once, without a search for those that are needed.
_FEW_LINES = 20_000
_DEFAULT = DefaultGraph()
# Names, texts and comments of a query: they may contain its words.
_NOT_WORDS = re.compile(
    r"""<[^<>\s"{}|^`\\]*>|\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\r\n]*|"""
    r"""[\w.-]*:[\w.%-]*|(?<=[?$])\w+""",
    re.DOTALL,
)
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

    def __init__(self, files: PredicateFiles, ontology: Iterable[Quad], folder: Path) -> None:
        self._files = files
        self._ontology = list(ontology)
        self._folder = folder

    def triples_with(self, *predicates: NamedNode) -> Store:
        """Returns a store with the triples of these predicates."""
        store = Store()
        for predicate in predicates:
            _load(self._files.select(str(predicate)), store, set())
        return store

    def derive(self, rule: Rule, year_before: str) -> Iterator[list[str]]:
        """Yields what `derive_in_parts` does; the files do not get the triples.

        Raises BadData for a rule that is not a CONSTRUCT query, and Unbounded before the first triples.
        """
        construct(rule, Store(), year_before)  # so that an error in its syntax is the engine's
        query = _patterns(rule.text)
        with TemporaryDirectory(dir=self._folder) as folder:
            results: list[Path] = []
            for store in self._parts(rule.text, query, Path(folder)):
                results.append(Path(folder, f"result-{len(results)}.nt"))
                construct(rule, store, year_before).serialize(str(results[-1]), RdfFormat.N_TRIPLES)
                del store
            yield from self._new(results, Path(folder))

    def _parts(self, text: str, query: QueryPatterns, folder: Path) -> Iterator[Store]:
        """Yields stores on which the results of a query are together that on the graph.

        A subject of the results is in only one of them.
        """
        bindings = _Bindings(query, set(), self._with_ontology())
        is_single = _is_about_single_triples(text, query)
        files = [file for pattern in query.patterns for file in self._files_of(pattern, bindings)] if is_single else []
        number = _size(files) // _MOST_LINES + 1
        if number == 1:
            yield self._excerpt(query)
            return
        for group in split_by_subject(files, number, folder, "part"):
            store = self._with_ontology()
            for file in group:
                file.load_into(store)
            yield store

    def _new(self, results: list[Path], folder: Path) -> Iterator[list[str]]:
        """Yields the lines of results that the graph lacks."""
        files = self._files.select_any(_keys_in(results))
        groups = split_by_subject(files, len(results), folder, "known")
        for path, group in zip(results, groups, strict=True):
            known = Store()
            if _size(group) > _FEW_LINES:
                with path.open(encoding="utf-8", newline="\n") as lines:
                    _load_matching(group, [(set(map(subject_of, lines)), None)], known)
            else:
                _load(group, known, set())
            with path.open(encoding="utf-8", newline="\n") as lines:
                for part in new_in_parts(lines, parse(path=path, format=RdfFormat.N_TRIPLES, lenient=True), known):
                    add_triples(part, known, _DEFAULT)
                    yield [line for line, _ in part]

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
        sizes = {key: _size(self._files.select(*key)) if key[0] else self._files.size for key in by_key}
        known: set[Key] = set()
        loaded: set[Path] = set()
        bindings = _Bindings(query, known, store)
        for key, size in sorted(sizes.items(), key=itemgetter(1)):
            if not key[0]:
                for pattern in by_key[key]:
                    self._load_any_predicate(pattern, bindings, loaded)
            elif size <= _FEW_LINES:
                _load(self._files.select(*key), store, loaded)
            else:
                self._load_bound(key, by_key[key], bindings, loaded)
            known.add(key)
        return store

    def _load_bound(self, key: Key, patterns: list[Pattern], bindings: _Bindings, loaded: set[Path]) -> None:
        """Adds the triples of the patterns of a predicate, as far as their nodes are bound."""
        limits = [(bindings.of(one, one.subject), bindings.of(one, one.object)) for one in patterns]
        files = self._files.select(*key)
        if (None, None) in limits:
            _load(files, bindings.store, loaded)
        else:
            _load_matching(_missing(files, loaded), limits, bindings.store)

    def _files_of(self, pattern: Pattern, bindings: _Bindings) -> Collection[LineFile]:
        """Returns the files that have the triples of a pattern."""
        predicates = bindings.of(pattern, pattern.predicate)
        keys = [_key(pattern)] if predicates is None else [(predicate, "") for predicate in predicates]
        return self._files.select_any(keys)

    def _load_any_predicate(self, pattern: Pattern, bindings: _Bindings, loaded: set[Path]) -> None:
        """Adds the triples of a pattern whose predicate is a variable. Raises Unbounded if it has no bound term."""
        terms = (pattern.predicate, pattern.subject, pattern.object)
        predicates, *limits = (bindings.of(pattern, term) for term in terms)
        if predicates is None and limits == [None, None]:
            raise Unbounded("a pattern may match every triple")
        files = self._files_of(pattern, bindings)
        if limits == [None, None]:
            _load(files, bindings.store, loaded)
        elif set() not in limits:
            subjects, objects = limits
            _load_matching(_missing(files, loaded), [(subjects, objects)], bindings.store)


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


def _patterns(text: str) -> QueryPatterns:
    """Returns the patterns of a query whose result depends only on the triples that match them. Raises Unbounded."""
    if "\\u" in text.lower() or _BEYOND.search(_words(text)):
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


def _words(text: str) -> str:
    return _NOT_WORDS.sub(" ", text)


def _is_about_single_triples(text: str, query: QueryPatterns) -> bool:
    """Returns whether each result depends on one triple of the default graph, and has its subject."""
    mine = [pattern for pattern in query.patterns if pattern.graph is None]
    if len(mine) != 1 or mine != query.patterns or _COMBINING.search(_words(text)):
        return False
    (pattern,) = mine
    return _plain(pattern) in query.required and all(head.subject == pattern.subject for head in query.template)


def _plain(pattern: Pattern) -> Pattern:
    return replace(pattern, once=False, once_of_each=False)


def _key(pattern: Pattern) -> Key:
    return _text(pattern.predicate), _text(pattern.object)


def _text(term: Term | Variable) -> str:
    return "" if isinstance(term, Variable) else str(term)


def _keys_in(results: Iterable[Path]) -> set[Key]:
    """Returns the predicates and classes of files of N-Triples."""
    keys: set[Key] = set()
    for path in results:
        with path.open(encoding="utf-8", newline="\n") as lines:
            keys.update(map(key_of, lines))
    return keys


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
