#!/usr/bin/env bash
# SPARQLWrapper 2.0.0 raises an exception of its own for the statuses 400, 401, 404, 414 and 500, and urllib's HTTPError for
# others. A good engineer would expect one base class, and the body of the response. Its own exceptions have read the body
# and keep only Python's notation of it at the end of their message, where JSON is no longer JSON. They have no status. A 503
# is not caught as a SPARQLWrapperException, but its body can be read. All responses here have the same problem document.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SPARQLWrapper==2.0.0 rdflib==7.6.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

from SPARQLWrapper import SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import SPARQLWrapperException

BODY = b'{"detail": "The variable \\"town\\" is unknown"}'


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path[1:4]))
        self.send_header("Content-Type", "application/problem+json")
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("body", BODY.decode())
for status in (400, 404, 500, 503):
    client = SPARQLWrapper(f"http://127.0.0.1:{server.server_port}/{status}")
    client.setQuery("ASK {}")
    try:
        client.query()
    except SPARQLWrapperException as error:
        print(status, type(error).__name__, "attributes", vars(error), "message", str(error).splitlines()[-1])
        print("  the body of its HTTPError", error.__context__.read())
    except HTTPError as error:
        print(status, type(error).__name__, "body", error.read().decode())
server.shutdown()
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
body {"detail": "The variable \"town\" is unknown"}
400 QueryBadFormed attributes {} message b'{"detail": "The variable \\"town\\" is unknown"}'
  the body of its HTTPError b''
404 EndPointNotFound attributes {} message b'{"detail": "The variable \\"town\\" is unknown"}'
  the body of its HTTPError b''
500 EndPointInternalError attributes {} message b'{"detail": "The variable \\"town\\" is unknown"}'
  the body of its HTTPError b''
503 HTTPError body {"detail": "The variable \"town\" is unknown"}
SEEN
echo "as described"
