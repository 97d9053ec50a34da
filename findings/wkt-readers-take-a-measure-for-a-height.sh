#!/usr/bin/env bash
# In well-known text, M marks a measure, such as a kilometre along a route or a year (OGC 06-103r4, Simple Features). A measure
# is no height. pygeoif 1.6.0 and @terraformer/wkt 2.2.2 read it as the third coordinate, which is a height in GeoJSON (RFC 7946,
# 3.1.1). A point of the year 1994 is then 1994 metres high. Terraformer marks this with a member `properties`, which a geometry
# of GeoJSON must not have (7.1). wellknown 0.5.0 returns null for the same text. pygeoif also drops the SRID of extended WKT, so
# that metres look like degrees. No error is raised. A good engineer expects that the measure is dropped, as by shapely 2.2.0 and
# wkx 0.5.0, or an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygeoif==1.6.0 shapely==2.2.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @terraformer/wkt@2.2.2 wellknown@0.5.0 wkx@0.5.0 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { wktToGeoJSON } from "@terraformer/wkt";
import wellknown from "wellknown";
import wkx from "wkx";

const text = "POINT M (27 38 1994)";
console.log("terraformer:", JSON.stringify(wktToGeoJSON(text)));
console.log("wellknown:", JSON.stringify(wellknown.parse(text)));
console.log("wkx:", JSON.stringify(wkx.Geometry.parse(text).toGeoJSON()));
JS
cat > read.py <<'PY'
import pygeoif
import shapely

text = "POINT M (27 38 1994)"
print("pygeoif:", pygeoif.from_wkt(text).__geo_interface__["coordinates"], pygeoif.from_wkt(text))
print("pygeoif, with an SRID:", pygeoif.from_wkt("SRID=3857;POINT (3005626 4579426)").__geo_interface__["coordinates"])
print("shapely:", shapely.to_geojson(shapely.from_wkt(text)))
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
terraformer: {"type":"Point","coordinates":[27,38,1994],"properties":{"m":true}}
wellknown: null
wkx: {"type":"Point","coordinates":[27,38]}
pygeoif: (27, 38, 1994) POINT Z (27 38 1994)
pygeoif, with an SRID: (3005626, 4579426)
shapely: {"type":"Point","coordinates":[27.0,38.0]}
SEEN
echo "as described"
