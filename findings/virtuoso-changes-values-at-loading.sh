#!/usr/bin/env bash
# A store may change the spelling of a literal, but should keep its value and datatype. Virtuoso 7.2.5 (Debian 12) changes them
# without an error, and differently by the two ways of loading. By the Graph Store Protocol, an integer over 31 bits becomes a
# decimal, and a duration a number of months or seconds that keeps the datatype. By INSERT DATA, an integer over 64 bits becomes
# another one, negative here, and a duration of years is refused. By both, a decimal is rounded to 15 places and a float to 6
# digits, a year before 1 loses a digit that its datatype requires, and a WKT literal gets another datatype and coordinates in
# single precision (a place moves by less than a metre). Compare what was loaded with the data before they are trusted.
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
from urllib.request import Request

from endpoint import BASE, opener, put, rows

XSD = "http://www.w3.org/2001/XMLSchema#"
LITERALS = (
    ("2147483647", f"{XSD}integer"),
    ("2147483648", f"{XSD}integer"),
    ("9223372036854775808", f"{XSD}integer"),
    ("0.1234567890123456", f"{XSD}decimal"),
    ("16777216", f"{XSD}float"),
    ("P40Y", f"{XSD}duration"),
    ("P1DT12H", f"{XSD}dayTimeDuration"),
    ("-0044-03-15", f"{XSD}date"),
    ("POINT(27.1 38.4)", "http://www.opengis.net/ont/geosparql#wktLiteral"),
)


def insert(graph, turtle):
    request = Request(f"{BASE}/sparql-auth", f"INSERT DATA {{ GRAPH <{graph}> {{ {turtle} }} }}".encode())
    request.add_header("Content-Type", "application/sparql-update")
    opener.open(request).close()


for number, (text, datatype) in enumerate(LITERALS):
    print(text, datatype.rpartition("#")[2])
    for name, load in (("put", put), ("insert", insert)):
        graph = f"urn:{name}{number}"
        try:
            load(graph, f'<urn:s> <urn:p> "{text}"^^<{datatype}> .')
            value, found = rows(f"SELECT ?x (DATATYPE(?x) AS ?type) FROM <{graph}> {{ ?s ?p ?x }}")[0]
            print(f"  {name}:", value, found.rpartition("#")[2])
        except HTTPError as error:
            print(f"  {name}:", error.code, *error.read().decode().split()[1:4])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
2147483647 integer
  put: 2147483647 integer
  insert: 2147483647 integer
2147483648 integer
  put: 2147483648 decimal
  insert: 2147483648 integer
9223372036854775808 integer
  put: 9223372036854775808 decimal
  insert: -9223372036854775808 integer
0.1234567890123456 decimal
  put: 0.123456789012346 decimal
  insert: 0.123456789012346 decimal
16777216 float
  put: 1.67772e+07 float
  insert: 1.67772e+07 float
P40Y duration
  put: 480 duration
  insert: 500 22023 Error SR553:
P1DT12H dayTimeDuration
  put: 129600.0 dayTimeDuration
  insert: PT129600S dayTimeDuration
-0044-03-15 date
  put: -044-03-15 date
  insert: -044-03-15 date
POINT(27.1 38.4) wktLiteral
  put: POINT(27.10000038147 38.400001525879) Geometry
  insert: POINT(27.10000038147 38.400001525879) Geometry
SEEN
echo "as described"
