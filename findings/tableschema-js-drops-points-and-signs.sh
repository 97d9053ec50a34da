#!/usr/bin/env bash
# A number in Table Schema may have a character for decimals (decimalChar) and one for groups (groupChar). With bareNumber: false,
# other characters may stand before and after the number, and are removed (Data Package 2.0, Table Schema, Field Types). tableschema
# 1.12.6 for JavaScript replaces the comma of "1.234,50" by a point, and then removes all points, because they are the character of
# groups: the result is 123450. In "-5 °C" it takes the sign for text that is to be removed: the result is 5. A date that an enum
# lists is refused. Only the last one is an error. A good engineer expects the values of frictionless 5.21.0, which reads all of
# these, because a sign belongs to the number. "1 234,50" and "5 °C" are read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check frictionless==5.21.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund tableschema@1.12.6 >> npm.log 2>&1
cat > fields.json <<'JSON'
[[{"type": "number", "decimalChar": ",", "groupChar": " "}, "1 234,50"],
 [{"type": "number", "decimalChar": ",", "groupChar": "."}, "1.234,50"],
 [{"type": "number", "decimalChar": ",", "groupChar": "."}, "-0,5"],
 [{"type": "number", "bareNumber": false}, "5 °C"],
 [{"type": "number", "bareNumber": false}, "-5 °C"],
 [{"type": "integer", "bareNumber": false}, "-430 m"],
 [{"type": "date", "constraints": {"enum": ["1994-05-23"]}}, "1994-05-23"]]
JSON
cat > read.mjs <<'JS'
import fs from "node:fs";
import tableschema from "tableschema";

for (const [field, text] of JSON.parse(fs.readFileSync("fields.json"))) {
  let value;
  try {
    value = new tableschema.Field({ name: "field", ...field }).castValue(text);
  } catch (error) {
    value = error.message.replace(/ for column.*/, "");
  }
  console.log(`tableschema: ${text} is ${value}`);
}
JS
cat > read.py <<'PY'
import json

from frictionless import Field

for field, text in json.load(open("fields.json", encoding="utf-8")):
    value, notes = Field.from_descriptor({"name": "field", **field}).read_cell(text)
    print(f"frictionless: {text} is {value}{' with ' + str(notes) if notes else ''}")
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
tableschema: 1 234,50 is 1234.5
tableschema: 1.234,50 is 123450
tableschema: -0,5 is -5
tableschema: 5 °C is 5
tableschema: -5 °C is 5
tableschema: -430 m is 430
tableschema: 1994-05-23 is The value "1994-05-23" does not conform to the "enum" constraint
frictionless: 1 234,50 is 1234.50
frictionless: 1.234,50 is 1234.50
frictionless: -0,5 is -0.5
frictionless: 5 °C is 5
frictionless: -5 °C is -5
frictionless: -430 m is -430
frictionless: 1994-05-23 is 1994-05-23
SEEN
echo "as described"
