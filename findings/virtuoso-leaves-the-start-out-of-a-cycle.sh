#!/usr/bin/env bash
# `?x ex:p+ ?y` connects two terms by one or more steps (SPARQL 1.1, 9.1 and 18.4), so that a term in a cycle is connected
# with itself. Virtuoso 7.2.5 (Debian 12) leaves the start out, from both ends, without an error; rdflib 7.6.0 and pyoxigraph
# 0.5.13 return it. So `+` cannot answer whether a term is in a cycle. `ex:p/ex:p*` finds the start in all three.
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
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rdflib==7.6.0 pyoxigraph==0.5.13
"$virtuoso" '-?' 2>&1 | grep -o -m 1 'Version 7[.0-9]*' > "$folder/seen" || true
PYTHONPATH=$folder "$folder/venv/bin/python" - "$port" <<'PY' >> "$folder/seen"
import pyoxigraph
import rdflib
from endpoint import put, rows

DATA = "<urn:a> <urn:next> <urn:b> . <urn:b> <urn:next> <urn:c> . <urn:c> <urn:next> <urn:a> .\n"
PATTERNS = (
    "<urn:a> <urn:next>+ ?x",
    "?x <urn:next>+ <urn:a>",
    "<urn:a> <urn:next>+ <urn:a> BIND('found' AS ?x)",
    "<urn:a> <urn:next>/<urn:next>* ?x",
)
put("urn:ring", DATA)
graph = rdflib.Graph().parse(data=DATA, format="turtle")
store = pyoxigraph.Store()
store.load(DATA, format=pyoxigraph.RdfFormat.TURTLE)
for pattern in PATTERNS:
    query = f"SELECT DISTINCT ?x {{ {pattern} }}"
    print(pattern)
    print("  Virtuoso:", *sorted(value for (value,) in rows(query.replace("{", "FROM <urn:ring> {"))))
    print("  rdflib:", *sorted(str(row[0]) for row in graph.query(query)))
    print("  oxigraph:", *sorted(row["x"].value for row in store.query(query)))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
<urn:a> <urn:next>+ ?x
  Virtuoso: urn:b urn:c
  rdflib: urn:a urn:b urn:c
  oxigraph: urn:a urn:b urn:c
?x <urn:next>+ <urn:a>
  Virtuoso: urn:b urn:c
  rdflib: urn:a urn:b urn:c
  oxigraph: urn:a urn:b urn:c
<urn:a> <urn:next>+ <urn:a> BIND('found' AS ?x)
  Virtuoso:
  rdflib: found
  oxigraph: found
<urn:a> <urn:next>/<urn:next>* ?x
  Virtuoso: urn:a urn:b urn:c
  rdflib: urn:a urn:b urn:c
  oxigraph: urn:a urn:b urn:c
SEEN
echo "as described"
