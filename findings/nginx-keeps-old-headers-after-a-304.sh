#!/usr/bin/env bash
# A 304 (Not Modified) may carry headers, and RFC 9111, section 4.3.4, has a cache replace those of its stored response by them.
# nginx 1.22.1 (Debian 12) with `proxy_cache_revalidate on` counts the stored response as fresh again and keeps all of its
# old headers. A `Link` to the newest version of a page, a longer `max-age` or a `Deprecation` that the server adds to its 304 never
# reaches a reader, as long as the entity-tag stays. So the entity-tag must change with every header on which a reader relies.
# The second response below was revalidated (the server counted it), and yet the reader gets the first `Link`.
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
    count = 0

    def do_GET(self):
        Page.count += 1
        known = self.headers.get("If-None-Match") == '"page"'
        self.send_response(304 if known else 200)
        self.send_header("ETag", '"page"')
        self.send_header("Cache-Control", "max-age=1")
        self.send_header("Link", f'</releases/{Page.count}>; rel="latest-version"')
        self.send_header("X-Asked", "with a condition" if known else "without")
        if not known:
            self.send_header("Content-Length", "5")
        self.end_headers()
        if not known:
            self.wfile.write(b"page\n")
        print(f"request {Page.count}: {304 if known else 200}", flush=True)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Page)
with open(sys.argv[1], "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
PY
python3 "$folder/server.py" "$folder/port" > "$folder/asked" &
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
      proxy_cache_revalidate on;
      add_header X-Cache \$upstream_cache_status;
    }
  }
}
CONF
"$nginx" -v 2>&1 | sed 's/ .*version:/ version:/' > "$folder/seen"
"$nginx" -c "$folder/nginx.conf" -p "$folder" 2> "$folder/warnings"
until [ -s "$folder/nginx.pid" ]; do sleep 0.1; done
for _ in 1 2; do
  python3 - "http://127.0.0.1:$free/" >> "$folder/seen" <<'PY'
import sys
from urllib.request import urlopen

with urlopen(sys.argv[1]) as reply:
    print(reply.headers["X-Cache"], reply.headers["Link"], "asked", reply.headers["X-Asked"])
PY
  sleep 2.1
done
cat "$folder/asked" >> "$folder/seen"
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
nginx version: nginx/1.22.1
MISS </releases/1>; rel="latest-version" asked without
REVALIDATED </releases/1>; rel="latest-version" asked without
request 1: 200
request 2: 304
SEEN
echo "as described"
