#!/usr/bin/env bash
# A server must not send Transfer-Encoding in the response to a request of HTTP/1.0 (RFC 9112, 6.1): such a client reads until the
# connection ends. uvicorn 0.54.0 does so with its faster parser, which it chooses by itself if httptools 0.9.0 is installed: a
# response without Content-Length arrives in chunks, and their lengths become a part of the page. With h11 0.16.0 the same
# application sends the plain body and closes the connection. Set a Content-Length, or `--http h11`, for such clients.
set -euo pipefail
folder=$(mktemp -d)
trap '[ -z "${server:-}" ] || kill "$server"; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 h11==0.16.0
cat > "$folder/page.py" <<'PY'
async def page(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for word in (b"first ", b"second "):
            await send({"type": "http.response.body", "body": word, "more_body": True})
        await send({"type": "http.response.body", "body": b"last"})
PY
cat > "$folder/client.py" <<'PY'
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    reply = b"".join(iter(lambda: connection.recv(4096), b""))
head, _, body = reply.partition(b"\r\n\r\n")
names = [line.split(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:]]
print(sys.argv[2], "transfer-encoding" in names, body)
PY
for parser in auto httptools h11; do
  free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$folder/venv/bin/uvicorn" --app-dir "$folder" --port "$free" --http "$parser" page:page > "$folder/log" 2>&1 &
  server=$!
  until grep -qs "Uvicorn running" "$folder/log"; do kill -0 "$server"; sleep 0.1; done
  python3 "$folder/client.py" "$free" "$parser" >> "$folder/seen"
  kill "$server"
  wait "$server" || true
  server=
done
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
auto True b'6\r\nfirst \r\n7\r\nsecond \r\n4\r\nlast\r\n0\r\n\r\n'
httptools True b'6\r\nfirst \r\n7\r\nsecond \r\n4\r\nlast\r\n0\r\n\r\n'
h11 False b'first second last'
SEEN
echo "as described"
