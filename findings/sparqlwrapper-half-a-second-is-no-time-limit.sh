#!/usr/bin/env bash
# setTimeout of SPARQLWrapper 2.0.0 takes seconds and drops their fraction. A good engineer would expect that half a second
# is kept, as urllib keeps it, or refused. It becomes 0, which is then read as no time limit: the shortest limit is the one
# that waits longest. 1.9 seconds are 1 second. A server that answers after two seconds is used here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SPARQLWrapper==2.0.0 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from SPARQLWrapper import JSON, SPARQLWrapper


class Late(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2)
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/sparql-results+json")
            self.end_headers()
            self.wfile.write(b'{"head": {}, "boolean": true}')
        except OSError:
            pass  # The client has given up.

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Late)
threading.Thread(target=server.serve_forever, daemon=True).start()
for seconds in (0.5, 1, 1.9):
    client = SPARQLWrapper(f"http://127.0.0.1:{server.server_port}/sparql")
    client.setQuery("ASK {}")
    client.setReturnFormat(JSON)
    client.setTimeout(seconds)
    try:
        result = client.queryAndConvert()["boolean"]
    except TimeoutError:
        result = "TimeoutError"
    print(seconds, "kept as", client.timeout, "->", result)
server.shutdown()
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
0.5 kept as 0 -> True
1 kept as 1 -> TimeoutError
1.9 kept as 1 -> TimeoutError
SEEN
echo "as described"
