#!/usr/bin/env bash
# pyoxigraph 0.5.13 adds a duration to a date only if the date stands on the left. It may also exchange the operands of +
# while it plans, by the names of the variables: the same query with another name for one variable then finds nothing,
# without an error. `?date - (negative duration)` is safe, because a difference is never exchanged.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph

XSD = "http://www.w3.org/2001/XMLSchema#"
store = pyoxigraph.Store()
for year in range(1980, 1990):
    store.add(
        pyoxigraph.Quad(
            pyoxigraph.NamedNode(f"http://example.org/{year}"),
            pyoxigraph.NamedNode("http://example.org/signed"),
            pyoxigraph.Literal(f"{year}-04-24", datatype=pyoxigraph.NamedNode(XSD + "date")),
        )
    )
TEXT = """PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT (COUNT(*) AS ?n) {{ ?s <http://example.org/signed> ?{0} FILTER({1} <= "2016-01-01"^^xsd:date) }}"""
counts = {
    name: next(iter(store.query(TEXT.format(name, f'?{name} + "P30Y"^^xsd:yearMonthDuration'))))["n"].value
    for name in ("date", "d", "a", "signed", "x", "when", "protocol", "z")
}
print("sum, over names of the variable:", sorted(set(counts.values())))
safe = {
    next(iter(store.query(TEXT.format(name, f'?{name} - "-P30Y"^^xsd:yearMonthDuration'))))["n"].value
    for name in counts
}
print("difference, over the same names:", sorted(safe))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
sum, over names of the variable: ['0', '6']
difference, over the same names: ['6']
SEEN
echo "as described"
