#!/usr/bin/env bash
# In CSV on the Web, a format gives the characters for decimals and groups, and its pattern uses these characters; the titles of a
# column are alternatives, each perhaps with a language (Metadata Vocabulary for Tabular Data, 5.1.6 and 5.6; Model, 6.4.2).
# csvw 4.1.1 for Python reads "1.234,50" rightly with the pattern "#.##0,00", but writes 1234.500 for it, which its own reader
# takes for 1234500. It finds a column only by a single title without a language: otherwise, the value stays a text under the
# title of the header, and the column is written empty. No error is raised. A good engineer expects the same values after writing
# and reading. Without a pattern, and with a plain title, they are the same, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check csvw==4.1.1
cd "$folder"
cat > trip.py <<'PY'
import json
from pathlib import Path

from csvw import Table


def trip(number_format, titles):
    """Reads a table, writes it, and reads it again."""
    columns = [
        {"name": "city"},
        {"name": "grant", "titles": titles, "datatype": {"base": "decimal", "format": number_format}},
    ]
    metadata = {"@context": "http://www.w3.org/ns/csvw", "url": "grants.csv", "tableSchema": {"columns": columns}}
    Path("metadata.json").write_text(json.dumps(metadata))
    Path("grants.csv").write_text('city,Grant\nbath,"1.234,50"\n')
    table = Table.from_file("metadata.json")
    rows = list(table)
    table.write(rows, fname="grants.csv")
    print("titles:", json.dumps(titles), "format:", *number_format.values())
    print("  read:", *(f"{name}={value}" for name, value in rows[0].items()))
    print("  written:", Path("grants.csv").read_text().splitlines()[1])
    print("  read again:", *(f"{name}={value}" for name, value in next(iter(Table.from_file("metadata.json"))).items()))


FORMAT = {"decimalChar": ",", "groupChar": "."}
trip(FORMAT, "Grant")
trip(FORMAT | {"pattern": "#.##0,00"}, "Grant")
trip(FORMAT, {"en": "Grant"})
trip(FORMAT, ["Funding", "Grant"])
PY
"$folder/venv/bin/python" -W ignore trip.py > seen
cat seen
diff seen - <<'SEEN'
titles: "Grant" format: , .
  read: city=bath grant=1234.50
  written: bath,"1.234,50"
  read again: city=bath grant=1234.50
titles: "Grant" format: , . #.##0,00
  read: city=bath grant=1234.50
  written: bath,1234.500
  read again: city=bath grant=1234500
titles: {"en": "Grant"} format: , .
  read: city=bath Grant=1.234,50 grant=None
  written: bath,
  read again: city=bath grant=None
titles: ["Funding", "Grant"] format: , .
  read: city=bath Grant=1.234,50 grant=None
  written: bath,
  read again: city=bath grant=None
SEEN
echo "as described"
