#!/usr/bin/env bash
# In an OpenDocument cell, text:s stands for blanks, text:tab for a tab and text:line-break for a line break. python-calamine
# 0.9.1 reads the first and drops the other two, so that the words on both sides become one, and it drops CDATA sections.
# No error is raised. pandas 3.1.1 with odfpy 1.4.1 keeps the line break and the CDATA section, and drops the tab as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 odfpy==1.4.1 python-calamine==0.9.1
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO

import pandas
from odf.element import CDATASection
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import LineBreak, P, S, Tab

for name, middle in (("text:s", S(c=2)), ("text:tab", Tab()), ("text:line-break", LineBreak()), ("CDATA", CDATASection(" & "))):
    document = OpenDocumentSpreadsheet()
    table, row, cell, paragraph = Table(name="towns"), TableRow(), TableCell(valuetype="string"), P()
    paragraph.addText("Aix")
    paragraph.appendChild(middle)
    paragraph.addText("Beppu")
    cell.addElement(paragraph)
    row.addElement(cell)
    table.addElement(row)
    document.spreadsheet.addElement(table)
    file = BytesIO()
    document.write(file)
    values = {}
    for engine in ("odf", "calamine"):
        file.seek(0)
        values[engine] = pandas.read_excel(file, engine=engine, header=None).iloc[0, 0]
    print(name, values)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
text:s {'odf': 'Aix  Beppu', 'calamine': 'Aix  Beppu'}
text:tab {'odf': 'AixBeppu', 'calamine': 'AixBeppu'}
text:line-break {'odf': 'Aix\nBeppu', 'calamine': 'AixBeppu'}
CDATA {'odf': 'Aix & Beppu', 'calamine': 'AixBeppu'}
SEEN
echo "as described"
