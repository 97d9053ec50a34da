#!/usr/bin/env bash
# A text in a vCard escapes a comma, a semicolon and a line break with a backslash. CATEGORIES and NICKNAME are lists of texts
# (RFC 2426, 3.1.3 and 3.7.1; RFC 6350, 3.4, 6.2.3 and 6.7.1). In jCard, the same texts have no escapes, and each member of a list
# is a value of its own (RFC 7095, 3.3). vcf 2.1.2 for JavaScript keeps the backslashes, also in jCard, where a list is one text.
# From a jCard it writes a vCard without escapes, so that "City of Bath; Twins" becomes the names of an organisation and of a
# unit, and drops line breaks. vobject 0.9.9 for Python reads CATEGORIES as a list, but only the first nickname, and drops the
# others when it writes. No error is raised. A good engineer expects the texts that ical.js 2.2.1 returns. Texts without these
# characters are right, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vobject==0.9.9
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund vcf@2.1.2 ical.js@2.2.1 >> npm.log 2>&1
printf '%s\r\n' BEGIN:VCARD VERSION:3.0 'FN:Bath\, Beppu' 'N:Bath\, Beppu;;;;' 'ORG:City of Bath\; Twins;Sport\, youth' \
  'NOTE:first\nsecond' 'CATEGORIES:science\, technology,sport' 'NICKNAME:Aquae Sulis,Bathonia' END:VCARD > card.vcf
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import vCard from "vcf";

const names = ["fn", "org", "note", "categories", "nickname"];
const text = readFileSync("card.vcf", "utf8");
const right = new ICAL.Component(ICAL.parse(text));
const read = new vCard().parse(text);
for (const name of names) {
  console.log(`${name} by ical.js:`, JSON.stringify(right.getFirstProperty(name).toJSON().slice(3)));
  console.log(`${name} by vcf:`, JSON.stringify(read.get(name).toJSON().slice(3)));
}
// A jCard has the version 4.0.
const card = ICAL.parse(text.replace("VERSION:3.0", "VERSION:4.0"));
const written = vCard.fromJSON(card).toString("4.0");
for (const line of written.split("\r\n")) if (/^(FN|ORG|NOTE):/.test(line)) console.log("written by vcf:", JSON.stringify(line));
JS
cat > read.py <<'PY'
import vobject

card = vobject.readOne(open("card.vcf", newline="").read())
for name in ("fn", "org", "note", "categories", "nickname"):
    print(f"{name} by vobject:", repr(card.contents[name][0].value))
print("written by vobject:", next(line for line in card.serialize().splitlines() if line.startswith("NICKNAME")))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
fn by ical.js: ["Bath, Beppu"]
fn by vcf: ["Bath\\, Beppu"]
org by ical.js: [["City of Bath; Twins","Sport, youth"]]
org by vcf: ["City of Bath\\; Twins;Sport\\, youth"]
note by ical.js: ["first\nsecond"]
note by vcf: ["first\\nsecond"]
categories by ical.js: ["science, technology","sport"]
categories by vcf: ["science\\, technology,sport"]
nickname by ical.js: ["Aquae Sulis","Bathonia"]
nickname by vcf: ["Aquae Sulis,Bathonia"]
written by vcf: "FN:Bath, Beppu"
written by vcf: "ORG:City of Bath; Twins;Sport, youth"
written by vcf: "NOTE:firstsecond"
fn by vobject: 'Bath, Beppu'
org by vobject: ['City of Bath; Twins', 'Sport, youth']
note by vobject: 'first\nsecond'
categories by vobject: ['science, technology', 'sport']
nickname by vobject: 'Aquae Sulis'
written by vobject: NICKNAME:Aquae Sulis
SEEN
echo "as described"
