#!/usr/bin/env bash
# The start of a series may be a date without a time, with the parameter VALUE=DATE (RFC 5545, 3.8.2.4). Anniversaries are
# written so. rrulestr of rrule 2.8.1 does not recognise a DTSTART with this parameter, and starts the series at the present
# moment. A yearly day in May moves to the day on which the program runs, and begins with this year. No error is raised. A good
# engineer expects the days that python-dateutil 2.9.0.post0 returns, of which rrule is a port. Without the parameter, a date
# alone is read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-dateutil==2.9.0.post0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rrule@2.8.1 >> npm.log 2>&1
cat > day.txt <<'TXT'
DTSTART;VALUE=DATE:19940523
RRULE:FREQ=YEARLY;COUNT=2
TXT
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import rrule from "rrule";

const text = readFileSync("day.txt", "utf8").trim();
const days = (text) => rrule.rrulestr(text).all().map((date) => date.toISOString().slice(0, 10));
const year = () => new Date().toISOString().slice(0, 4);
const before = year();
const found = days(text);
const after = year();
console.log("rrule: without VALUE=DATE", ...days(text.replace(";VALUE=DATE", "")));
console.log("rrule: with VALUE=DATE, two days:", found.length === 2, "in 1994:", found[0].startsWith("1994"));
console.log("rrule: from this year on:", found[0].slice(0, 4) >= before && found[0].slice(0, 4) <= after);
JS
cat > read.py <<'PY'
from dateutil.rrule import rrulestr

print("dateutil:", *(day.date() for day in rrulestr(open("day.txt").read())))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
rrule: without VALUE=DATE 1994-05-23 1995-05-23
rrule: with VALUE=DATE, two days: true in 1994: false
rrule: from this year on: true
dateutil: 1994-05-23 1995-05-23
SEEN
echo "as described"
