#!/usr/bin/env bash
# memento_client 0.6.1 reads the TimeGate of a page from its Link header, but returns none if the Vary header of the page
# names Accept-Datetime. RFC 7089 (4.1 and 4.2) allows both together: a page that is its own TimeGate, or one that names
# another. A server that sends Vary: Accept-Datetime with its documents hides its TimeGate from this client.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check memento_client==0.6.1 lxml
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

from memento_client import MementoClient

VARY = {"/plain": "Accept", "/dated": "Accept, Accept-Datetime"}


class Page(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Vary", VARY.get(self.path, ""))
        self.send_header("Link", f'<http://127.0.0.1:{self.server.server_port}/timegate{self.path}>; rel="timegate"')
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = MementoClient(timegate_uri="http://default.invalid/timegate/", check_native_timegate=True)
for path in VARY:
    gate = client.get_native_timegate_uri(f"http://127.0.0.1:{server.server_port}{path}", accept_datetime=datetime(2020, 1, 1))
    print(path, "uses its own TimeGate" if gate and f"/timegate{path}" in gate else f"gives {gate}")
server.shutdown()
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
/plain uses its own TimeGate
/dated gives None
SEEN
echo "as described"
