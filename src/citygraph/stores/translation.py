"""Queries for a store: the same query over the graphs of one release in it, by their names there.

| in the query | in the store |
|---|---|
| patterns of the default graph | `GRAPH <…:default> { … }` |
| `GRAPH source:page { … }` | `GRAPH <…:graph:https://…/source/page> { … }` |
| `GRAPH ?g { … }` | `GRAPH ?cgs1 { … } GRAPH <…:graphs> { ?cgs1 <…:graph> ?g }` |
| `SELECT *` | the variables by their names |
| `ASK`, `CONSTRUCT` | a SELECT, because stores differ most in these |

So users see the public names of graphs, joins with them work, and nothing else in the store can be reached. Each IRI
is written in full, and each string in one spelling: the store reads the text as it was read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from citygraph.errors import UsageError
from citygraph.rdf.formats import Kind
from citygraph.sparql.grammar import (
    SyntaxNode,
    SyntaxTree,
    UnexpectedToken,
    deep_recursion,
    nodes_of,
    parse,
    variables_in_scope,
)
from citygraph.sparql.normal_form import full_spelling
from citygraph.sparql.protocol import Query
from citygraph.stores.comparisons import special_comparisons
from citygraph.stores.release_names import PUBLIC_NAME, ReleaseNames

_BLOCKS = frozenset({"TriplesBlock", "TriplesSameSubjectPath"})
_QUERIES = frozenset({"SelectQuery", "ConstructQuery", "AskQuery", "DescribeQuery"})
_XSD = "<http://www.w3.org/2001/XMLSchema#"
_ROW = "cgsrow"
# Before a star that is not a sign of multiplication.
_BEFORE_ALL = frozenset({"(", "DISTINCT", "SELECT", "REDUCED"})
_COMPARISONS = frozenset({"=", "!=", "<", ">", "<=", ">=", "&&", "||", "!", "IN", "EXISTS"})
_TRUTH = "BOUND SAMETERM LANGMATCHES CONTAINS STRSTARTS STRENDS REGEX ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC"
_TRUTH_FUNCTIONS = frozenset(_TRUTH.split())


class NotTranslated(Exception):
    """A query that the release's own engines evaluate; the text is the reason."""


@dataclass(frozen=True)
class StoreQuery:
    """A SELECT query for a store, and the use of its rows: a table, true or false, or a graph by a template.

    `constructs` are the parts of SPARQL in the query, `predicates` the IRIs of its predicates, with "" for a variable
    one.
    """

    text: str
    kind: Kind
    template: str = ""
    constructs: frozenset[str] = frozenset()
    predicates: frozenset[str] = frozenset()


def translate(query: Query, names: ReleaseNames, uniform: Mapping[str, str] | None = None) -> StoreQuery:
    """Returns a query for a store that has the release of these names. Raises NotTranslated.

    `uniform` are the predicates of the release whose values are all of one kind (`comparisons`).
    """
    try:
        tree = parse(full_spelling(query.text, query.base))
    except (UnexpectedToken, UsageError) as error:
        raise NotTranslated(f"the text cannot be read: {error}") from None
    with deep_recursion():
        return _Translator(tree, query, names).result(uniform or {})


