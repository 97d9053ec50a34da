#!/usr/bin/env bash
# In a Link header, addresses are in angle brackets, parameters may be quoted, one `rel` may list several relations, and several
# links may have the same relation (RFC 8288, 3). The `links` property of a response in requests 2.34.2, and in httpx 0.28.1,
# which parses in the same way, splits the header at each semicolon: an address that contains one is cut there, and after a title
# that contains one the relation is lost. Links are stored by the text of `rel`, so that only the last of several mementos
# remains, and "original timegate" (RFC 7089) is found under neither relation. No error is raised. A good engineer expects all
# links of the header with their parameters. A program that reads Link headers of linked data needs a parser of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 requests==2.34.2
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import httpx
import requests

HEADERS = (
    '<https://example.org/bath;version=3>; rel="memento"',
    '<https://example.org/bath>; title="Bath; the twin of Aix"; rel="alternate"',
    '<https://example.org/timegate/bath>; rel="original timegate"',
    '<https://example.org/2019>; rel="first memento", <https://example.org/2020>; rel="memento", '
    '<https://example.org/2021>; rel="memento"',
)
for header in HEADERS:
    response = requests.Response()
    response.headers["Link"] = header
    assert httpx.Response(200, headers={"Link": header}).links == response.links
    print(header)
    for relation, link in response.links.items():
        print(f"  {relation}: {link}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
<https://example.org/bath;version=3>; rel="memento"
  memento: {'url': 'https://example.org/bath', 'version': '3>', 'rel': 'memento'}
<https://example.org/bath>; title="Bath; the twin of Aix"; rel="alternate"
  https://example.org/bath: {'url': 'https://example.org/bath', 'title': 'Bath'}
<https://example.org/timegate/bath>; rel="original timegate"
  original timegate: {'url': 'https://example.org/timegate/bath', 'rel': 'original timegate'}
<https://example.org/2019>; rel="first memento", <https://example.org/2020>; rel="memento", <https://example.org/2021>; rel="memento"
  first memento: {'url': 'https://example.org/2019', 'rel': 'first memento'}
  memento: {'url': 'https://example.org/2021', 'rel': 'memento'}
SEEN
echo "as described"
