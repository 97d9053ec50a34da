#!/usr/bin/env bash
# EDTF writes a year with four digits, so that 0079 is the year 79 (EDTF, level 0). @edtf-ts/core 0.4.2 computes the bounds of
# 0079 as those of 1979. Date.UTC of JavaScript does the same with the years 0 to 99. The interval 0000/0099 becomes the
# twentieth century, and -0044/0014 ends in 1914. The parse succeeds without an error. Years before 0 and from 100 on are right,
# so that an ordinary test passes, and 0079 is sorted after 1950. A good engineer expects the bounds that edtf 5.0.2 for Python
# computes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check edtf==5.0.2
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @edtf-ts/core@0.4.2 >> npm.log 2>&1
cat > dates.txt <<'TXT'
0100
0079
0079-08-24
0000/0099
-0044/0014
TXT
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { parse, sort } from "@edtf-ts/core";

const day = (instant) => new Date(Number(instant)).toISOString().slice(0, -14);
for (const text of readFileSync("dates.txt", "utf8").trim().split("\n")) {
  const { success, value } = parse(text);
  console.log(`edtf-ts: ${text} (${success}) is from ${day(value.min)} to ${day(value.max)}`);
}
console.log("edtf-ts: sorted:", sort(["0100", "0079", "1950"].map((text) => parse(text).value)).join(" "));
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
edtf-ts: 0100 (true) is from 0100-01-01 to 0100-12-31
edtf-ts: 0079 (true) is from 1979-01-01 to 1979-12-31
edtf-ts: 0079-08-24 (true) is from 1979-08-24 to 1979-08-24
edtf-ts: 0000/0099 (true) is from 1900-01-01 to 1999-12-31
edtf-ts: -0044/0014 (true) is from -000044-01-01 to 1914-12-31
edtf-ts: sorted: 0100 1950 0079
edtf.py: 0100 is 100-01-01 100-12-31
edtf.py: 0079 is 79-01-01 79-12-31
edtf.py: 0079-08-24 is 79-08-24 79-08-24
edtf.py: 0000/0099 is 0-01-01 99-12-31
edtf.py: -0044/0014 is -44-01-01 14-12-31
SEEN
echo "as described"
