#!/usr/bin/env bash
# translateAlgebra of rdflib 7.6.0 turns the algebra of a query back into SPARQL text, for example to change a query before it is
# sent to an endpoint. It omits parentheses in arithmetic: 10 - (5 - 2) becomes 10 - 5 - 2, and 2 * (3 + 4) becomes 2 * 3 + 4. In
# an expression with two aggregates only the variables remain: SUM(?n) / COUNT(?n) becomes ?n / ?n, once for each row. The new
# query is valid, but has another result. A good engineer expects the same result, or an error, which it raises for IN. Logical
# expressions keep their parentheses, and a single aggregate is written correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import rdflib
from rdflib.plugins.sparql.algebra import translateAlgebra, translateQuery
from rdflib.plugins.sparql.parser import parseQuery

graph = rdflib.Graph().parse(data="@prefix ex: <http://example.org/> . ex:bath ex:visits 1, 2, 6 .", format="turtle")


def values(query):
    return sorted(str(row[0]) for row in graph.query(query))


for query in (
    "SELECT ?n { BIND(10 - (5 - 2) AS ?n) }",
    "SELECT ?n { BIND(2 * (3 + 4) AS ?n) }",
    "SELECT (SUM(?n) / COUNT(?n) AS ?mean) { ?town ?visits ?n }",
    "SELECT (SUM(?n) AS ?sum) { ?town ?visits ?n }",
    "SELECT ?n { ?town ?visits ?n FILTER(!(?n = 1 || ?n = 2)) }",
    "SELECT ?n { ?town ?visits ?n FILTER(?n IN (1, 2)) }",
):
    try:
        written = translateAlgebra(translateQuery(parseQuery(query)))
        print(f"{query}: {values(query)}, written again: {values(written)}")
    except Exception as error:
        print(f"{query}: {values(query)}, written again: {type(error).__name__}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SELECT ?n { BIND(10 - (5 - 2) AS ?n) }: ['7'], written again: ['3']
SELECT ?n { BIND(2 * (3 + 4) AS ?n) }: ['14'], written again: ['10']
SELECT (SUM(?n) / COUNT(?n) AS ?mean) { ?town ?visits ?n }: ['3'], written again: ['1', '1', '1']
SELECT (SUM(?n) AS ?sum) { ?town ?visits ?n }: ['9'], written again: ['9']
SELECT ?n { ?town ?visits ?n FILTER(!(?n = 1 || ?n = 2)) }: ['6'], written again: ['6']
SELECT ?n { ?town ?visits ?n FILTER(?n IN (1, 2)) }: ['1', '2'], written again: ExpressionNotCoveredException
SEEN
echo "as described"
