#!/usr/bin/env bash
# ASK has a result of its own kind: {"head": {}, "boolean": true} in JSON, <boolean>true</boolean> in XML (SPARQL 1.1 Query
# Results). Virtuoso 7.2.5 (Debian 12) answers with the table of a SELECT in both, and in CSV: true is a row with the integer 1
# in a column __ASK_RETVAL, false is a table without rows. Libraries take it for a SELECT: SPARQLWrapper 2.0.0 returns no
# "boolean", and for false a dictionary, which is true in Python; rdflib 7.6.0 has no `askAnswer`, though `bool` of its result is
# right, because it counts the rows. `SELECT (1 AS ?found) { … } LIMIT 1` means the same to every store.
set -euo pipefail
folder=$(mktemp -d)
trap '[ -z "${server:-}" ] || { kill -9 "$server"; wait "$server" 2> /dev/null || true; }; rm -rf "$folder"' EXIT
virtuoso=$(command -v virtuoso-t || true)
if [ -z "$virtuoso" ]; then
  (cd "$folder" && apt-get download --quiet virtuoso-opensource-7-bin libldap-2.5-0 libsasl2-2 libminizip1 libpcre3 > /dev/null
    for package in *.deb; do dpkg-deb -x "$package" .; done)
  virtuoso=$folder/usr/bin/virtuoso-t
  export LD_LIBRARY_PATH=$folder/usr/lib/x86_64-linux-gnu
fi
read -r sql port < <(python3 - <<'PY'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(server.getsockname()[1] for server in sockets))
PY
)
cat > "$folder/virtuoso.ini" <<CONF
[Database]
DatabaseFile = $folder/virtuoso.db
ErrorLogFile = $folder/virtuoso.log
LockFile = $folder/virtuoso.lck
TransactionFile = $folder/virtuoso.trx
xa_persistent_file = $folder/virtuoso.pxa
[TempDatabase]
DatabaseFile = $folder/temporary.db
TransactionFile = $folder/temporary.trx
[Parameters]
ServerPort = 127.0.0.1:$sql
DisableUnixSocket = 1
NumberOfBuffers = 10000
[HTTPServer]
ServerPort = 127.0.0.1:$port
ServerRoot = $folder
CONF
"$virtuoso" +foreground +configfile "$folder/virtuoso.ini" > "$folder/started" 2>&1 &
server=$!
until grep -qs "Server online" "$folder/started"; do kill -0 "$server"; sleep 0.2; done
cat > "$folder/endpoint.py" <<'PY'
import csv
import sys
from urllib.parse import urlencode
from urllib.request import HTTPDigestAuthHandler, HTTPPasswordMgrWithDefaultRealm, Request, build_opener

BASE = f"http://127.0.0.1:{sys.argv[1]}"
keys = HTTPPasswordMgrWithDefaultRealm()
keys.add_password(None, BASE, "dba", "dba")  # as it is installed
opener = build_opener(HTTPDigestAuthHandler(keys))


def reply(query, accept="text/csv", **parameters):
    address = f"{BASE}/sparql?{urlencode({'query': query, **parameters})}"
    with opener.open(Request(address, headers={"Accept": accept})) as answer:
        return answer.status, answer.headers, answer.read().decode()


def rows(query, **parameters):
    return list(csv.reader(reply(query, **parameters)[2].splitlines()))[1:]


def put(graph, turtle):
    address = f"{BASE}/sparql-graph-crud-auth?{urlencode({'graph-uri': graph})}"
    opener.open(Request(address, turtle.encode(), {"Content-Type": "text/turtle"}, method="PUT")).close()
PY
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SPARQLWrapper==2.0.0 rdflib==7.6.0
"$virtuoso" '-?' 2>&1 | grep -o -m 1 'Version 7[.0-9]*' > "$folder/seen" || true
PYTHONPATH=$folder "$folder/venv/bin/python" - "$port" <<'PY' >> "$folder/seen"
import io
import json
import sys

from endpoint import reply
from rdflib.query import Result
from SPARQLWrapper import JSON, SPARQLWrapper

ADDRESS = f"http://127.0.0.1:{sys.argv[1]}/sparql"
for query in ("ASK { FILTER(1 = 1) }", "ASK { FILTER(1 = 2) }"):
    print(query)
    text = reply(query, "application/sparql-results+json")[2]
    body = json.loads(text)
    print("  JSON:", *body, body["head"]["vars"], len(body["results"]["bindings"]), "row(s)")
    body = reply(query, "application/sparql-results+xml")[2]
    print("  XML:", "<boolean>" in body, body.count("<result>"), "row(s)")
    print("  CSV:", reply(query)[2].split())
    wrapper = SPARQLWrapper(ADDRESS)
    wrapper.setQuery(query)
    wrapper.setReturnFormat(JSON)
    result = wrapper.queryAndConvert()
    print("  SPARQLWrapper:", "boolean" in result, bool(result))
    result = Result.parse(io.BytesIO(text.encode()), format="json")
    print("  rdflib:", result.type, result.askAnswer, bool(result))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
ASK { FILTER(1 = 1) }
  JSON: head results ['__ASK_RETVAL'] 1 row(s)
  XML: False 1 row(s)
  CSV: ['"__ASK_RETVAL"', '1']
  SPARQLWrapper: False True
  rdflib: SELECT None True
ASK { FILTER(1 = 2) }
  JSON: head results ['__ASK_RETVAL'] 0 row(s)
  XML: False 0 row(s)
  CSV: ['"__ASK_RETVAL"']
  SPARQLWrapper: False True
  rdflib: SELECT None False
SEEN
echo "as described"
