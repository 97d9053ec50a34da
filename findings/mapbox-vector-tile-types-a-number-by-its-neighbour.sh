#!/usr/bin/env bash
# In a vector tile, a value is a whole number, a double, a text or a boolean, and a feature may have an id, which should be unique
# in its layer (Vector Tile Specification 2.1, Features and Feature Attributes). mapbox-vector-tile 2.2.0 writes equal values only
# once for each layer. In Python, 1977 equals 1977.0, so that the type of both is that of the first one: after an area of 1977.0,
# the year 1977 is a double, and after the year, the area is a whole number. The decoder gives the id 0 to each feature without an
# id, and the encoder drops an id that is a text, so that all of them have the same id. No error is raised. A good engineer
# expects the type of each value, because the format and Python have both types, and no id where there was none. Values that
# differ are written correctly, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mapbox-vector-tile==2.2.0
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from mapbox_vector_tile import decode, encode

for cities in (
    [{"properties": {"since": 1977}}, {"properties": {"area": 28.7}}],
    [{"properties": {"since": 1977}}, {"properties": {"area": 1977.0}}],
    [{"properties": {"area": 1977.0}}, {"properties": {"since": 1977}}],
    [{"properties": {"partner": True, "share": 1.0, "rank": 1}}],
    [{"id": 5, "properties": {"code": "BA"}}, {"properties": {"code": "AX"}}, {"id": "Q42", "properties": {"code": "BE"}}],
):
    features = [{"geometry": "POINT (1 2)", **city} for city in cities]
    read = decode(encode({"name": "cities", "features": features}))["cities"]["features"]
    print("written", *cities)
    print("   read", *({"id": feature["id"], "properties": feature["properties"]} for feature in read))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
written {'properties': {'since': 1977}} {'properties': {'area': 28.7}}
   read {'id': 0, 'properties': {'since': 1977}} {'id': 0, 'properties': {'area': 28.7}}
written {'properties': {'since': 1977}} {'properties': {'area': 1977.0}}
   read {'id': 0, 'properties': {'since': 1977}} {'id': 0, 'properties': {'area': 1977}}
written {'properties': {'area': 1977.0}} {'properties': {'since': 1977}}
   read {'id': 0, 'properties': {'area': 1977.0}} {'id': 0, 'properties': {'since': 1977.0}}
written {'properties': {'partner': True, 'share': 1.0, 'rank': 1}}
   read {'id': 0, 'properties': {'partner': True, 'share': 1.0, 'rank': 1.0}}
written {'id': 5, 'properties': {'code': 'BA'}} {'properties': {'code': 'AX'}} {'id': 'Q42', 'properties': {'code': 'BE'}}
   read {'id': 5, 'properties': {'code': 'BA'}} {'id': 0, 'properties': {'code': 'AX'}} {'id': 0, 'properties': {'code': 'BE'}}
SEEN
echo "as described"
