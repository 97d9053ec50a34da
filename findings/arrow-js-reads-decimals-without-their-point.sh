#!/usr/bin/env bash
# A decimal column of Arrow has a scale, which is part of its type: 41.90 is stored as 4190 with the scale 2. apache-arrow 21.2.0
# for JavaScript returns values that ignore the scale: as text, as a number and in JSON, 41.90 becomes 4190. As a decimal of 256
# bits it even becomes "0" as text and in JSON. No error is raised. A good engineer expects 41.90, as in pyarrow 26.0.1, or at
# least the right digits. `valueOf(scale)` with the scale of the field gives the right number in both widths, if it fits into a
# double.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund apache-arrow@21.2.0 >> npm.log 2>&1
venv/bin/python - <<'PY' > seen
from decimal import Decimal

import pyarrow

areas = [Decimal("41.90"), Decimal("-0.05")]
table = pyarrow.table({"narrow": pyarrow.array(areas, pyarrow.decimal128(9, 2)), "wide": pyarrow.array(areas, pyarrow.decimal256(40, 2))})
with pyarrow.ipc.new_file("areas.arrow", table.schema) as writer:
    writer.write_table(table)
for name in ("narrow", "wide"):
    print("pyarrow:", name, *(str(value) for value in table[name]))
PY
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const table = tableFromIPC(readFileSync("areas.arrow"));
for (const field of table.schema.fields) {
  for (const value of table.getChild(field.name)) {
    const json = JSON.stringify(value);
    console.log(`arrow: ${field.name} ${value}, JSON ${json}, number ${Number(value)}, with its scale ${value.valueOf(field.type.scale)}`);
  }
}
JS
node read.mjs >> seen
cat seen
diff seen - <<'SEEN'
pyarrow: narrow 41.90 -0.05
pyarrow: wide 41.90 -0.05
arrow: narrow 4190, JSON "\"4190\"", number 4190, with its scale 41.9
arrow: narrow -5, JSON "\"-5\"", number -5, with its scale -0.05
arrow: wide 0, JSON "\"0\"", number 4190, with its scale 41.9
arrow: wide -5, JSON "\"-5\"", number -5, with its scale -0.05
SEEN
echo "as described"
