#!/usr/bin/env bash
# A quantity of Wikibase has both an upper and a lower bound, or neither (Wikibase, JSON, quantity). WikibaseIntegrator 0.12.15
# leaves out a bound that is the number 0. The quantity "5 ± 5" then has an upper bound alone, which the format does not allow.
# Nothing is reported when it is written. A small float is written with an exponent ("+1e-05"), where the format has a decimal
# string. A good engineer expects both bounds as they were given, because 0 is a number. Other bounds are kept, and so is the
# text "0", so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check wikibaseintegrator==0.12.15
cd "$folder"
cat > write.py <<'PY'
from wikibaseintegrator import datatypes

for values in (
    {"amount": 5, "lower_bound": 1, "upper_bound": 9},
    {"amount": 5, "lower_bound": 0, "upper_bound": 10},
    {"amount": -5, "lower_bound": -10, "upper_bound": 0},
    {"amount": 5, "lower_bound": "0", "upper_bound": "10"},
    {"amount": 0.00001},
):
    print(values, "is", datatypes.Quantity(prop_nr="P1", **values).get_json()["mainsnak"]["datavalue"]["value"])
PY
"$folder/venv/bin/python" write.py > seen
cat seen
diff seen - <<'SEEN'
{'amount': 5, 'lower_bound': 1, 'upper_bound': 9} is {'amount': '+5', 'unit': '1', 'upperBound': '+9', 'lowerBound': '+1'}
{'amount': 5, 'lower_bound': 0, 'upper_bound': 10} is {'amount': '+5', 'unit': '1', 'upperBound': '+10'}
{'amount': -5, 'lower_bound': -10, 'upper_bound': 0} is {'amount': '-5', 'unit': '1', 'lowerBound': '-10'}
{'amount': 5, 'lower_bound': '0', 'upper_bound': '10'} is {'amount': '+5', 'unit': '1', 'upperBound': '+10', 'lowerBound': '+0'}
{'amount': 1e-05} is {'amount': '+1e-05', 'unit': '1'}
SEEN
echo "as described"
