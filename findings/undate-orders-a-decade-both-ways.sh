#!/usr/bin/env bash
# undate 0.8.0 compares dates that are partly unknown. A year and the decade that contains it have no order. For a year and one of
# its months, undate raises NotImplementedError. For a decade it returns a result: 1985 is later than 198X, and 198X is later than
# 1985. Sorting, which needs one consistent order, then depends on the order of the input. A good engineer expects False for both,
# or the error. Writing also changes what was read from EDTF: the qualifier of an uncertain or approximate year (1985?, 1985~) is
# lost, and the year -0044 becomes 0-44, which is not EDTF.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check undate==0.8.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from undate import Undate


def read(text):
    return Undate.parse(text, "EDTF")


def later(first, second):
    try:
        return read(first) > read(second)
    except NotImplementedError:
        return "NotImplementedError"


for first, second in (("1986", "1985"), ("1985-04", "1985"), ("1985", "198X"), ("198X", "1985")):
    print(f"{first} > {second}: {later(first, second)}")
for years in (["1985", "198X", "1984"], ["198X", "1985", "1984"]):
    print(years, "sorted:", *(date.format("EDTF") for date in sorted(map(read, years))))
for text in ("198X", "1985?", "1985~", "-0044"):
    print(f"{text} is written as {read(text).format('EDTF')}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1986 > 1985: True
1985-04 > 1985: NotImplementedError
1985 > 198X: True
198X > 1985: True
['1985', '198X', '1984'] sorted: 1985 198X 1984
['198X', '1985', '1984'] sorted: 198X 1984 1985
198X is written as 198X
1985? is written as 1985
1985~ is written as 1985
-0044 is written as 0-44
SEEN
echo "as described"
