#!/usr/bin/env bash
# SPARQL 1.1 (17.3) promotes the operands of an operator to one type: a double and an integer make a double, in either order.
# rdflib 7.6.0 does so for +, -, and an integer times a double, but a double (or float) times an integer, or divided by one, is
# an xsd:decimal: it computes in Python's Decimal if the right side is an integer. A good engineer expects that ?a * ?b and
# ?b * ?a are the same term. sameTerm, DATATYPE, GROUP BY and an export into typed columns then depend on the order.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
import rdflib

graph, store = rdflib.Graph(), pyoxigraph.Store()
for expression in ("1.5e0 * 2", "2 * 1.5e0", "1.5e0 / 2", "3 / 1.5e0", "1.5e0 + 2", "2 + 1.5e0", "1.5e0 - 2", "1.5e0 * 2.0e0"):
    query = f"SELECT (DATATYPE({expression}) AS ?type) {{}}"
    first = str(next(iter(graph.query(query)))[0]).rpartition("#")[2]
    second = next(iter(store.query(query)))["type"].value.rpartition("#")[2]
    print(f"{expression}: rdflib {first}, oxigraph {second}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1.5e0 * 2: rdflib decimal, oxigraph double
2 * 1.5e0: rdflib double, oxigraph double
1.5e0 / 2: rdflib decimal, oxigraph double
3 / 1.5e0: rdflib double, oxigraph double
1.5e0 + 2: rdflib double, oxigraph double
2 + 1.5e0: rdflib double, oxigraph double
1.5e0 - 2: rdflib double, oxigraph double
1.5e0 * 2.0e0: rdflib double, oxigraph double
SEEN
echo "as described"
