#!/usr/bin/env bash
# The quotient of two integers is a decimal in SPARQL 1.1 (17.3, op:numeric-divide of XPath): 7/2 is 3.5. In Virtuoso 7.2.5
# (Debian 12) it is the integer 3, as in SQL, so that SUM/COUNT differs from AVG, and a share such as ?part/?all is 0. And a
# division by zero, an error of one row in SPARQL, which COALESCE catches, ends the whole query with 500, also in COALESCE; only
# IF avoids it.
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
from urllib.error import HTTPError
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
from urllib.error import HTTPError

from endpoint import put, rows

put("urn:a", "<urn:a> <urn:ties> 7 ; <urn:all> 10 . <urn:b> <urn:ties> 2 ; <urn:all> 0 . <urn:c> <urn:ties> 1 ; <urn:all> 3 .")
for value in ("7/2", "-7/2", "1.0*7/2", "xsd:decimal(7)/2"):
    print(value, *rows(f"SELECT ({value} AS ?x) {{}}")[0])
print("AVG, SUM/COUNT:", *rows("SELECT (AVG(?n) AS ?x) (SUM(?n)/COUNT(?n) AS ?y) FROM <urn:a> { ?s <urn:ties> ?n }")[0])
for share in ("?n/?all", "COALESCE(?n/?all, 'none')", "IF(?all = 0, 'none', 1.0*?n/?all)"):
    try:
        print(share, *sorted(rows(f"SELECT ?n ({share} AS ?x) FROM <urn:a> {{ ?s <urn:ties> ?n ; <urn:all> ?all }}")))
    except HTTPError as error:
        print(share, error.code, *error.read().decode().split()[1:7])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
7/2 3
-7/2 -3
1.0*7/2 3.5
xsd:decimal(7)/2 3.5
AVG, SUM/COUNT: 3.333333333333333 3
?n/?all 500 22012 Error SR084: Division by 0.
COALESCE(?n/?all, 'none') 500 22012 Error SR084: Division by 0.
IF(?all = 0, 'none', 1.0*?n/?all) ['1', '0.333333333333333'] ['2', 'none'] ['7', '0.7']
SEEN
echo "as described"
