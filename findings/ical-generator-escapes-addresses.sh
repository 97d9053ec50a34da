#!/usr/bin/env bash
# The value of URL in a calendar is a URI. Backslashes escape only in texts (RFC 5545, 3.3.11 and 3.3.13). ical-generator 10.2.0
# escapes the commas and semicolons of an address as if it were a text. ical.js 2.2.1 reads it as a URI and returns the
# backslashes, so that the link leads elsewhere. icalendar 7.3.2 removes them, so that a test with it passes. A good engineer
# expects the address as it was given.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check icalendar==7.3.2
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund ical-generator@10.2.0 ical.js@2.2.1 >> npm.log 2>&1
cat > write.mjs <<'JS'
import { writeFileSync } from "node:fs";
import ICAL from "ical.js";
import ical from "ical-generator";

const calendar = ical();
const url = "http://example.org/?towns=bath,beppu;1994";
calendar.createEvent({ id: "1", start: new Date(Date.UTC(2026, 4, 23)), summary: "Bath, Beppu", url });
writeFileSync("day.ics", calendar.toString());
console.log(calendar.toString().split("\r\n").find((line) => line.startsWith("URL")));
const event = new ICAL.Component(ICAL.parse(calendar.toString())).getFirstSubcomponent("vevent");
for (const name of ["url", "summary"]) console.log("ical.js:", event.getFirstPropertyValue(name));
JS
cat > read.py <<'PY'
import icalendar

with open("day.ics", "rb") as file:
    print("icalendar:", icalendar.Calendar.from_ical(file.read()).walk("VEVENT")[0]["URL"])
PY
node write.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
URL;VALUE=URI:http://example.org/?towns=bath\,beppu\;1994
ical.js: http://example.org/?towns=bath\,beppu\;1994
ical.js: Bath, Beppu
icalendar: http://example.org/?towns=bath,beppu;1994
SEEN
echo "as described"
