#!/usr/bin/env bash
# A filter of OData may have parentheses, a minus before a property, and any character in a text, which contains and endswith
# compare as it is (OData 4.01, URL Conventions, 5.1.1: Grouping, Negation, contains, endswith). odata-query 0.10.0 turns filters
# into SQL. It drops parentheses in arithmetic: a sub (b sub c) becomes a - b - c. It doubles % and _ in a text, which escapes
# nothing in a LIKE of SQL, so that a percent sign is a wildcard, and an underscore stands for two characters. Instead of a minus
# it writes the word None. It raises no error itself. A good engineer expects the rows that OData defines. Parentheses around
# "or", and other texts, are right, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check odata-query==0.10.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen" 2> "$folder/log"
import sqlite3

from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sql import AstToSqliteSqlVisitor

base = sqlite3.connect(":memory:")
base.execute("CREATE TABLE city (name TEXT, a REAL, b REAL, c REAL)")
base.executemany("INSERT INTO city VALUES (?, ?, ?, ?)", [("Bath 50%", 10, 5, 2), ("Beppu 500", 8, 3, 4), ("Baku 5_0", -2.5, 1, 1)])
for text in (
    "a gt 8 or b eq 3",
    "(a gt 8 or b eq 3) and c eq 4",
    "a sub (b sub c) eq 7",
    "a mul (b add c) eq 70",
    "a div (b mul c) eq 1",
    "contains(name,'50%')",
    "contains(name,'5_0')",
    "endswith(name,'50%')",
    "-a eq 2.5",
):
    sql = AstToSqliteSqlVisitor().visit(ODataParser().parse(ODataLexer().tokenize(text)))
    try:
        found = ", ".join(name for (name,) in base.execute(f"SELECT name FROM city WHERE {sql}")) or "none"
    except sqlite3.Error as error:
        found = type(error).__name__
    print(f"{text}\n  {sql}\n  {found}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
a gt 8 or b eq 3
  "a" > 8 OR "b" = 3
  Bath 50%, Beppu 500
(a gt 8 or b eq 3) and c eq 4
  ("a" > 8 OR "b" = 3) AND "c" = 4
  Beppu 500
a sub (b sub c) eq 7
  "a" - "b" - "c" = 7
  none
a mul (b add c) eq 70
  "a" * "b" + "c" = 70
  none
a div (b mul c) eq 1
  "a" / "b" * "c" = 1
  none
contains(name,'50%')
  "name" LIKE '%50%%%'
  Bath 50%, Beppu 500
contains(name,'5_0')
  "name" LIKE '%5__0%'
  none
endswith(name,'50%')
  "name" LIKE '%50%%'
  Bath 50%, Beppu 500
-a eq 2.5
  None "a" = 2.5
  OperationalError
SEEN
echo "as described"
