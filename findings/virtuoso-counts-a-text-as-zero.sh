#!/usr/bin/env bash
# SPARQL 1.1 (17.3, 18.5.1) has no order between numbers and texts, and no sum of them: `?x > 1` and `?x + 1` are errors for
# a text, a FILTER drops the row, and a SUM with a text has no value. In the data of Virtuoso 7.2.5 (Debian 12), each text
# is greater than each number, so that `?x > 9` returns "3"@en and "unknown", and `?x + 1`, SUM and AVG count a text as 0, also
# "10". Of constants, a comparison is false and a sum has no value. MAX without GROUP BY is 0 as soon as a text is the greatest
# value (in a store with more data, some other text), and MIN of texts alone has no value; with GROUP BY, or of STR(?x), both
# find a text. So one text among the numbers changes all of these results without an error, and MAX of names is 0.
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

put("urn:towns", """
<urn:a> <urn:ties> 2 ; <urn:name> "Bath" . <urn:b> <urn:ties> "10" ; <urn:name> "Aix" .
<urn:c> <urn:ties> "3"@en ; <urn:name> "Cork" . <urn:d> <urn:ties> "unknown" ; <urn:name> "Derry" .
""")
print("of constants:", *rows('SELECT ("10" > 9 AS ?greater) ("10" + 1 AS ?sum) {}'))
for condition in ("?x > 1", "?x > 9", "?x < 9", "?x = 10"):
    found = rows(f"SELECT ?x FROM <urn:towns> {{ ?s <urn:ties> ?x FILTER({condition}) }}")
    print(f"{condition}:", *sorted(value for (value,) in found))
print("?x, ?x + 1:", *sorted(rows("SELECT ?x (?x + 1 AS ?y) FROM <urn:towns> { ?s <urn:ties> ?x }")))
for aggregate in ("SUM(?x)", "AVG(?x)", "MAX(?x)", "MIN(?x)", "MAX(STR(?x))"):
    for name in ("ties", "name"):
        if name == "ties" or "M" == aggregate[0]:
            plain = rows(f"SELECT ({aggregate} AS ?y) FROM <urn:towns> {{ ?s <urn:{name}> ?x }}")
            grouped = rows(f"SELECT ({aggregate} AS ?y) FROM <urn:towns> {{ ?s ?p ?x FILTER(?p = <urn:{name}>) }} GROUP BY ?p")
            print(f"{aggregate} of {name}:", *plain[0] or ["no value"], "grouped:", *grouped[0] or ["no value"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
of constants: ['0', '']
?x > 1: 10 2 3 unknown
?x > 9: 10 3 unknown
?x < 9: 2
?x = 10:
?x, ?x + 1: ['10', '1'] ['2', '3'] ['3', '1'] ['unknown', '1']
SUM(?x) of ties: 2 grouped: 2
AVG(?x) of ties: 0.5 grouped: 0.5
MAX(?x) of ties: 0 grouped: unknown
MAX(?x) of name: 0 grouped: Derry
MIN(?x) of ties: 2 grouped: 2
MIN(?x) of name: no value grouped: Aix
MAX(STR(?x)) of ties: unknown grouped: unknown
MAX(STR(?x)) of name: Derry grouped: Derry
SEEN
echo "as described"
