#!/usr/bin/env bash
# Virtuoso 7.2.5 (Debian 12) returns at most 1,048,576 (2^20) rows of a SELECT, also if its setting ResultSetMaxRows is
# greater (as below), 0 or absent, and if the query has a greater LIMIT. The status is 200 and the result is well-formed; only
# the header `X-SPARQL-MaxRows: 1048576` tells. A COUNT of the same pattern is right, and OFFSET reads on after the cut, so that
# whoever needs all rows has to ask for pages.
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
[SPARQL]
ResultSetMaxRows = 2000000
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
"$virtuoso" '-?' 2>&1 | grep -o -m 1 'Version 7[.0-9]*' > "$folder/seen" || true
PYTHONPATH=$folder python3 - "$port" <<'PY' >> "$folder/seen"
from endpoint import put, reply

put("urn:towns", "".join(f"<urn:town{number}> <urn:in> <urn:country> .\n" for number in range(102)))
ALL = "FROM <urn:towns> { ?a <urn:in> ?c . ?d <urn:in> ?e . ?f <urn:in> ?g }"
print("counted:", reply(f"SELECT (COUNT(*) AS ?n) {ALL}")[2].split()[1])
for end in ("", "LIMIT 1100000", "LIMIT 1000 OFFSET 1048576"):
    status, headers, body = reply(f"SELECT (1 AS ?x) {ALL} {end}")
    print(end or "all", status, "rows:", body.count("\n") - 1, "X-SPARQL-MaxRows:", headers["X-SPARQL-MaxRows"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
counted: 1061208
all 200 rows: 1048576 X-SPARQL-MaxRows: 1048576
LIMIT 1100000 200 rows: 1048576 X-SPARQL-MaxRows: 1048576
LIMIT 1000 OFFSET 1048576 200 rows: 1000 X-SPARQL-MaxRows: None
SEEN
echo "as described"
