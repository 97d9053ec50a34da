"""The evaluation of queries on the part of a large graph that each reads: in memory, which a store on the disk is not.

A triple that matches no pattern of a query cannot change its result. Which triples match is known by predicate and
class, and for a pattern whose predicate is a variable by the nodes that the other patterns require.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse
from pyparsing import ParseBaseException

from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.patterns import Pattern, Term, Variable
from citygraph.build.predicate_files import Key, LineFile, PredicateFiles, key_of, split_by_subject, subject_of
from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import ONTOLOGY_GRAPH, RDFS
from citygraph.source.rules import Rule, add_triples, construct, new_in_parts

# A rule with one pattern is evaluated for so many triples at a time.
_MOST_LINES = 1_000_000
_DEFAULT = DefaultGraph()
# Names, texts and comments of a query: they may contain its words.
_NOT_WORDS = re.compile(
    r"""<[^<>\s"{}|^`\\]*>|\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*|"""
    r"""[\w.-]*:[\w.%-]*|(?<=[?$])\w+""",
    re.DOTALL,
)
# Words of a query whose result may depend on triples that match no pattern, or on graphs other than the ontology.
_BEYOND = re.compile(r"\b(FROM|SERVICE|LIMIT|OFFSET)\b|\bGRAPH\s*[?$]", re.IGNORECASE)
# Words by which a result depends on several matches of a pattern.
_COMBINING = re.compile(r"\b(GROUP|COUNT|SUM|MIN|MAX|AVG|SAMPLE|GROUP_CONCAT|MINUS|EXISTS|OPTIONAL)\b", re.IGNORECASE)
_LABELS = Pattern(Variable("labelled"), RDFS("label"), Variable("labelIn"))


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
            results: list[LineFile] = []
            for store in self._parts(rule.text, query, Path(folder)):
                results.append(LineFile(Path(folder, f"result-{len(results)}.nt")))
                construct(rule, store, year_before).serialize(str(results[-1].path), RdfFormat.N_TRIPLES)
                del store
            yield from self._new([result.path for result in results], Path(folder))

    def _parts(self, text: str, query: QueryPatterns, folder: Path) -> Iterator[Store]:
        """Yields stores on which the results of a query are together that on the graph.

        A subject of the results is in only one of them.
        """
        files = self._files.select(*_key(query.patterns[0])) if _is_about_single_triples(text, query) else []
        number = sum(file.size for file in files) // _MOST_LINES + 1
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
        files = {file.path: file for key in _keys_in(results) for file in self._files.select(*key)}
        groups = split_by_subject(files.values(), len(results), folder, "known")
        for path, group in zip(results, groups, strict=True):
            known = Store()
            for file in group:
                file.load_into(known)
            with path.open(encoding="utf-8", newline="\n") as lines:
                for part in new_in_parts(lines, parse(path=path, format=RdfFormat.N_TRIPLES, lenient=True), known):
                    add_triples(part, known, _DEFAULT)
                    yield [line for line, _ in part]

    def _with_ontology(self) -> Store:
        store = Store()
        store.extend(self._ontology)
        return store

    def _excerpt(self, query: QueryPatterns) -> Store:
        """Returns a store with the ontology, and with all triples that match a pattern of the query."""
        store = self._with_ontology()
        loaded: set[Path] = set()
        by_variable: list[Pattern] = []
        for pattern in query.patterns:
            if pattern.graph is None and isinstance(pattern.predicate, Variable):
                by_variable.append(pattern)
            elif pattern.graph is None:
                _load(self._files.select(*_key(pattern)), store, loaded)
        for pattern in by_variable:
            self._load_matching(pattern, query, store, loaded)
        return store

    def _load_matching(self, pattern: Pattern, query: QueryPatterns, store: Store, loaded: set[Path]) -> None:
        """Adds the triples that match a pattern whose predicate is a variable. Raises Unbounded if it may be any."""
        predicates, subjects, objects = (
            _bound_terms(term, query, store) for term in (pattern.predicate, pattern.subject, pattern.object)
        )
        if predicates is subjects is objects is None:
            raise Unbounded("a pattern may match every triple")
        if set() in (predicates, subjects, objects):
            return
        keys = [(predicate, "") for predicate in predicates] if predicates is not None else [("", "")]
        files = {file.path: file for key in keys for file in self._files.select(*key)}.values()
        if subjects is objects is None:
            _load(files, store, loaded)
            return
        for batch in batched(_matching((file for file in files if file.path not in loaded), subjects, objects)):
            store.extend(parse("".join(batch), RdfFormat.N_TRIPLES, lenient=True))


def _patterns(text: str) -> QueryPatterns:
    """Returns the patterns of a query whose result depends only on the triples that match them. Raises Unbounded."""
    if "\\u" in text.lower() or _BEYOND.search(_words(text)):
        raise Unbounded("a query may read more than the matches of its patterns")
    try:
        query = query_patterns(text)
    except ParseBaseException as error:
        raise Unbounded(f"a query has syntax that only the engine knows: {error}") from None
    if any(pattern.graph not in (None, ONTOLOGY_GRAPH) for pattern in query.patterns):
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
    is_required = replace(pattern, once=False, once_of_each=False) in query.required
    return is_required and all(head.subject == pattern.subject for head in query.template)


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


def _load(files: Iterable[LineFile], store: Store, loaded: set[Path]) -> None:
    for file in files:
        if file.path not in loaded:
            loaded.add(file.path)
            file.load_into(store)


def _matching(files: Iterable[LineFile], subjects: set[str] | None, objects: set[str] | None) -> Iterator[str]:
    """Yields the lines with these subjects and objects; None is any."""
    for line in (line for file in files for line in file):
        if (subjects is None or subject_of(line) in subjects) and (
            objects is None or line.split(" ", 2)[2][:-3] in objects
        ):
            yield line


def _constant(term: Term | Variable) -> Any:
    return None if isinstance(term, Variable) else term


def _bound_terms(term: Term | Variable, query: QueryPatterns, store: Store) -> set[str] | None:
    """Returns the nodes, as in N-Triples, that a term can be by a required pattern of a known predicate; None if any.

    The store has the triples that match these patterns.
    """
    if not isinstance(term, Variable):
        return None
    for one in query.required:
        if term in (one.subject, one.object) and not isinstance(one.predicate, Variable):
            subject, predicate, value = (_constant(t) for t in (one.subject, one.predicate, one.object))
            matches = store.quads_for_pattern(subject, predicate, value, one.graph or _DEFAULT)
            found = set(map(attrgetter("subject" if term == one.subject else "object"), matches))
            # Literals of the store are not as they are in the files.
            if all(isinstance(node, NamedNode | BlankNode) for node in found):
                return {str(node) for node in found}
    return None
