"""Rules that are evaluated for some of their keys at a time derive what they derive from the whole graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import NamedNode, Quad, QueryTriples, RdfFormat, Store, parse

from citygraph.build import excerpts
from citygraph.build.dependencies import QueryPatterns, Unbounded
from citygraph.build.excerpts import Excerpts
from citygraph.build.graph_files import GraphFiles
from citygraph.build.key_parts import KeyPart
from citygraph.build.predicate_files import LineFile
from citygraph.build.query_algebra import words
from citygraph.build.rule_reads import in_range, is_about_keys, rule_reads
from citygraph.rdf.nquads import with_graph
from citygraph.rdf.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH, PREFIXES
from citygraph.source.rules import Rule, derive_in_parts, read_rules
from citygraph.sparql.evaluate import evaluate_trusted
from tests.conftest import REPOSITORY
from tests.made_once import ReadOnce

_HEAD = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
OURS = read_rules(sorted((REPOSITORY / "ontology" / "rules").glob("*.rq")))
# Few lines are about unnamed places, states and concepts; the other rule has a single pattern.
_NOT_DIVIDED = {"01-identified-places", "02-current-state", "07-concepts", "14-superproperties"}
_ONTOLOGY = "cg:City rdfs:subClassOf cg:Place . cg:Meeting rdfs:subClassOf cg:Event ."
# One name continues another, and UTF-16 has another order than the code points. The last ones are not keys.
_IRIS = ("<urn:x:a>", "<urn:x:a/1>", "<urn:x:a%20b>", "<urn:x:ş>", "<urn:x:ｚ>", "<urn:x:𝐀>", "<urn:x:A>", "<urn:x:a!>")
_VALUES = (*_IRIS, "_:b", "_:c", '"01"^^xsd:integer', '"1.50"^^xsd:decimal', '"İ; \\"a\\"\\n"@TR-tr', '"{ ?k }"')
_GRAPHS = ("<urn:x:g>", "graph:curation", "source:one")
reads_of = ReadOnce(rule_reads)
RULES = [
    "CONSTRUCT { ?k cg:of ?y } { ?k cg:party ?x . ?x cg:country ?y }",
    # Solutions of other keys than those of a part may lack what would exclude them.
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x OPTIONAL { ?x cg:country ?y } FILTER(!BOUND(?y)) }",
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x MINUS { ?x cg:country ?y . ?y cg:holder ?z } }",
    "CONSTRUCT { ?k cg:of ?n } { { SELECT ?k (COUNT(?y) AS ?n) { ?k cg:party ?x . ?y cg:party ?x } GROUP BY ?k } }",
    # The key is an object, and not the subject of what is derived; keys derive the same triples.
    "CONSTRUCT { ?x cg:of ?y } { ?k cg:party ?x . ?x cg:country ?y . ?k a cg:City }",
    "CONSTRUCT { cg:Event cg:of ?y . ?x a ?y } { ?x cg:party ?k . ?k cg:country ?y }",
    "CONSTRUCT { ?k cg:of ?y . ?y cg:for ?k } { { ?k cg:party ?y } UNION { ?y cg:holder ?k . ?k cg:party ?x } }",
    # All that is read has the key as its subject: in groups of subjects.
    "CONSTRUCT { ?k cg:of ?y } { VALUES ?c { cg:City } ?k a ?c { ?k cg:party ?y } UNION { ?k cg:country ?y } }",
    "CONSTRUCT { ?y cg:of ?k } { ?k cg:party ?x ; cg:country ?y OPTIONAL { ?k cg:holder ?z } FILTER(!BOUND(?z)) }",
    # New terms, what is stated already, and a literal in a form that no store has.
    "CONSTRUCT { ?k cg:party ?x ; cg:number 007 ; cg:of ?i } { ?k cg:party ?x BIND(IRI(CONCAT(STR(?k), '#i')) AS ?i) }",
    'CONSTRUCT { ?k rdfs:label ?n } { ?k cg:party ?x BIND(STRLANG(STR(cg:labelIn(?x, "tr")), "TR") AS ?n) }',
    # Braces in texts, names and comments.
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x . ?x cg:country ?y FILTER(?y != '}') # } <urn:x:}>\n } # }",
    # Of these the steps are not known, or the whole group has no end that a filter could be put before.
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x FILTER NOT EXISTS { ?x cg:country ?y } }",
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x } ORDER BY EXISTS { ?x cg:country ?y }",
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x . ?x cg:country ?y } VALUES ?y { <urn:x:a> <urn:x:ş> }",
    "CONSTRUCT { ?k cg:of ?y } { ?k cg:party ?x . ?y cg:country ?z }",
    "CONSTRUCT { ?k cg:of ?n } { ?k cg:party ?x { SELECT (COUNT(*) AS ?n) { ?y cg:country ?z } } }",
    "CONSTRUCT { ?k cg:of ?z } { ?k cg:party ?x OPTIONAL { ?x cg:country ?y } OPTIONAL { ?z cg:holder ?y } }",
]
UNDIVIDED = [
    *RULES[-6:],
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x BIND(EXISTS { ?x cg:country ?y } AS ?e) FILTER(?e) }",
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x } ORDER BY ?x",
    "CONSTRUCT { ?x cg:of ?y } { { ?x cg:party ?k } UNION { ?y cg:country ?k } }",
    "CONSTRUCT WHERE { ?k cg:party ?x . ?x cg:country ?y }",
    "CONSTRUCT { cg:Event cg:of cg:Event } { ?k cg:party ?x }",
    "SELECT ?k { ?k cg:party ?x } ORDER BY ?k",
]


@pytest.fixture
def _one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts have one key each, or the triples of few subjects."""
    monkeypatch.setattr(excerpts, "_MOST_LINES", 2)
    monkeypatch.setattr(excerpts, "_FEW_LINES", 0)


