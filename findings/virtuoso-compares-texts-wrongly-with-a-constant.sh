#!/usr/bin/env bash
# In a FILTER of Virtuoso 7.2.5 (Debian 12), `?x < "C"` with a text that is not in the data is true for all plain texts of the
# data, also for "Derry", and `?x > "C"` for none; in a store with more data it was the other way round. There is no error. The
# order is right in ORDER BY, for STR(?x), and for `?x < "C"` as a column of the result. So a range of names, or of dates that are
# written as texts, has all rows or none: compare STR(?x).
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

put("urn:towns", "".join(f'<urn:{name[0]}> <urn:name> "{name}" .\n' for name in ("Cork", "Aix", "Derry", "Bath")))
PATTERN = "FROM <urn:towns> { ?s <urn:name> ?x "
for value in ('"Az"', '"C"', '"Cz"'):
    for left in ("?x", "STR(?x)"):
        found = [rows(f"SELECT ?x {PATTERN} FILTER({left} {sign} {value}) }}") for sign in "<>"]
        print(f"{left} and {value}:", *(f"{sign} {sorted(name for (name,) in names)}" for sign, names in zip("<>", found)))
print("as a column:", *sorted(rows(f'SELECT ?x (?x < "C" AS ?y) {PATTERN} }}')))
print("in order:", *(name for (name,) in rows(f"SELECT ?x {PATTERN} }} ORDER BY ?x")))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
?x and "Az": < ['Aix', 'Bath', 'Cork', 'Derry'] > []
STR(?x) and "Az": < ['Aix'] > ['Bath', 'Cork', 'Derry']
?x and "C": < ['Aix', 'Bath', 'Cork', 'Derry'] > []
STR(?x) and "C": < ['Aix', 'Bath'] > ['Cork', 'Derry']
?x and "Cz": < ['Aix', 'Bath', 'Cork', 'Derry'] > []
STR(?x) and "Cz": < ['Aix', 'Bath', 'Cork'] > ['Derry']
as a column: ['Aix', '1'] ['Bath', '1'] ['Cork', '0'] ['Derry', '0']
in order: Aix Bath Cork Derry
SEEN
echo "as described"
