#!/usr/bin/env bash
# MD5 and SHA1 of SPARQL 1.1 (17.4.6) hash the bytes of a text in UTF-8. Virtuoso 7.2.5 (Debian 12) encodes a text of the data
# twice: the bytes of UTF-8 are read as Latin-1 and encoded again, so that the hash of "Bakü" is another one than that of any
# other program, and than its own for the same text as a constant. ENCODE_FOR_URI leaves letters of Latin-1 as they are,
# encodes others, and adds %00 to such a constant. For ASCII all of these are right.
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
import hashlib

from endpoint import put, rows

put("urn:towns", '<urn:a> <urn:name> "Aix" . <urn:b> <urn:name> "Bakü" . <urn:c> <urn:name> "Łódź" .')
for function in ("MD5", "SHA1"):
    for name, value in sorted(rows(f"SELECT ?x ({function}(?x) AS ?y) FROM <urn:towns> {{ ?s ?p ?x }}")):
        texts = (name, name.encode().decode("latin-1"))
        once, twice = (hashlib.new(function, text.encode()).hexdigest() for text in texts)
        constant = rows(f'SELECT ({function}("{name}") AS ?x) {{}}')[0][0]
        print(function, name, "once:", value == once, "twice:", value == twice, "as a constant once:", constant == once)
for name, value in sorted(rows("SELECT ?x (ENCODE_FOR_URI(?x) AS ?y) FROM <urn:towns> { ?s ?p ?x }")):
    print(name, "in an address:", value, *rows(f'SELECT (ENCODE_FOR_URI("{name}") AS ?x) {{}}')[0])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Version 7.2.5.3229
MD5 Aix once: True twice: True as a constant once: True
MD5 Bakü once: False twice: True as a constant once: True
MD5 Łódź once: False twice: True as a constant once: True
SHA1 Aix once: True twice: True as a constant once: True
SHA1 Bakü once: False twice: True as a constant once: True
SHA1 Łódź once: False twice: True as a constant once: True
Aix in an address: Aix Aix
Bakü in an address: Bakü Bakü%00
Łódź in an address: %C5%81ód%C5%BA %C5%81ód%C5%BA%00
SEEN
echo "as described"
