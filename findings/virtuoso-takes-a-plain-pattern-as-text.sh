#!/usr/bin/env bash
# REGEX of Virtuoso 7.2.5 (Debian 12) searches a pattern as if it were plain text if its only special characters are `|`, `{`
# and `}` (and `^` or `$` at its ends): "men|mn" finds none of the two words, and "me{1}n" only texts with these very
# characters. There is no error. With the flag "i", in parentheses, or with another special character such as a dot or `[`,
# the same pattern is evaluated as one, as SPARQL 1.1 (17.4.3.14) requires; and REPLACE always evaluates it so. A search for one of
# several words thus finds nothing, until it is made insensitive to case.
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

WORDS = ("men", "mn", "meen", "me{1}n", "men|mn")
put("urn:words", "".join(f'<urn:word{number}> <urn:text> "{word}" .\n' for number, word in enumerate(WORDS)))
for pattern in ("men|mn", "(men|mn)", "^men|mn$", "me{1}n", "m[e]{1}n", "me{2}n", "^me{1,2}n$", "m.{1}n"):
    for rest in ("", ', "i"'):
        found = rows(f'SELECT ?x FROM <urn:words> {{ ?s <urn:text> ?x FILTER(REGEX(?x, "{pattern}"{rest})) }}')
        print(f'"{pattern}"{rest} finds', *sorted(word for (word,) in found) or ["nothing"])
print("REPLACE:", *rows('SELECT (REPLACE("men", "men|mn", "found") AS ?x) {}')[0])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
"men|mn" finds men|mn
"men|mn", "i" finds men men|mn mn
"(men|mn)" finds men men|mn mn
"(men|mn)", "i" finds men men|mn mn
"^men|mn$" finds men|mn
"^men|mn$", "i" finds men men|mn mn
"me{1}n" finds me{1}n
"me{1}n", "i" finds men men|mn
"m[e]{1}n" finds men men|mn
"m[e]{1}n", "i" finds men men|mn
"me{2}n" finds nothing
"me{2}n", "i" finds meen
"^me{1,2}n$" finds nothing
"^me{1,2}n$", "i" finds meen men
"m.{1}n" finds men men|mn
"m.{1}n", "i" finds men men|mn
REPLACE: found
SEEN
echo "as described"