class _Translator:
    def __init__(self, tree: SyntaxTree, query: Query, names: ReleaseNames) -> None:
        self._tree = tree
        self._names = names
        self._base, self._query_text = query.base, query.text
        self._edits: list[tuple[int, int, str]] = []
        self._count = 0
        self._default, self._named = _dataset(tree, query, names)

    def result(self, uniform: Mapping[str, str]) -> StoreQuery:
        """Returns the translated query. Raises NotTranslated."""
        tree = self._tree
        if "cgs" in tree.text:
            raise NotTranslated("a name of the query is reserved")
        if "/." in tree.text:
            raise NotTranslated("an IRI that a store may normalise")
        main = next(node for node in nodes_of(tree.root) if node.rule in _QUERIES)
        if main.rule == "DescribeQuery":
            raise NotTranslated("DESCRIBE: each store describes differently")
        constructs = frozenset((*_constructs(tree), *special_comparisons(tree, uniform)))
        predicates = frozenset(_predicates(tree))
        template = self._head(main)
        self._patterns(main, in_graph=False)
        kinds = {"SelectQuery": Kind.SOLUTIONS, "AskQuery": Kind.BOOLEAN, "ConstructQuery": Kind.GRAPH}
        text = self._edited()
        if constructs & {"IRI", "URI"}:
            # IRIs that are computed may be relative.
            if "BASE" in self._query_text.upper():
                raise NotTranslated("BASE and a computed IRI")
            text = f"BASE <{self._base}> {text}"
        return StoreQuery(text, kinds[main.rule], template, constructs, predicates)

    def _head(self, main: SyntaxNode) -> str:
        """Translates what comes before the pattern, and returns the template of a CONSTRUCT."""
        tree = self._tree
        for node in nodes_of(main):
            if node.rule == "DatasetClause":
                self._replace(node.first, node.last, "")
        if main.rule == "AskQuery":
            if any(child.rule not in {"WhereClause", "GroupGraphPattern", "DatasetClause"} for child in main.children):
                raise NotTranslated("ASK with solution modifiers")
            self._replace(main.first, main.first + 1, f"SELECT (1 AS ?{_ROW})")
            end = tree.tokens[main.last - 1].end
            self._edits.append((end, end, " LIMIT 1"))
            return ""
        if main.rule == "ConstructQuery":
            return self._template(main)
        return ""

    def _template(self, main: SyntaxNode) -> str:
        tree = self._tree
        template = next((node for node in main.children if node.rule == "ConstructTemplate"), None)
        if template is None:
            raise NotTranslated("CONSTRUCT WHERE")
        columns = sorted({tree.source(node)[1:] for node in nodes_of(template) if node.rule == "Var"})
        if not columns:
            raise NotTranslated("a template without a variable")
        self._replace(main.first, template.last, "SELECT " + " ".join(f"?{name}" for name in columns))
        return tree.source(template)

    def _patterns(self, node: SyntaxNode, in_graph: bool) -> None:
        """Translates the patterns below a node; within GRAPH, blocks of triples remain."""
        if node.rule == "ConstructTemplate":
            return
        if node.rule in _BLOCKS:
            if not in_graph:
                self._insert(node.first, f"GRAPH <{self._default}> {{ ")
                end = self._tree.tokens[node.last - 1].end
                self._edits.append((end, end, " }"))
            return
        if node.rule in {"SelectQuery", "SubSelect"}:
            self._columns(node)
        if node.rule == "GraphGraphPattern":
            self._graph(node)
            in_graph = True
        for child in node.children:
            self._patterns(child, in_graph)

    def _columns(self, node: SyntaxNode) -> None:
        """Writes the variables of a SELECT with a star, in the order of the engines: by name."""
        clause = next((child for child in node.children if child.rule == "SelectClause"), None)
        star = clause.last - 1 if clause else node.first + 1
        if self._tree.tokens[star].kind != "*":
            return
        # VALUES after the whole query belong to it.
        parts = node.children if node.rule == "SubSelect" else [*node.children, *self._tree.root.children]
        names = sorted(set().union(*(variables_in_scope(self._tree, part) for part in parts)))
        if not names:
            raise NotTranslated("SELECT * without variables")
        self._replace(star, star + 1, " ".join(f"?{name}" for name in names))

    def _graph(self, node: SyntaxNode) -> None:
        name, group = node.children
        source = self._tree.source(name)
        if not any(inner.rule in _BLOCKS for inner in nodes_of(group)):
            raise NotTranslated("GRAPH without a statement")
        if name.rule != "Var":
            public = source[1:-1]
            if self._named is not None and public not in self._named:
                raise NotTranslated("a graph outside of the dataset")
            self._replace(name.first, name.last, f"<{self._names.graph(public)}>")
            return
        if source[1:] in {self._tree.source(inner)[1:] for inner in nodes_of(group) if inner.rule == "Var"}:
            raise NotTranslated("GRAPH ?g with ?g in its pattern")
        if self._named is not None:
            raise NotTranslated("GRAPH ?g with FROM")
        if any(self._is_apart(inner) for inner in nodes_of(group)):
            # Some engines evaluate these without the graph, that is over all graphs of the store.
            raise NotTranslated("a sub-select, MINUS or EXISTS within GRAPH ?g")
        self._count += 1
        inside = f"?cgs{self._count}"
        self._replace(name.first, name.last, inside)
        end = self._tree.tokens[node.last - 1].end
        self._edits.append(
            (end, end, f" GRAPH <{self._names.graph_list}> {{ {inside} <{PUBLIC_NAME}> ?{source[1:]} }}")
        )

    def _is_apart(self, node: SyntaxNode) -> bool:
        is_exists = node.rule == "BuiltInCall" and self._tree.tokens[node.first].kind in {"EXISTS", "NOT"}
        return is_exists or node.rule in {"SubSelect", "MinusGraphPattern"}

    def _insert(self, place: int, text: str) -> None:
        start = self._tree.tokens[place].start
        self._edits.append((start, start, text))

    def _replace(self, first: int, last: int, text: str) -> None:
        self._edits.append((self._tree.tokens[first].start, self._tree.tokens[last - 1].end, text))

    def _edited(self) -> str:
        parts, at = [], 0
        # Sorted by place only: edits at one place keep their order, which is from the inside out.
        for start, end, text in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [self._tree.text[at:start], text]
            at = max(at, end)
        return "".join([*parts, self._tree.text[at:]])


