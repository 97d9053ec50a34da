#!/usr/bin/env bash
# quickstatements-client 0.1.2 takes the year in a DateLine, "1996" or 1996, for seconds since 1970: the line for Wikidata says
# 1970, with the precision of a year. Only "1996-05" is refused. A DateQualifier has branches for hours, minutes and seconds, but
# never takes them: a datetime is also a date, for which the precision is cut to the day. The patterns of subjects and properties
# bind their ends to one alternative each: "xQ1" and "P571x" pass, whereas the languages zh-hant and mul of Wikidata are refused.
# A good engineer expects the year that is written, a datetime with its hour, and items and properties that exist.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check quickstatements-client==0.1.2 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PY' 2> "$folder/log" > "$folder/seen"
import datetime

from pydantic import ValidationError
from quickstatements_client import DateLine, DateQualifier, TextLine

for target, precision in (("1996-05-17", 11), ("1996", 9), (1996, 9), ("1996-05", 10)):
    try:
        line = DateLine(subject="Q35997", predicate="P571", target=target, precision=precision).get_line()
    except ValidationError:
        line = "refused"
    print(f"{target!r}: {line}")
signed = datetime.datetime(1996, 5, 17, 14, 30, 15)
for precision in (12, 13, 14):
    print(f"{signed} with precision {precision}:", DateQualifier.point_in_time(signed, precision=precision).target)
for subject, predicate in (("Q1", "Ltr"), ("Q1", "Lmul"), ("Q1", "Lzh-hant"), ("xQ1", "Ltr"), ("Q1", "P571x")):
    try:
        line = TextLine(subject=subject, predicate=predicate, target="Bath").get_line()
    except ValidationError:
        line = "refused"
    print(f"{subject} {predicate}: {line}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
'1996-05-17': Q35997|P571|+1996-05-17T00:00:00Z/11
'1996': Q35997|P571|+1970-00-00T00:00:00Z/9
1996: Q35997|P571|+1970-00-00T00:00:00Z/9
'1996-05': refused
1996-05-17 14:30:15 with precision 12: +1996-05-17T00:00:00Z/11
1996-05-17 14:30:15 with precision 13: +1996-05-17T00:00:00Z/11
1996-05-17 14:30:15 with precision 14: +1996-05-17T00:00:00Z/11
Q1 Ltr: Q1|Ltr|"Bath"
Q1 Lmul: refused
Q1 Lzh-hant: refused
xQ1 Ltr: xQ1|Ltr|"Bath"
Q1 P571x: Q1|P571x|"Bath"
SEEN
echo "as described"
