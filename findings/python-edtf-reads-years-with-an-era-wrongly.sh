#!/usr/bin/env bash
# EDTF is a profile of ISO 8601, where the year 0000 is 1 BC, so that 44 BC is -0043, and the second quarter of a year has a code
# of its own, as in 1994-34 (EDTF, Introduction, Level 1 and Level 2). text_to_edtf of edtf 5.0.2 for Python makes EDTF of dates
# in English. It puts a minus before the year, so that 44 BC becomes 45 BC, and drops a month and a day before it. If the era
# stands first, as in AD 98, the year is 1998. The second quarter is February, and "not before 1994" is an interval that ends in
# 1994. No error is raised. A good engineer expects the year of the text, because the library knows the words for eras, or None,
# which it returns for a text that it cannot read. "98 AD" and "12 May 1851" are read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check edtf==5.0.2
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from edtf import text_to_edtf

for text in (
    "12 May 1851",
    "23 Mayıs 1994",
    "98 AD",
    "AD 98",
    "1 BC",
    "44 BC",
    "15 March 44 BC",
    "2nd millennium BC",
    "Q2 1994",
    "after 1994",
    "not before 1994",
):
    print(f"{text}: {text_to_edtf(text)}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
12 May 1851: 1851-05-12
23 Mayıs 1994: None
98 AD: 0098
AD 98: 1998
1 BC: -0001
44 BC: -0044
15 March 44 BC: -0044
2nd millennium BC: XXXX-XX-02
Q2 1994: 1994-02
after 1994: 1994/
not before 1994: /1994
SEEN
echo "as described"