def _dataset(tree: SyntaxTree, query: Query, names: ReleaseNames) -> tuple[str, frozenset[str] | None]:
    """Returns the graph of the store that is the default graph, and the public names of the named graphs or None."""
    default, named = list(query.default_graphs), list(query.named_graphs)
    clauses = [node for node in nodes_of(tree.root) if node.rule == "DatasetClause"]
    if clauses and not default and not named:
        # Which of them the release has is checked where it is at hand.
        raise NotTranslated("FROM")
    if not default and not named:
        return names.default_graph, None
    if len(set(default)) != 1:
        raise NotTranslated("a default graph of several graphs, or of none")
    return names.graph(default[0]), frozenset(named)


def _predicates(tree: SyntaxTree) -> Iterator[str]:
    """Yields the IRIs of the predicates of a query; "" for a variable, and for paths that leave predicates open."""
    template = next((node for node in nodes_of(tree.root) if node.rule == "ConstructTemplate"), None)
    for node in nodes_of(tree.root):
        if node.rule != "PropertyListPathNotEmpty" or (template and template.first <= node.first < template.last):
            continue
        for verb in node.children[::2]:
            if verb.rule == "Var":
                yield ""
            for inner in nodes_of(verb):
                if inner.rule == "iri":
                    yield tree.source(inner)[1:-1]
            kinds = {token.kind for token in tree.tokens[verb.first : verb.last]}
            # A path of length zero connects every term of the graph with itself.
            if kinds & {"!", "*", "?"}:
                yield ""


def _constructs(tree: SyntaxTree) -> Iterator[str]:
    """Yields the parts of SPARQL in a query: keywords, functions, operators, signs of paths, datatypes.

    Raises NotTranslated for what no other store has.
    """
    paths: set[int] = set()
    optional = [node for node in nodes_of(tree.root) if node.rule == "OptionalGraphPattern"]
    in_optional = {tree.source(inner)[1:] for node in optional for inner in nodes_of(node) if inner.rule == "Var"}
    for node in nodes_of(tree.root):
        if optional and _may_leave_open(tree, node, in_optional):
            yield "values:optional"
        if node.rule == "PropertyListPathNotEmpty":
            paths.update(place for verb in node.children[::2] for place in range(verb.first, verb.last))
        yield from _construct_of(tree, node)
    for place, token in enumerate(tree.tokens):
        if token.kind == "SERVICE":
            raise NotTranslated("SERVICE")
        if token.kind == "BLANK_NODE":
            # A label in two blocks would be two nodes, or an error.
            raise NotTranslated("a label of a blank node")
        if construct := _construct_at(tree, place, place in paths):
            yield construct


def _may_leave_open(tree: SyntaxTree, node: SyntaxNode, in_optional: set[str]) -> bool:
    """Returns whether a node has VALUES for variables that may be unbound without them, or in its own rows."""
    if node.rule == "DataBlock":
        names = {tree.source(child)[1:] for child in node.children if child.rule == "Var"}
        is_open = any(token.kind == "UNDEF" for token in tree.tokens[node.first : node.last])
        return is_open or not names.isdisjoint(in_optional)
    # After the query: they are joined last.
    return node.rule == "ValuesClause" and node.last > node.first


def _construct_of(tree: SyntaxTree, node: SyntaxNode) -> Iterator[str]:
    if node.rule == "FunctionCall" or (node.rule == "PrimaryExpression" and node.children[1:]):
        iri = tree.source(node.children[0])
        if not iri.startswith(_XSD):
            raise NotTranslated(f"the function {iri}")
        yield f"cast:{iri[len(_XSD) : -1]}"
    elif node.rule in {"SelectClause", "Bind"} and _yields_truth(tree, node):
        yield "value:truth"
    elif node.rule == "OptionalGraphPattern" and any(inner.rule == "Filter" for inner in nodes_of(node)):
        yield "optional:filter"


def _construct_at(tree: SyntaxTree, place: int, is_path: bool) -> str:
    token = tree.tokens[place]
    source = tree.text[token.start : token.end]
    before = tree.tokens[place - 1].kind
    if is_path:
        return f"path:{token.kind}"
    if token.kind == "FUNCTION":
        return source.upper()
    if token.kind == "IRIREF" and before == "^^":
        return f"datatype:{source[1:-1].rpartition('#')[2]}"
    if token.kind == "*" and before in _BEFORE_ALL:
        return "all"
    return "" if token.kind in {"IRIREF", "VARIABLE", "STRING"} else token.kind


def _yields_truth(tree: SyntaxTree, node: SyntaxNode) -> bool:
    """Returns whether an expression may have true or false as its value."""
    tokens = tree.tokens[node.first : node.last]
    return any(
        token.kind in _COMPARISONS
        or (token.kind == "FUNCTION" and tree.text[token.start : token.end].upper() in _TRUTH_FUNCTIONS)
        for token in tokens
    )
