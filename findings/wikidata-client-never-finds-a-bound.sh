#!/usr/bin/env bash
# In the JSON of Wikibase, a quantity has an amount, and perhaps an upperBound and a lowerBound; a number is a decimal string, so
# that it has any number of digits (Wikibase, JSON, quantity). Wikidata 0.9.0 for Python has a type for quantities with both bounds,
# but looks for them under the names upper_bound and lower_bound, which no answer has: both are always None. It reads the amount as
# a double, so that an integer above 2^53 becomes its neighbour. No error is raised. A good engineer expects the bounds of the
# answer, because the type has fields for them, and an uncertain value otherwise looks exact. An amount without bounds, and its
# unit, are read correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Wikidata==0.9.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from decimal import Decimal

from wikidata.client import Client
from wikidata.datavalue import Decoder

for value in (
    {"amount": "+94782", "unit": "1"},
    {"amount": "+41.9", "unit": "1", "upperBound": "+42.0", "lowerBound": "+41.8"},
    {"amount": "+9007199254740993", "unit": "1"},
):
    quantity = Decoder()(Client(), "quantity", {"type": "quantity", "value": value})
    exact = Decimal(quantity.amount) == Decimal(value["amount"])
    print(f"{value}: {quantity.amount:.15g}, {'exact' if exact else 'not exact'},", end=" ")
    print(f"from {quantity.lower_bound} to {quantity.upper_bound}")
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
{'amount': '+94782', 'unit': '1'}: 94782, exact, from None to None
{'amount': '+41.9', 'unit': '1', 'upperBound': '+42.0', 'lowerBound': '+41.8'}: 41.9, not exact, from None to None
{'amount': '+9007199254740993', 'unit': '1'}: 9.00719925474099e+15, not exact, from None to None
SEEN
echo "as described"
