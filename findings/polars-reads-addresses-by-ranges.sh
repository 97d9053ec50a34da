#!/usr/bin/env bash
# polars 2.1.0 reads a CSV file from an address as from an object store: a HEAD request, then GET requests with Range, also
# for a table of 31 bytes. Ranges are optional for a server (RFC 9110, 14), but polars fails without them, and without a
# Content-Length: Python's own http.server, and results of queries that are sent in chunks, cannot be read. pandas 3.1.1
# reads all of them. The text of a response can be given to polars as bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 pandas==3.1.1
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas
import polars

TABLE = b"name,since\nAix,1977\nBeppu,1994\n"
requests = set()


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        part, wanted = TABLE, self.headers.get("Range")
        requests.add(f"{self.command} {'with' if wanted else 'without'} Range")
        if wanted and self.path == "/ranges.csv":
            first, last = wanted.removeprefix("bytes=").split("-")
            part = TABLE[int(first) : int(last) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(TABLE)}")
        else:
            self.send_response(200)
        if self.path == "/chunks.csv":
            self.send_header("Transfer-Encoding", "chunked")
            part = b"%x\r\n%s\r\n0\r\n\r\n" % (len(TABLE), TABLE)
        else:
            self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
for path in ("/ranges.csv", "/plain.csv", "/chunks.csv"):
    for library in (pandas, polars):
        requests.clear()
        try:
            result = f"{len(library.read_csv(f'http://127.0.0.1:{server.server_port}{path}'))} rows"
        except OSError as error:
            result = type(error).__name__
        print(path, library.__name__, result, "|", ", ".join(sorted(requests)))
server.shutdown()
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
/ranges.csv pandas 2 rows | GET without Range
/ranges.csv polars 2 rows | GET with Range, HEAD without Range
/plain.csv pandas 2 rows | GET without Range
/plain.csv polars OSError | GET with Range, HEAD without Range
/chunks.csv pandas 2 rows | GET without Range
/chunks.csv polars OSError | GET with Range, HEAD without Range
SEEN
echo "as described"
