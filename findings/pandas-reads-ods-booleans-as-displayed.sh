#!/usr/bin/env bash
# OpenDocument keeps the value of a boolean cell in office:boolean-value; the paragraph in the cell is what is
# displayed, in the language of the author. pandas 3.1.1 with odfpy 1.4.1 compares the paragraph with "TRUE": each
# boolean of a German or Turkish sheet is read as False, without an error. python-calamine 0.9.1 reads the value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 odfpy==1.4.1 python-calamine==0.9.1
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO

import pandas
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

for displayed in ("TRUE", "WAHR", "DOĞRU", "true"):
    document = OpenDocumentSpreadsheet()
    table = Table(name="towns")
    row = TableRow()
    cell = TableCell(valuetype="boolean", booleanvalue="true")
    cell.addElement(P(text=displayed))
    row.addElement(cell)
    table.addElement(row)
    document.spreadsheet.addElement(table)
    file = BytesIO()
    document.write(file)
    values = {}
    for engine in ("odf", "calamine"):
        file.seek(0)
        values[engine] = bool(pandas.read_excel(file, engine=engine, header=None).iloc[0, 0])
    print(displayed, values)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
TRUE {'odf': True, 'calamine': True}
WAHR {'odf': False, 'calamine': True}
DOĞRU {'odf': False, 'calamine': True}
true {'odf': False, 'calamine': True}
SEEN
echo "as described"
