#!/usr/bin/env bash
# A date before 1900 gets a negative number in an XLSX file. xlsxwriter 3.3.1 counts it from one day later than openpyxl
# 3.1.5, so that 1868-01-01 is -11687 or -11686. polars 2.1.0, which writes with xlsxwriter and reads with fastexcel 0.21.0,
# reads its own dates rightly, and so does openpyxl. A good engineer who tests this way expects that files can be exchanged:
# a file of one that is read by the other is off by a day, without an error. From 1900-01-01 on both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 xlsxwriter==3.3.1 fastexcel==0.21.0 openpyxl==3.1.5
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import re
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import openpyxl
import polars

dates = [date(1868, 1, 1), date(1899, 12, 1), date(1900, 1, 1), date(1977, 5, 1)]
files = {"polars": BytesIO(), "openpyxl": BytesIO()}
polars.DataFrame({"signed": dates}).write_excel(files["polars"])
book = openpyxl.Workbook()
for value in ("signed", *dates):
    book.active.append([value])
book.save(files["openpyxl"])
for writer, file in files.items():
    with ZipFile(file) as archive:
        numbers = re.findall("<v>(-?[0-9]+)</v>", archive.read("xl/worksheets/sheet1.xml").decode())
    print(writer, "writes", *numbers[-len(dates) :])
    print("  polars reads", *(str(value)[:10] for value in polars.read_excel(file)["signed"]))
    print("  openpyxl reads", *(str(row[0])[:10] for row in list(openpyxl.load_workbook(file).active.values)[1:]))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
polars writes -11687 -30 1 28246
  polars reads 1868-01-01 1899-12-01 1900-01-01 1977-05-01
  openpyxl reads 1867-12-31 1899-11-30 1900-01-01 1977-05-01
openpyxl writes -11686 -29 1 28246
  polars reads 1868-01-02 1899-12-02 1900-01-01 1977-05-01
  openpyxl reads 1868-01-01 1899-12-01 1900-01-01 1977-05-01
SEEN
echo "as described"