def random_quads(seed: int) -> list[Quad]:
    """A dense graph, some of whose triples are in two graphs; its subjects are rarely blank."""
    random, lines = Random(seed), []  # noqa: S311 - no secret
    for _ in range(random.choice((15, 40, 80))):
        subject = random.choice(_IRIS) if random.random() < 0.98 else "_:b"
        triples = [f"{subject} cg:{random.choice(('party', 'country', 'holder'))} {random.choice(_VALUES)}"] * 3
        triples += [f"{subject} a cg:{random.choice(('City', 'Event'))}", f'{subject} rdfs:label "ğ"@tr']
        graphs = random.sample(_GRAPHS, random.choice((1, 2)))
        lines += [f"{graph} {{ {triple} }}" for triple in [random.choice(triples)] for graph in graphs]
    return list(parse(_HEAD + "\n".join(lines), RdfFormat.TRIG, rename_blank_nodes=False))


def ontology() -> list[Quad]:
    quads = parse(_HEAD + _ONTOLOGY, RdfFormat.TURTLE)
    return [Quad(quad.subject, quad.predicate, quad.object, ONTOLOGY_GRAPH) for quad in quads]


def derive_both(rules: list[Rule], quads: list[Quad], folder: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Yields what each rule derives from files, and what it derives in memory, as lines in order."""
    store = Store()
    store.extend([*quads, *ontology()])
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    folder.mkdir()
    files = GraphFiles(folder / "files")
    files.add(f"{quad} .\n" for quad in quads)
    few = Excerpts(files, ontology(), folder)
    for rule in rules:
        derived = [line for part in few.derive(rule, "2025-11-22") for line in part]
        files.add(with_graph(derived, DERIVED_GRAPH))
        yield sorted(derived), sorted(as_in_store(line for part in derive_in_parts(rule, store, "") for line in part))
        assert [path.name for path in folder.iterdir()] == ["files"]


def as_in_store(lines: Iterator[str]) -> list[str]:
    store = Store()
    store.extend(parse("".join(lines), RdfFormat.N_TRIPLES, rename_blank_nodes=False))
    return [f"{quad.triple} .\n" for quad in store]


@pytest.mark.parametrize("rule", OURS, ids=lambda rule: rule.name)
def test_our_large_rules_are_evaluated_in_parts(rule: Rule) -> None:
    """(16 §5) Their excerpts would grow with the graph."""
    if Path(rule.name).stem in _NOT_DIVIDED:
        with pytest.raises(Unbounded):
            reads_of(rule.text)
    else:
        assert reads_of(rule.text).key


def test_names_are_read_by_subject() -> None:
    """(16 §5) The rule that reads most needs no list of its keys."""
    (names,) = (rule for rule in OURS if rule.name.endswith("schema-org-names.rq"))
    reads = reads_of(names.text)
    assert is_about_keys(reads)
    classes = {class_ for step in reads.steps for _, class_ in step.keys if class_}
    assert classes == {f"<{PREFIXES['cg']}{name}>" for name in ("Place", "Agent", "Event", "Source")}


@pytest.mark.usefixtures("_one_key")
@pytest.mark.parametrize("text", RULES)
def test_rule_in_parts_derives_the_same(text: str, tmp_path: Path) -> None:
    """(16 §5) Each new triple once, from random graphs with blank nodes and repeated triples."""
    found = 0
    for seed in range(6):
        for derived, expected in derive_both([Rule("rule", _HEAD + text)], random_quads(seed), tmp_path / str(seed)):
            assert derived == expected
            found += len(derived)
    assert found


@pytest.mark.usefixtures("_one_key")
def test_rules_in_parts_read_what_others_derived(tmp_path: Path) -> None:
    """(16 §5) The input of a rule is the result of another, also in parts."""
    rules = [
        Rule("one", _HEAD + "CONSTRUCT { ?x cg:country ?k ; a cg:Event } { ?k cg:party ?x . ?k cg:holder ?y }"),
        Rule("two", _HEAD + RULES[1]),
        Rule("three", _HEAD + "CONSTRUCT { ?k cg:note ?y } { ?k a cg:Event ; cg:of ?x . ?x cg:country ?y }"),
    ]
    results = list(derive_both(rules, random_quads(1), tmp_path / "rules"))
    assert [derived for derived, _ in results] == [expected for _, expected in results]


@pytest.mark.usefixtures("_one_key")
def test_rule_is_evaluated_on_one_excerpt_if_a_key_is_no_iri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §5) Blank nodes have no order in which they could be divided."""
    made, excerpt = [], Excerpts._excerpt

    def noted(excerpts: Excerpts, query: QueryPatterns) -> Store:
        made.append(query)
        return excerpt(excerpts, query)

    monkeypatch.setattr(Excerpts, "_excerpt", noted)
    rule = Rule("rule", _HEAD + RULES[0])
    for number, subject in enumerate(("<urn:x:k>", "_:k")):
        data = f"<urn:x:g> {{ {subject} cg:party <urn:x:a> . <urn:x:b> cg:party <urn:x:a> . <urn:x:a> cg:country 1 }}"
        quads = list(parse(_HEAD + data, RdfFormat.TRIG, rename_blank_nodes=False))
        ((derived, expected),) = derive_both([rule], quads, tmp_path / str(number))
        assert derived == expected
        assert len(derived) == 2
        assert len(made) == number


@pytest.mark.parametrize("text", UNDIVIDED)
def test_other_rules_are_not_divided(text: str) -> None:
    """(16 §5) What they read for a key is not known."""
    with pytest.raises(Unbounded):
        rule_reads(_HEAD + text)


def test_words_of_texts_names_and_comments_are_not_those_of_a_query() -> None:
    """A text may end with an escaped quotation mark; an escape in a name is kept."""
    assert words('"""a\\"""" } \'\'\'"\\\'\'\'\' { "\\\\" ?a <urn:x:#> cg:a\\/b # }').split() == ["}", "{", "?", "\\/b"]


def test_filter_of_a_range_has_the_ends_as_texts() -> None:
    """(16 §5) An IRI that was read leniently cannot end the text."""
    lines = LineFile(Path("none"))
    part = KeyPart("k", 'urn:x:"a\\', 'urn:x:b" || "', lines)
    text = in_range("CONSTRUCT { ?k <urn:x:of> 1 } { ?k <urn:x:p> ?x }", part)
    store = Store()
    keys = [NamedNode(f"urn:x:{name}") for name in ("a", "b", "c")]
    store.extend(Quad(key, NamedNode("urn:x:p"), key) for key in keys)
    triples = evaluate_trusted(store, text)
    assert isinstance(triples, QueryTriples)
    assert {triple.subject for triple in triples} == {keys[0], keys[1]}
