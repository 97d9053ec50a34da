#!/usr/bin/env bash
# A client of Virtuoso 7.2.5 (Debian 12) can send a time limit with a query (`timeout=`, in milliseconds). When it is reached, the
# answer is a well-formed result with the status 200: the counts are those of the data that had been read until then, also within
# a query that computes with them, and COUNT(DISTINCT …) has no row. The body of JSON or CSV says nothing; only a header
# does, `X-SQL-State: S1TAT` (the manual calls it an anytime query). A client that sends a limit so that a query ends with an
# error has to check this header before it believes a count.
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
from endpoint import put, reply, rows

SIZE, GROUPS = 400, 5
put("urn:towns", "".join(f"<urn:town{number}> <urn:in> <urn:country{number % GROUPS}> .\n" for number in range(SIZE)))
ALL = "{ ?town <urn:in> ?country . ?b <urn:in> ?d . ?e <urn:in> ?f . ?g <urn:in> ?h }"
for form in ("text/csv", "application/sparql-results+json"):
    query = f"SELECT ?country (COUNT(*) AS ?n) FROM <urn:towns> {ALL} GROUP BY ?country"
    status, headers, _ = reply(query, form, timeout=1000)
    print(form, status, "X-SQL-State:", headers["X-SQL-State"])
counts = [int(count) for _, count in rows(query, timeout=1000)]
print("all counts of groups too low:", all(count < SIZE**4 // GROUPS for count in counts))
status, headers, body = reply(
    f"SELECT (IF(?n = {SIZE**4}, 'yes', 'no') AS ?all) FROM <urn:towns> {{ {{ SELECT (COUNT(*) AS ?n) {ALL} }} }}", timeout=1000
)
_, _, distinct = reply(f"SELECT (COUNT(DISTINCT ?country) AS ?n) FROM <urn:towns> {ALL}", timeout=1000)
print("distinct:", distinct.split())
print("all of them counted?", status, body.split()[1], "X-SQL-State:", headers["X-SQL-State"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
text/csv 200 X-SQL-State: S1TAT
application/sparql-results+json 200 X-SQL-State: S1TAT
all counts of groups too low: True
distinct: ['"n"']
all of them counted? 200 "no" X-SQL-State: S1TAT
SEEN
echo "as described"
