#!/usr/bin/env bash
# The double 3e5 is exactly 300000, and a cast to xsd:decimal keeps the value (SPARQL 1.1, 17.5; XPath, 19.1.2). pyoxigraph
# 0.5.13 gives 300000.000000000008388608: beyond some size the result has digits that the double does not have, and is not
# equal to 300000. The cast to xsd:integer takes the same way, so that 1e15 becomes 999999999999999. A good engineer casts
# doubles, such as populations or areas with an exponent, to compare or print them. Python's decimal is exact.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyoxigraph==0.5.13
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from decimal import Decimal

import pyoxigraph

store = pyoxigraph.Store()
for number in ("1e2", "3e5", "4.5e6", "123456789.5e0", "1e15", "1e18"):
    query = (
        "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> SELECT (STR(xsd:decimal({0})) AS ?decimal) "
        "(STR(xsd:integer({0})) AS ?integer) {{}}"
    )
    row = next(iter(store.query(query.format(number))))
    print(
        f"{number}: {Decimal(float(number)):f}, as xsd:integer {row['integer'].value},",
        f"as xsd:decimal {row['decimal'].value}",
    )
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
1e2: 100, as xsd:integer 100, as xsd:decimal 100
3e5: 300000, as xsd:integer 300000, as xsd:decimal 300000.000000000008388608
4.5e6: 4500000, as xsd:integer 4500000, as xsd:decimal 4500000.000000000192937984
123456789.5e0: 123456789.5, as xsd:integer 123456789, as xsd:decimal 123456789.499999992972050432
1e15: 1000000000000000, as xsd:integer 999999999999999, as xsd:decimal 999999999999999.945575230987042816
1e18: 1000000000000000000, as xsd:integer 1000000000000000042, as xsd:decimal 1000000000000000042.420637374017961984
SEEN
echo "as described"
