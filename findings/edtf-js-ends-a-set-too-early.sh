#!/usr/bin/env bash
# A set of EDTF (level 2) lists dates and ranges of dates: [1977,1980..1982] is one of four years. The JavaScript library edtf
# 4.11.1 returns all four years when it iterates over the set, but `max` and `covers` use the start of a last range instead of its
# end: the maximum is the end of 1980, and 1982 is not covered. A quadrimester (37 to 39) has five months instead of four, so that
# the first one overlaps the second. No error is raised. A good engineer expects the bounds that edtf 5.0.2 for Python returns for
# the same texts. A filter by the latest date of an event drops events.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check edtf==5.0.2
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund edtf@4.11.1 >> npm.log 2>&1
cat > dates.txt <<'TEXT'
[1977,1980]
[1977,1980..1982]
{1980..1982}
1985-33
1985-37
1985-38
TEXT
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import edtf from "edtf";

const day = (instant) => new Date(instant).toISOString().slice(0, 10);
for (const text of readFileSync("dates.txt", "utf8").trim().split("\n")) {
  const date = edtf(text);
  console.log(`edtf.js: ${text} is from ${day(date.min)} to ${day(date.max)}`);
}
const years = edtf("[1977,1980..1982]");
console.log(`edtf.js: years ${[...years]}, covers 1980: ${years.covers(edtf("1980"))}, 1982: ${years.covers(edtf("1982"))}`);
JS
cat > read.py <<'PY'
import edtf

for text in open("dates.txt").read().splitlines():
    date = edtf.parse_edtf(text)
    print(f"edtf.py: {text} is", *("{}-{:02}-{:02}".format(*bound[:3]) for bound in (date.lower_strict(), date.upper_strict())))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
edtf.js: [1977,1980] is from 1977-01-01 to 1980-12-31
edtf.js: [1977,1980..1982] is from 1977-01-01 to 1980-12-31
edtf.js: {1980..1982} is from 1980-01-01 to 1980-12-31
edtf.js: 1985-33 is from 1985-01-01 to 1985-03-31
edtf.js: 1985-37 is from 1985-01-01 to 1985-05-31
edtf.js: 1985-38 is from 1985-05-01 to 1985-09-30
edtf.js: years 1977,1980,1981,1982, covers 1980: true, 1982: false
edtf.py: [1977,1980] is 1977-01-01 1980-12-31
edtf.py: [1977,1980..1982] is 1977-01-01 1982-12-31
edtf.py: {1980..1982} is 1980-01-01 1982-12-31
edtf.py: 1985-33 is 1985-01-01 1985-03-31
edtf.py: 1985-37 is 1985-01-01 1985-04-30
edtf.py: 1985-38 is 1985-05-01 1985-08-31
SEEN
echo "as described"
