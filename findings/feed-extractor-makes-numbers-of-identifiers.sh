#!/usr/bin/env bash
# The identifier of an entry, guid in RSS and id in Atom, is any text and is compared character by character. An entry in Atom may
# have two dates: published, when it appeared, and updated, when it last changed (RSS 2.0; RFC 4287, 4.2.6, 4.2.9 and 4.2.15).
# @extractus/feed-extractor 8.0.3 makes a number of each text that looks like one, and a text of the number again: "0010" and "1e1"
# become "10", the identifier of another entry, and the title "1.10" becomes "1.1". It returns updated as the date published, so
# that an entry of 1994 that was corrected yesterday is new. No error is raised. A good engineer expects the identifiers of the file
# and the date 1994, as feedparser 6.0.14 returns them. JSON feeds, and identifiers that are addresses, are read correctly, so that
# an ordinary test passes. `xmlParserOptions: { parseTagValue: false }` keeps the texts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check feedparser==6.0.14
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @extractus/feed-extractor@8.0.3 >> npm.log 2>&1
item() { echo "<item><guid isPermaLink='false'>$1</guid><title>$2</title><link>http://example.org/$1</link></item>"; }
{
  echo "<rss version='2.0'><channel><title>Cities</title><link>http://example.org/</link><description>News</description>"
  item "urn:bath" "Bath"; item "10" "Beppu"; item "0010" "Aix"; item "1e1" "Release 1.10"; item "agreement" "1.10"
  echo "</channel></rss>"
} > rss.xml
cat > atom.xml <<'XML'
<feed xmlns="http://www.w3.org/2005/Atom"><title>Cities</title><id>urn:cities</id><updated>2024-01-01T00:00:00Z</updated>
  <entry><id>0010</id><title>Bath</title><link href="http://example.org/bath"/>
    <published>1994-05-23T10:00:00Z</published><updated>2024-01-01T00:00:00Z</updated></entry>
</feed>
XML
cat > read.mjs <<'JS'
import fs from "node:fs";
import { extractFromXml } from "@extractus/feed-extractor";

for (const file of ["rss.xml", "atom.xml"]) {
  for (const xmlParserOptions of [{}, { parseTagValue: false }]) {
    for (const { id, title, published } of extractFromXml(fs.readFileSync(file, "utf8"), { xmlParserOptions }).entries) {
      console.log(`feed-extractor${"parseTagValue" in xmlParserOptions ? " with the option" : ""}: ${id}, ${title} ${published ?? ""}`.trim());
    }
  }
}
JS
cat > read.py <<'PY'
import feedparser

for file in ("rss.xml", "atom.xml"):
    for entry in feedparser.parse(file).entries:
        print(f"feedparser: {entry.id}, {entry.title} {entry.get('published', '')}".strip())
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
feed-extractor: urn:bath, Bath
feed-extractor: 10, Beppu
feed-extractor: 10, Aix
feed-extractor: 10, Release 1.10
feed-extractor: agreement, 1.1
feed-extractor with the option: urn:bath, Bath
feed-extractor with the option: 10, Beppu
feed-extractor with the option: 0010, Aix
feed-extractor with the option: 1e1, Release 1.10
feed-extractor with the option: agreement, 1.10
feed-extractor: 10, Bath 2024-01-01T00:00:00.000Z
feed-extractor with the option: 0010, Bath 2024-01-01T00:00:00.000Z
feedparser: urn:bath, Bath
feedparser: 10, Beppu
feedparser: 0010, Aix
feedparser: 1e1, Release 1.10
feedparser: agreement, 1.10
feedparser: 0010, Bath 1994-05-23T10:00:00Z
SEEN
echo "as described"
