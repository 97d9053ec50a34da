#!/usr/bin/env bash
# In Turkish and Azerbaijani, the capital of ı is I, and that of i is İ. dateparser 1.5.0 with languages=["tr"] reads all months
# in mixed case, and those with İ in capitals (NİSAN), but not MAYIS, KASIM and ARALIK, where I stands for ı. In Azerbaijani, it
# does not read a year with its suffix, which is how dates are usually written ("1977-ci il"). The result is None. Headings of
# gazettes are in capitals, and a test with one of the other nine months passes. A good engineer expects that the language applies
# to capitals as well. Convert I and İ to small letters by the rules of the language before parsing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dateparser==1.5.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
import dateparser

MONTHS = "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık".split()


def read(text, language="tr"):
    date = dateparser.parse(text, languages=[language])
    return date and date.date().isoformat()


for month in MONTHS:
    capitals = month.replace("i", "İ").upper()
    print(f"5 {month} 1977: {read(f'5 {month} 1977')}, 5 {capitals} 1977: {read(f'5 {capitals} 1977')}")
for text in ("5 oktyabr 1977", "5 oktyabr 1977-ci il"):
    print(f"{text}: {read(text, 'az')}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
5 Ocak 1977: 1977-01-05, 5 OCAK 1977: 1977-01-05
5 Şubat 1977: 1977-02-05, 5 ŞUBAT 1977: 1977-02-05
5 Mart 1977: 1977-03-05, 5 MART 1977: 1977-03-05
5 Nisan 1977: 1977-04-05, 5 NİSAN 1977: 1977-04-05
5 Mayıs 1977: 1977-05-05, 5 MAYIS 1977: None
5 Haziran 1977: 1977-06-05, 5 HAZİRAN 1977: 1977-06-05
5 Temmuz 1977: 1977-07-05, 5 TEMMUZ 1977: 1977-07-05
5 Ağustos 1977: 1977-08-05, 5 AĞUSTOS 1977: 1977-08-05
5 Eylül 1977: 1977-09-05, 5 EYLÜL 1977: 1977-09-05
5 Ekim 1977: 1977-10-05, 5 EKİM 1977: 1977-10-05
5 Kasım 1977: 1977-11-05, 5 KASIM 1977: None
5 Aralık 1977: 1977-12-05, 5 ARALIK 1977: None
5 oktyabr 1977: 1977-10-05
5 oktyabr 1977-ci il: None
SEEN
echo "as described"
