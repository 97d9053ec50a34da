#!/usr/bin/env bash
# `initBindings` of a query in rdflib 7.6.0 gives values to variables before evaluation, which is how parameters are passed. With
# the store of oxrdflib 0.5.0 (pyoxigraph 0.5.13), a SELECT accepts only variables that it returns: any other one, also in a query
# that returns only a count, raises a RuntimeError. ASK and CONSTRUCT accept every variable. A good engineer who changes the store
# to make a program faster expects that its queries still run. A VALUES clause in the query works with both stores.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check oxrdflib==0.5.0 pyoxigraph==0.5.13 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import rdflib

DATA = "@prefix ex: <http://example.org/> . ex:bath ex:partner ex:aix, ex:beppu . ex:alkmaar ex:partner ex:bath ."
BATH = {"city": rdflib.URIRef("http://example.org/bath")}
PATTERN = "?city <http://example.org/partner> ?partner"
for query in (
    f"SELECT ?city ?partner {{ {PATTERN} }}",
    f"SELECT ?partner {{ {PATTERN} }}",
    f"SELECT (COUNT(?partner) AS ?n) {{ {PATTERN} }}",
    f"ASK {{ {PATTERN} }}",
    f"CONSTRUCT {{ ?partner a ?city }} WHERE {{ {PATTERN} }}",
    f"SELECT ?partner {{ VALUES ?city {{ <http://example.org/bath> }} {PATTERN} }}",
):
    print(query.replace(PATTERN, "…"))
    for store in ("default", "Oxigraph"):
        graph = rdflib.Graph(store=store).parse(data=DATA, format="turtle")
        try:
            outcome = len(graph.query(query, initBindings={} if "VALUES" in query else BATH))
        except RuntimeError as error:
            outcome = f"RuntimeError: {error}"
        print(f"  {store}: {outcome}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SELECT ?city ?partner { … }
  default: 2
  Oxigraph: 2
SELECT ?partner { … }
  default: 2
  Oxigraph: RuntimeError: The SPARQL query does not contains variable ?city in its SELECT projection
SELECT (COUNT(?partner) AS ?n) { … }
  default: 1
  Oxigraph: RuntimeError: The SPARQL query does not contains variable ?city in its SELECT projection
ASK { … }
  default: 1
  Oxigraph: 1
CONSTRUCT { ?partner a ?city } WHERE { … }
  default: 2
  Oxigraph: 2
SELECT ?partner { VALUES ?city { <http://example.org/bath> } … }
  default: 2
  Oxigraph: 2
SEEN
echo "as described"
