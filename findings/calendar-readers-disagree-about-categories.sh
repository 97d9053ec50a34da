#!/usr/bin/env bash
# CATEGORIES of an event is a list of texts. A comma within a text is escaped, and an event may have the property several times
# (RFC 5545, 3.3.11, 3.6.1 and 3.8.1.2). node-ical 0.26.1 also splits at escaped commas: "science, technology" becomes two
# categories, the first with a backslash at its end. It reads an escaped comma in a summary correctly. ics 0.7.3 for Python reads
# the comma, but refuses the whole calendar if one event has the property twice. A good engineer expects the same three
# categories from both files, as from ical.js 2.2.1 and icalendar 7.3.2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check icalendar==7.3.2 ics==0.7.3
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund ical.js@2.2.1 node-ical@0.26.1 >> npm.log 2>&1
cat > write.sh <<'SH'
write() {
  printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:-//example//EN BEGIN:VEVENT UID:1 DTSTAMP:20260101T000000Z \
    'DTSTART;VALUE=DATE:20260131' 'SUMMARY:Bath\, Beppu' "$@" END:VEVENT END:VCALENDAR
}
write 'CATEGORIES:science\, technology,sport,youth' > once.ics
write 'CATEGORIES:science\, technology' 'CATEGORIES:sport,youth' > twice.ics
SH
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import ical from "node-ical";

for (const path of ["once.ics", "twice.ics"]) {
  const event = ical.sync.parseFile(path)["1"];
  console.log(path, "node-ical:", JSON.stringify(event.categories), event.summary);
  const other = new ICAL.Component(ICAL.parse(readFileSync(path, "utf8"))).getFirstSubcomponent("vevent");
  console.log(path, "ical.js:", JSON.stringify(other.getAllProperties("categories").flatMap((property) => property.getValues())));
}
JS
cat > read.py <<'PY'
import icalendar
import ics

for path in ("once.ics", "twice.ics"):
    text = open(path, newline="").read()
    print(path, "icalendar:", [str(category) for category in icalendar.Calendar.from_ical(text).walk("VEVENT")[0].categories])
    try:
        print(path, "ics:", *(sorted(event.categories) for event in ics.Calendar(text).events))
    except ValueError as error:
        print(path, "ics:", error)
PY
bash write.sh > seen
node read.mjs >> seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
once.ics node-ical: ["science\\","technology","sport","youth"] Bath, Beppu
once.ics ical.js: ["science, technology","sport","youth"]
twice.ics node-ical: ["science\\","technology","sport","youth"] Bath, Beppu
twice.ics ical.js: ["science, technology","sport","youth"]
once.ics icalendar: ['science, technology', 'sport', 'youth']
once.ics ics: ['science, technology', 'sport', 'youth']
twice.ics icalendar: ['science, technology', 'sport', 'youth']
twice.ics ics: A VEVENT must have at most one CATEGORIES
SEEN
echo "as described"
