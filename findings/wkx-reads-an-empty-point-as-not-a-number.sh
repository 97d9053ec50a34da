#!/usr/bin/env bash
# GeoPackage writes an empty point in WKB with NaN for both coordinates (OGC 12-128, GeoPackage). wkx 0.5.0 writes an empty point
# so, but does not read its own bytes as empty. It returns "POINT(NaN NaN)", and in GeoJSON the coordinates [null,null], which
# are no position (RFC 7946, 3.1.1). No error is raised. A good engineer expects an empty point, as wkx reads from the text POINT
# EMPTY, and as shapely 2.2.0 reads from the same bytes. In a table of places, an empty point can stand for a city whose place is
# unknown.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check shapely==2.2.0
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund wkx@0.5.0 >> npm.log 2>&1
cat > read.mjs <<'JS'
import { writeFileSync } from "node:fs";
import wkx from "wkx";

const empty = wkx.Geometry.parse("POINT EMPTY");
const again = wkx.Geometry.parse(empty.toWkb());
writeFileSync("point.hex", empty.toWkb().toString("hex"));
console.log("wkx, from text:", JSON.stringify(empty.toGeoJSON()), empty.toWkt());
console.log("wkx, from its own WKB:", JSON.stringify(again.toGeoJSON()), again.toWkt());
JS
cat > read.py <<'PY'
import shapely

point = shapely.from_wkb(open("point.hex").read())
print("shapely, from the same WKB:", shapely.to_geojson(point), point.wkt)
PY
node read.mjs > seen
"$folder/venv/bin/python" read.py >> seen
cat seen
diff seen - <<'SEEN'
wkx, from text: {"type":"Point","coordinates":[]} POINT EMPTY
wkx, from its own WKB: {"type":"Point","coordinates":[null,null]} POINT(NaN NaN)
shapely, from the same WKB: {"type":"Point","coordinates":[]} POINT EMPTY
SEEN
echo "as described"
