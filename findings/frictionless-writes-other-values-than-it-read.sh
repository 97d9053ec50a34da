#!/usr/bin/env bash
# Table Schema writes an infinite number as INF, the year of a month with four digits, and a datetime as in XML Schema, in which
# fractions of a second are allowed (Data Package 2.0, Table Schema, Field Types; XML Schema, part 2, 3.2.7 and 3.2.10).
# frictionless 5.21.0 reads all of these. When it writes the table again, the fraction is lost, the zone +03:00 becomes +0300,
# 0079-08 becomes 79-08, and INF becomes Infinity. The new file passes its own validation, although three of the four texts are
# not allowed, and the fourth is another instant. No error is raised. A good engineer expects the same values after writing, and
# texts that other readers of Table Schema accept. Usual numbers and months are kept, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check frictionless==5.21.0
cd "$folder"
cat > events.csv <<'CSV'
month,share,instant
1977-05,0.5,2026-01-01T10:00:00Z
0079-08,INF,2026-01-01T10:00:00.250Z
1994-05,-INF,2026-01-01T10:00:00+03:00
CSV
cat > write.py <<'PY'
from frictionless import Resource, Schema

names = {"month": "yearmonth", "share": "number", "instant": "datetime"}
fields = [{"name": name, "type": kind} for name, kind in names.items()]
schema = Schema.from_descriptor({"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fields": fields})
table = Resource(path="events.csv", schema=schema)
for row in table.read_rows():
    print("read:", row["month"], row["share"], row["instant"].isoformat())
table.write(Resource(path="written.csv"))
written = Resource(path="written.csv", schema=schema)
print(open("written.csv").read(), end="")
print("valid:", table.validate().valid, written.validate().valid)
before, after = ([row["instant"] for row in one.read_rows()] for one in (table, written))
print("same instants:", [first == second for first, second in zip(before, after, strict=True)])
PY
"$folder/venv/bin/python" write.py > seen
cat seen
diff seen - <<'SEEN'
read: yearmonth(year=1977, month=5) 0.5 2026-01-01T10:00:00+00:00
read: yearmonth(year=79, month=8) Infinity 2026-01-01T10:00:00.250000+00:00
read: yearmonth(year=1994, month=5) -Infinity 2026-01-01T10:00:00+03:00
month,share,instant
1977-05,0.5,2026-01-01T10:00:00Z
79-08,Infinity,2026-01-01T10:00:00Z
1994-05,-Infinity,2026-01-01T10:00:00+0300
valid: True True
same instants: [True, False, True]
SEEN
echo "as described"
