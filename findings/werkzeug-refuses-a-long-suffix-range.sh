#!/usr/bin/env bash
# RFC 9110 (14.1.2): a suffix range longer than the representation selects all of it. werkzeug 3.1.9's send_file answers
# 416 to such a request. Readers of Parquet begin with a suffix of fixed length, so small files cannot be read from it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check werkzeug==3.1.9
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from io import BytesIO

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.test import EnvironBuilder
from werkzeug.utils import send_file

for header in ("bytes=-100", "bytes=-101", "bytes=90-200"):
    environ = EnvironBuilder(headers={"Range": header}).get_environ()
    try:
        response = send_file(BytesIO(b"x" * 100), environ, mimetype="text/plain", conditional=True, etag=False)
        print(header, response.status_code, response.headers.get("Content-Range"))
    except RequestedRangeNotSatisfiable as error:
        print(header, error.code)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
bytes=-100 206 bytes 0-99/100
bytes=-101 416
bytes=90-200 206 bytes 90-99/100
SEEN
echo "as described"
