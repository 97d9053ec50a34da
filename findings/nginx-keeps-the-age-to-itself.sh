#!/usr/bin/env bash
# A cache that returns a stored response without validation must state its age in the Age header (RFC 9111, 5.1), so that
# `max-age` counts from the origin. nginx 1.22.1 (Debian 12) adds no Age and passes Cache-Control on unchanged. A response that
# nginx stored almost `max-age` ago therefore counts as fresh for another whole `max-age` in the reader's cache. It also ignores
# an Age that it receives: an upstream response whose Age exceeds its max-age is stored as fresh, and the old Age is repeated. A
# good engineer expects that max-age limits the age of a page for every reader. A server behind nginx can send a shorter max-age.
set -euo pipefail
folder=$(mktemp -d)
chmod 755 "$folder"  # the workers of nginx are another user
trap '[ ! -f "$folder/nginx.pid" ] || kill "$(cat "$folder/nginx.pid")"; [ -z "${server:-}" ] || kill "$server"; rm -rf "$folder"' EXIT
nginx=$(command -v nginx || true)
if [ -z "$nginx" ]; then
  (cd "$folder" && apt-get download --quiet nginx > /dev/null && dpkg-deb -x nginx_*.deb .)
  nginx=$folder/usr/sbin/nginx
fi
cat > "$folder/server.py" <<'PY'
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=60")
        if self.path == "/aged":
            self.send_header("Age", "61")
        self.end_headers()
        self.wfile.write(b"page")

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Page)
with open(sys.argv[1], "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
PY
python3 "$folder/server.py" "$folder/port" &
server=$!
until [ -s "$folder/port" ]; do sleep 0.1; done
free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$folder/nginx.conf" <<CONF
pid $folder/nginx.pid;
error_log $folder/error.log;
events {}
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  proxy_cache_path $folder/cache keys_zone=pages:1m;
  server {
    listen 127.0.0.1:$free;
    location / {
      proxy_pass http://127.0.0.1:$(cat "$folder/port");
      proxy_cache pages;
      add_header X-Cache \$upstream_cache_status;
    }
  }
}
CONF
"$nginx" -c "$folder/nginx.conf" 2> "$folder/started"
"$nginx" -v 2>&1 | grep -o 'nginx/.*' > "$folder/seen"
python3 - "http://127.0.0.1:$free" >> "$folder/seen" <<'PY'
import sys
import time
import urllib.request

for path in ("/new", "/aged"):
    for _ in range(2):
        with urllib.request.urlopen(sys.argv[1] + path) as response:
            headers = response.headers
            print(f"{path}: {headers['X-Cache']}, Cache-Control: {headers['Cache-Control']}, Age: {headers['Age']}")
        time.sleep(2)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
nginx/1.22.1
/new: MISS, Cache-Control: max-age=60, Age: None
/new: HIT, Cache-Control: max-age=60, Age: None
/aged: MISS, Cache-Control: max-age=60, Age: 61
/aged: HIT, Cache-Control: max-age=60, Age: 61
SEEN
echo "as described"
