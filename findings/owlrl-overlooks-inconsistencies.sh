#!/usr/bin/env bash
# By the rules eq-diff2, prp-adp, and prp-fp with dt-diff of OWL 2 RL/RDF (4.3), each graph below is inconsistent. owlrl
# 7.6.2 reports every second one: it never compares the last member of owl:AllDifferent, nor any members of
# owl:AllDisjointProperties, and it concludes from a functional property that two numbers are the same.
# owl:differentFrom and owl:propertyDisjointWith, which name pairs, are checked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check owlrl==7.6.2 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import logging

import owlrl
import rdflib
from owlrl.Namespaces import ERRNS

logging.disable(logging.CRITICAL)
PREFIXES = "@prefix : <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> ."
DIFFERENT = "[] a owl:AllDifferent ; owl:members (:bath :wells :york) ."
TIES = ":bath :twin :aix ; :rival :aix ."
for name, text in (
    ("first two of AllDifferent", f"{DIFFERENT} :bath owl:sameAs :wells ."),
    ("last two of AllDifferent", f"{DIFFERENT} :wells owl:sameAs :york ."),
    ("propertyDisjointWith", f":twin owl:propertyDisjointWith :rival . {TIES}"),
    ("AllDisjointProperties", f"[] a owl:AllDisjointProperties ; owl:members (:twin :rival) . {TIES}"),
    ("functional, different towns", ":mayor a owl:FunctionalProperty . :bath :mayor :ann, :bob . :ann owl:differentFrom :bob ."),
    ("functional, different numbers", ":since a owl:FunctionalProperty . :bath :since 1977, 1978 ."),
):
    graph = rdflib.Graph().parse(data=f"{PREFIXES} {text}", format="turtle")
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    equal = (rdflib.Literal(1977), rdflib.OWL.sameAs, rdflib.Literal(1978)) in graph
    reported = (None, ERRNS.error, None) in graph
    print(f"{name}: {'reported' if reported else 'not reported'}{', 1977 = 1978' if equal else ''}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
first two of AllDifferent: reported
last two of AllDifferent: not reported
propertyDisjointWith: reported
AllDisjointProperties: not reported
functional, different towns: reported
functional, different numbers: not reported, 1977 = 1978
SEEN
echo "as described"
