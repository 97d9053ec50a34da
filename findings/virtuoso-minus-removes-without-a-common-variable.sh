#!/usr/bin/env bash
# MINUS removes a solution that agrees with one of its pattern in at least one variable that both bind. Without a common variable
# it removes nothing, and in this it differs from FILTER NOT EXISTS (SPARQL 1.1, 8.3.1 and 8.3.2). In Virtuoso 7.2.5 (Debian 12)
# it does not differ: if the pattern has any solution, all rows are removed.
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
"$virtuoso" '-?' 2>&1 | grep -o -m 1 'Version 7[.0-9]*' > "$folder/seen" || true
PYTHONPATH=$folder python3 - "$port" <<'PY' >> "$folder/seen"
from endpoint import put, rows

put("urn:towns", '<urn:a> <urn:name> "Aix" ; <urn:twin> <urn:b> . <urn:b> <urn:name> "Bath" .')
CONDITIONS = (
    "MINUS { ?s <urn:twin> ?t }",
    "MINUS { ?x <urn:twin> ?y }",
    "MINUS { <urn:a> <urn:twin> <urn:b> }",
    "MINUS { ?x <urn:none> ?y }",
    "FILTER NOT EXISTS { ?x <urn:twin> ?y }",
)
for condition in CONDITIONS:
    found = rows(f"SELECT ?n FROM <urn:towns> {{ ?s <urn:name> ?n {condition} }}")
    print(f"{condition} leaves", *sorted(name for (name,) in found) or ["nothing"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
MINUS { ?s <urn:twin> ?t } leaves Bath
MINUS { ?x <urn:twin> ?y } leaves nothing
MINUS { <urn:a> <urn:twin> <urn:b> } leaves nothing
MINUS { ?x <urn:none> ?y } leaves Aix Bath
FILTER NOT EXISTS { ?x <urn:twin> ?y } leaves nothing
SEEN
echo "as described"
