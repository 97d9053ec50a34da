#!/usr/bin/env bash
# flexidate 1.4 reads the month of an ISO date as the day where both are possible: "1994-05-03" is 5 March, so that the text of a
# date, read again, is another day. It reads the eras BC and AD, but moves years before 100 to our time: "44 BC" becomes the year
# -2044, "AD 79" becomes 1979. No error is raised, and no qualifier is set. as_float() promises the year as the integer part, and
# adds twelfths from the first month on: the end of December 1994 is in the year 1995, and sorts after a date that is only
# "1995". A good engineer expects ISO 8601's order, the year that is written, and floats that order dates.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check flexidate==1.4 python-dateutil==2.9.0.post0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import flexidate

for text in ("1994-05-03", "1994-05-23", "44 BC", "752 BC", "AD 79", "0079"):
    date = flexidate.parse(text)
    print(f"{text}: {date}, qualifier {date.qualifier!r}")
third_of_may = flexidate.FlexiDate(1994, 5, 3)
print(third_of_may, "read again:", flexidate.parse(str(third_of_may)))
print("1994-12-31 in the year", int(flexidate.parse("1994-12-31").as_float()))
print("in order:", *sorted(("1994-12-31", "1995"), key=lambda text: flexidate.parse(text).as_float()))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1994-05-03: 1994-03-05, qualifier ''
1994-05-23: 1994-05-23, qualifier ''
44 BC: -2044, qualifier ''
752 BC: -0752, qualifier ''
AD 79: 1979, qualifier ''
0079: 0079, qualifier ''
1994-05-03 read again: 1994-03-05
1994-12-31 in the year 1995
in order: 1995 1994-12-31
SEEN
echo "as described"
