#!/usr/bin/env bash
# A field in Croissant has a data type. mlcroissant 1.1.1 lets pandas guess the type of a CSV column first, and converts the
# result: a sc:Text "007" is 7, "1977" beside an empty cell is "1977.0", and the year 1977 as sc:Date is an instant in 1970.
# A separator that no cell has is an error, because the column has become numbers; the others are changed silently.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlcroissant==1.1.1 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - 2> "$folder/log" <<'PY' > "$folder/seen"
import hashlib
import json
from pathlib import Path

import mlcroissant

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}
for term in ("column", "extract", "field", "fileObject", "recordSet", "repeated", "separator", "source", "transform"):
    CONTEXT[term] = f"cr:{term}"


def values(cells, data_type, separator=None):
    table = "\n".join(["town,value", *(f"{town},{cell}" for town, cell in zip(("Aix", "Beppu"), cells, strict=True)), ""])
    Path("table.csv").write_text(table)
    source = {"fileObject": {"@id": "table.csv"}, "extract": {"column": "value"}}
    field = {"@type": "cr:Field", "@id": "towns/value", "name": "value", "dataType": data_type, "source": source}
    if separator:
        source["transform"], field["repeated"] = {"separator": separator}, True
    file = {"@type": "cr:FileObject", "@id": "table.csv", "name": "table.csv", "contentUrl": "table.csv"}
    file |= {"encodingFormat": "text/csv", "sha256": hashlib.sha256(table.encode()).hexdigest()}
    dataset = {"@context": CONTEXT, "@type": "sc:Dataset", "name": "towns", "description": "Towns", "version": "1.0.0"}
    dataset |= {"conformsTo": "http://mlcommons.org/croissant/1.0", "url": "https://example.org/", "distribution": [file]}
    dataset["recordSet"] = [{"@type": "cr:RecordSet", "@id": "towns", "name": "towns", "field": [field]}]
    Path("dataset.json").write_text(json.dumps(dataset))
    try:
        return [str(record["towns/value"]) for record in mlcroissant.Dataset("dataset.json").records("towns")]
    except mlcroissant.GenerationError:
        return "GenerationError"


for arguments in (
    (["007", "008"], "sc:Text"),
    (["1977", ""], "sc:Text"),
    (["1977-05-01", "1994-05-01"], "sc:Date"),
    (["1977", "1994"], "sc:Date"),
    (["1977;1978", ""], "sc:Integer", ";"),
    (["1977", ""], "sc:Integer", ";"),
):
    print(*arguments, "->", values(*arguments))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
['007', '008'] sc:Text -> ["b'7'", "b'8'"]
['1977', ''] sc:Text -> ["b'1977.0'", 'None']
['1977-05-01', '1994-05-01'] sc:Date -> ['1977-05-01 00:00:00', '1994-05-01 00:00:00']
['1977', '1994'] sc:Date -> ['1970-01-01 00:00:00.000001977', '1970-01-01 00:00:00.000001994']
['1977;1978', ''] sc:Integer ; -> ['[1977, 1978]', 'None']
['1977', ''] sc:Integer ; -> GenerationError
SEEN
echo "as described"
