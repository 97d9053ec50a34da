#!/usr/bin/env bash
# python-calamine 0.9.1 takes the value of a numeric cell of an XLSX file from one piece of text. A comment, a character
# reference or a CDATA section divides the text in XML without a change of its meaning: the rest of the number is lost, or
# the whole cell, and no error is raised. openpyxl 3.1.5 reads the whole number. Texts are read whole by both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-calamine==0.9.1 openpyxl==3.1.5
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO
from zipfile import ZipFile

import openpyxl
from python_calamine import CalamineWorkbook

book = openpyxl.Workbook()
book.active.append(["Bath", 1977])
whole = BytesIO()
book.save(whole)
for written in ("1977", "19<!-- sic -->77", "19&#55;7", "<![CDATA[1977]]>"):
    copy = BytesIO()
    with ZipFile(whole) as source, ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<v>1977</v>", f"<v>{written}</v>".encode())
            target.writestr(name, content)
    copy.seek(0)
    (first,) = CalamineWorkbook.from_filelike(copy).get_sheet_by_index(0).to_python()
    (second,) = openpyxl.load_workbook(copy).active.iter_rows(values_only=True)
    print(written, "calamine", first, "openpyxl", list(second))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1977 calamine ['Bath', 1977.0] openpyxl ['Bath', 1977]
19<!-- sic -->77 calamine ['Bath', 19.0] openpyxl ['Bath', 1977]
19&#55;7 calamine ['Bath', 19.0] openpyxl ['Bath', 1977]
<![CDATA[1977]]> calamine ['Bath'] openpyxl ['Bath', 1977]
SEEN
echo "as described"
