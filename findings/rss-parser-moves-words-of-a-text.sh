#!/usr/bin/env bash
# The text of an entry in Atom may be XHTML, in which elements stand between words. A link without rel is the page itself (rel is
# then "alternate"), and an entry may have several authors and categories (RFC 4287, 3.1.1.3, 4.1.2 and 4.2.7.2). rss-parser 3.13.0
# puts all words of an element first and its child elements last: "Bath <b>and</b> Beppu" becomes "Bath  Beppu<b>and</b>". A title
# in XHTML becomes an object instead of a text. As the link, it returns the first one of the entry or one that has rel="alternate":
# the address of the feed, or that of a table of data. Further authors and all categories are dropped. No error is raised. A good
# engineer expects the words in their order and the address of the page, as feedparser 6.0.14 returns them. Texts in escaped HTML
# are kept as they are, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check feedparser==6.0.14
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund rss-parser@3.13.0 >> npm.log 2>&1
cat > news.atom <<'XML'
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>News</title><id>urn:x:news</id><updated>2026-01-01T00:00:00Z</updated>
  <entry>
    <id>urn:x:1</id><updated>2026-01-01T00:00:00Z</updated>
    <author><name>City of Bath</name></author><author><name>City of Beppu</name></author>
    <category term="twins"/>
    <title type="html">Bath &lt;b>and&lt;/b> Beppu</title>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Bath <b>and</b> Beppu are <i>twins</i> now.</div></content>
    <link rel="self" href="http://example.org/news.atom"/>
    <link href="http://example.org/bath.html"/>
  </entry>
  <entry>
    <id>urn:x:2</id><updated>2026-01-01T00:00:00Z</updated>
    <author><name>City of Bath</name></author>
    <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Bath <b>and</b> Beppu</div></title>
    <content type="html">Bath &lt;b>and&lt;/b> Beppu</content>
    <link href="http://example.org/bath.html"/>
    <link rel="alternate" type="text/csv" href="http://example.org/bath.csv"/>
  </entry>
</feed>
XML
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import Parser from "rss-parser";

const { items } = await new Parser().parseString(readFileSync("news.atom", "utf8"));
for (const { title, content, contentSnippet, link, author, categories } of items) {
  console.log("rss-parser, title:", typeof title === "string" ? title : JSON.stringify(title.div[0]));
  console.log("  content:", content);
  console.log("  as plain text:", contentSnippet);
  console.log("  link:", link);
  console.log("  author:", author, "categories:", JSON.stringify(categories ?? null));
}
JS
cat > read.py <<'PY'
import feedparser

for entry in feedparser.parse("news.atom").entries:
    print("feedparser, title:", entry.title)
    print("  content:", entry.content[0].value)
    print("  link:", entry.link)
    print("  authors:", [author.name for author in entry.authors], "categories:", [tag.term for tag in entry.get("tags", [])])
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
rss-parser, title: Bath <b>and</b> Beppu
  content: <div type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Bath  Beppu are  now.<b>and</b><i>twins</i></div></div>
  as plain text: Bath  Beppu are  now.andtwins
  link: http://example.org/news.atom
  author: City of Bath categories: null
rss-parser, title: {"_":"Bath  Beppu","$":{"xmlns":"http://www.w3.org/1999/xhtml"},"b":["and"]}
  content: Bath <b>and</b> Beppu
  as plain text: Bath and Beppu
  link: http://example.org/bath.csv
  author: City of Bath categories: null
feedparser, title: Bath <b>and</b> Beppu
  content: Bath <b>and</b> Beppu are <i>twins</i> now.
  link: http://example.org/bath.html
  authors: ['City of Bath', 'City of Beppu'] categories: ['twins']
feedparser, title: Bath <b>and</b> Beppu
  content: Bath <b>and</b> Beppu
  link: http://example.org/bath.html
  authors: ['City of Bath'] categories: []
SEEN
echo "as described"
