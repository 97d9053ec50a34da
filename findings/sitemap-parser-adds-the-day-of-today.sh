#!/usr/bin/env bash
# The lastmod of a sitemap is a date in the W3C format, which may be only a year or a month (2008, 2008-07).
# ultimate-sitemap-parser 1.8.1 fills the missing parts with the current month and day: the same page gets another date each day
# on which the sitemap is read. No error is raised. A good engineer expects the first day of the year or month, or the precision
# that the site stated. Full dates are read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ultimate-sitemap-parser==1.8.1
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from datetime import date

from usp.tree import sitemap_from_str

DATES = ("2008", "2008-07", "2008-07-16", "2008-07-16T19:20:30+01:00")
pages = "".join(f"<url><loc>https://example.org/{i}</loc><lastmod>{text}</lastmod></url>" for i, text in enumerate(DATES))
sitemap = f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>'
days = [date.today()]
found = {page.url: page.last_modified.date().isoformat() for page in sitemap_from_str(sitemap).all_pages()}
days.append(date.today())
for i, text in enumerate(DATES):
    read = found[f"https://example.org/{i}"]
    missing = 10 - len(text[:10])
    if missing and read in (text + day.isoformat()[-missing:] for day in days):
        read = text + "-MM-DD"[-missing:] + " of today"
    print(f"{text} is read as {read}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
2008 is read as 2008-MM-DD of today
2008-07 is read as 2008-07-DD of today
2008-07-16 is read as 2008-07-16
2008-07-16T19:20:30+01:00 is read as 2008-07-16
SEEN
echo "as described"
