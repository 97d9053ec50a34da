#!/usr/bin/env bash
# Vary may come in several lines, which mean the same as one line with commas (RFC 9110, 5.2 and 12.5.5). nginx 1.22.1 (Debian 12)
# uses only the last line for the key of its cache: if an application adds `Vary: Accept` and middleware adds `Vary:
# Accept-Language`, a client that asks for Turtle gets the stored page in HTML. In one line, both are respected. A response whose
# Vary has more than 128 characters is never stored; content negotiation, datetime negotiation and CORS together come near this
# length. A good engineer expects that the lines are joined, and that a longer one is stored or reported.
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

LONG = (
    "Accept, Accept-Language, Accept-Datetime, Accept-Profile, Accept-Encoding, Prefer, Origin, "
    "Access-Control-Request-Method, "
)
VARY = {
    "/joined": ["Accept, Accept-Language"],
    "/lines": ["Accept", "Accept-Language"],
    "/128": [LONG + "Cookie"],
    "/129": [LONG + "Referer"],
}


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        for vary in VARY[self.path]:
            self.send_header("Vary", vary)
        self.send_header("Cache-Control", "max-age=60")
        self.end_headers()
        self.wfile.write(self.headers["Accept"].encode())

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
import urllib.request

for path in ("/joined", "/lines", "/128", "/129"):
    for accept in ("text/html", "text/turtle", "text/turtle"):
        request = urllib.request.Request(sys.argv[1] + path, headers={"Accept": accept, "Accept-Language": "tr"})
        with urllib.request.urlopen(request) as response:
            print(f"{path}: wants {accept}, gets {response.read().decode()} ({response.headers['X-Cache']})")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
nginx/1.22.1
/joined: wants text/html, gets text/html (MISS)
/joined: wants text/turtle, gets text/turtle (MISS)
/joined: wants text/turtle, gets text/turtle (HIT)
/lines: wants text/html, gets text/html (MISS)
/lines: wants text/turtle, gets text/html (HIT)
/lines: wants text/turtle, gets text/html (HIT)
/128: wants text/html, gets text/html (MISS)
/128: wants text/turtle, gets text/turtle (MISS)
/128: wants text/turtle, gets text/turtle (HIT)
/129: wants text/html, gets text/html (MISS)
/129: wants text/turtle, gets text/turtle (MISS)
/129: wants text/turtle, gets text/turtle (MISS)
SEEN
echo "as described"
