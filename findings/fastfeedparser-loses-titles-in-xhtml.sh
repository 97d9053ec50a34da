#!/usr/bin/env bash
# A title in Atom may be XHTML (RFC 4287, 3.1.1.3). fastfeedparser 0.6.5 reads such a title as "". It does read XHTML in content,
# with the element of the feed around it. Of two authors it keeps the first, also in the list "authors". Links stay relative,
# although the feed has an xml:base. An entry without a date of publication gets the date of its update. No error is raised. A
# good engineer expects the words of the title, all authors, addresses that can be opened, and no date that nobody wrote:
# feedparser 6.0.14 reads the same feed so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fastfeedparser==0.6.5 feedparser==6.0.14
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import fastfeedparser
import feedparser

FEED = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://city.example/feeds/">
  <id>tag:city.example,2026:feed</id><title>Partners</title><updated>2026-01-02T03:04:05Z</updated>
  <entry>
    <id>tag:city.example,2026:1</id><link href="1.html"/><updated>2026-01-02T03:04:05Z</updated>
    <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Izmir <em>and</em> Baku</div></title>
    <author><name>Ada</name></author><author><name>Ben</name></author>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Signed</p></div></content>
  </entry>
</feed>"""
for reader in (fastfeedparser, feedparser):
    entry = reader.parse(FEED).entries[0]
    print(reader.__name__)
    print("  title:", repr(entry["title"]))
    print("  link:", entry["link"])
    print("  authors:", *(author["name"] for author in entry["authors"]))
    print("  published:", entry.get("published"))
    print("  content:", entry["content"][0]["value"].strip())
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
fastfeedparser
  title: ''
  link: 1.html
  authors: Ada
  published: 2026-01-02T03:04:05+00:00
  content: <content xmlns="http://www.w3.org/2005/Atom" type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Signed</p></div></content>
feedparser
  title: 'Izmir <em>and</em> Baku'
  link: https://city.example/feeds/1.html
  authors: Ada Ben
  published: None
  content: <p>Signed</p>
SEEN
echo "as described"
