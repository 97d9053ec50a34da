#!/usr/bin/env bash
# The number in a cell of an XLSX file is a double, and some doubles need 17 digits. xlsxwriter 3.3.1 and openpyxl 3.1.5
# write at most 16. A good engineer would expect that a double is the same after writing and reading, as in the CSV file of
# polars 2.1.0. More than half of the fractions below come back as a neighbouring double: `=`, joins and checksums over two
# files of one table fail. polars writes XLSX with xlsxwriter. A column of text keeps the value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 xlsxwriter==3.3.1 openpyxl==3.1.5 fastexcel==0.21.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO

import openpyxl
import polars

numbers = [0.1 + 0.2, 1.1 + 2.2, 0.5, *(number / 7 for number in range(1, 1001))]


def changed(name, read):
    differences = [(before, after) for before, after in zip(numbers, read, strict=True) if before != after]
    print(name, len(differences), "of", len(numbers), differences[:2])


frame = polars.DataFrame({"value": numbers})
csv, first, second = BytesIO(), BytesIO(), BytesIO()
frame.write_csv(csv)
csv.seek(0)
changed("CSV", polars.read_csv(csv)["value"])
frame.write_excel(first)
changed("xlsxwriter", polars.read_excel(first)["value"])
changed("xlsxwriter, read by openpyxl", [row[0] for row in openpyxl.load_workbook(first).active.values][1:])
book = openpyxl.Workbook()
for number in numbers:
    book.active.append([number])
book.save(second)
changed("openpyxl", [row[0] for row in openpyxl.load_workbook(second).active.values])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
CSV 0 of 1003 []
xlsxwriter 536 of 1003 [(0.30000000000000004, 0.3), (3.3000000000000003, 3.3)]
xlsxwriter, read by openpyxl 536 of 1003 [(0.30000000000000004, 0.3), (3.3000000000000003, 3.3)]
openpyxl 536 of 1003 [(0.30000000000000004, 0.3), (3.3000000000000003, 3.3)]
SEEN
echo "as described"
