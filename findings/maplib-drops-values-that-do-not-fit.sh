#!/usr/bin/env bash
# A literal that is valid by its datatype belongs to the graph, whatever an implementation can compute with (RDF 1.1, Concepts,
# 3.3; XML Schema, part 2, 3.2 and 3.3). maplib 0.20.26 keeps literals in typed columns. It drops each statement whose value does
# not fit its column: the boolean "1", an integer over 64 bits, a decimal of many digits, a date with Z, and midnight as 24:00:00.
# It rounds a decimal to 12 places, and turns an instant without a time zone into one in UTC. It writes the double INF as "inf",
# which is no double in XML Schema. Reading raises no error, and the graph has fewer statements than the file. A good engineer
# expects the literals that pyoxigraph 0.5.13 returns. Usual values are kept, and so are years before the year 1, so that an
# ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check maplib==0.20.26 pyoxigraph==0.5.13
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import pyoxigraph
from maplib import Model

SCHEMA = "http://www.w3.org/2001/XMLSchema#"
LITERALS = (
    ("boolean", "true"),
    ("boolean", "1"),
    ("integer", "9223372036854775807"),
    ("integer", "9223372036854775808"),
    ("decimal", "41.9"),
    ("decimal", "0.123456789012345"),
    ("decimal", "123456789012345678901234567890.5"),
    ("double", "INF"),
    ("date", "1977-05-01"),
    ("date", "-0044-03-15"),
    ("date", "1977-05-01Z"),
    ("dateTime", "1977-05-01T10:00:00+03:00"),
    ("dateTime", "1977-05-01T10:00:00"),
    ("dateTime", "2026-01-01T24:00:00Z"),
)
statements = [f'<urn:x:{i}> <urn:x:value> "{value}"^^<{SCHEMA}{kind}> .\n' for i, (kind, value) in enumerate(LITERALS)]
model = Model()
model.reads("".join(statements), format="ntriples")
formats = pyoxigraph.RdfFormat.N_TRIPLES
kept = {quad.subject: quad.object.value for quad in pyoxigraph.parse(model.writes(format="ntriples"), formats)}
for quad in pyoxigraph.parse("".join(statements), formats):
    kind = quad.object.datatype.value.removeprefix(SCHEMA)
    print(f"{kind} {quad.object.value}: {kept.get(quad.subject, 'dropped')}")
print(f"{len(statements)} statements read by pyoxigraph, {len(kept)} by maplib")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
boolean true: true
boolean 1: dropped
integer 9223372036854775807: 9223372036854775807
integer 9223372036854775808: dropped
decimal 41.9: 41.9
decimal 0.123456789012345: 0.123456789012
decimal 123456789012345678901234567890.5: dropped
double INF: inf
date 1977-05-01: 1977-05-01
date -0044-03-15: -0044-03-15
date 1977-05-01Z: dropped
dateTime 1977-05-01T10:00:00+03:00: 1977-05-01T07:00:00+00:00
dateTime 1977-05-01T10:00:00: 1977-05-01T10:00:00+00:00
dateTime 2026-01-01T24:00:00Z: dropped
14 statements read by pyoxigraph, 9 by maplib
SEEN
echo "as described"
