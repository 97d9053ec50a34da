#!/usr/bin/env bash
# INSERT DATA with plain triples adds them to the default graph (SPARQL 1.1 Update, 3.1.1). A Dataset of rdflib 7.6.0 raises a
# ValueError instead, "not enough values to unpack": its operator += expects quads and gets triples. ADD … TO DEFAULT fails in the
# same way. INSERT DATA with a GRAPH clause works, and so does INSERT … WHERE {} for the default graph. ConjunctiveGraph, which is
# deprecated in favour of Dataset, runs all of them. A good engineer who replaces one by the other expects the same updates to
# work. The operations before the failing one remain applied.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0
"$folder/venv/bin/python" -W ignore - <<'PY' > "$folder/seen"
import rdflib

IN_GRAPH = "INSERT DATA { GRAPH ex:g { ex:bath ex:partner ex:aix } }"
for update in (
    IN_GRAPH,
    "INSERT DATA { ex:bath ex:partner ex:aix }",
    "INSERT { ex:bath ex:partner ex:aix } WHERE {}",
    f"{IN_GRAPH} ; ADD ex:g TO ex:h",
    f"{IN_GRAPH} ; ADD ex:g TO DEFAULT",
):
    print(update)
    for kind in (rdflib.Dataset, rdflib.ConjunctiveGraph):
        graphs = kind()
        try:
            graphs.update("PREFIX ex: <http://example.org/> " + update)
            outcome = "done"
        except ValueError as error:
            outcome = f"ValueError: {error}"
        print(f"  {kind.__name__}: {outcome}, quads: {len(list(graphs.quads()))}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
INSERT DATA { GRAPH ex:g { ex:bath ex:partner ex:aix } }
  Dataset: done, quads: 1
  ConjunctiveGraph: done, quads: 1
INSERT DATA { ex:bath ex:partner ex:aix }
  Dataset: ValueError: not enough values to unpack (expected 4, got 3), quads: 0
  ConjunctiveGraph: done, quads: 1
INSERT { ex:bath ex:partner ex:aix } WHERE {}
  Dataset: done, quads: 1
  ConjunctiveGraph: done, quads: 1
INSERT DATA { GRAPH ex:g { ex:bath ex:partner ex:aix } } ; ADD ex:g TO ex:h
  Dataset: done, quads: 2
  ConjunctiveGraph: done, quads: 2
INSERT DATA { GRAPH ex:g { ex:bath ex:partner ex:aix } } ; ADD ex:g TO DEFAULT
  Dataset: ValueError: not enough values to unpack (expected 4, got 3), quads: 1
  ConjunctiveGraph: done, quads: 2
SEEN
echo "as described"
