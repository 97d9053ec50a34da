#!/usr/bin/env bash
# A position in GeoJSON may have a height as its third number, and KML writes it as the third number of a coordinate (RFC 7946,
# 3.1.1; KML 2.2, OGC 07-147r2, kml:coordinates). A feature may have no geometry (RFC 7946, 3.2), and neither need a placemark of
# KML. @placemarkio/tokml 0.3.9 drops each height, of points and of lines. tokml 0.4.0 keeps heights, but drops a feature without
# a geometry. No error is raised. A good engineer expects the same places after writing and reading with @tmcw/togeojson 7.1.3,
# which reads both heights and placemarks without a geometry. Places without heights come back unchanged, so that an ordinary test
# passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund @placemarkio/tokml@0.3.9 tokml@0.4.0 @tmcw/togeojson@7.1.3 @xmldom/xmldom@0.9.12 \
  >> npm.log 2>&1
cat > write.mjs <<'JS'
import { toKML } from "@placemarkio/tokml";
import { kml } from "@tmcw/togeojson";
import { DOMParser } from "@xmldom/xmldom";
import tokml from "tokml";

const place = (geometry, properties) => ({ type: "Feature", geometry, properties });
const features = [
  place({ type: "Point", coordinates: [-2.36, 51.38] }, { name: "Bath" }),
  place({ type: "Point", coordinates: [-68.15, -16.5, 3640] }, { name: "La Paz" }),
  place({ type: "LineString", coordinates: [[-68.15, -16.5, 3640], [-69.22, -16.5, 3810]] }, { name: "Road to the lake" }),
  place(null, { name: "Mobile office" }),
];
for (const [name, write] of [["@placemarkio/tokml", toKML], ["tokml", tokml]]) {
  const document = new DOMParser().parseFromString(write({ type: "FeatureCollection", features }), "text/xml");
  for (const { geometry, properties } of kml(document).features) {
    console.log(`${name}:`, JSON.stringify(properties), JSON.stringify(geometry?.coordinates ?? null));
  }
}
JS
node write.mjs > seen
cat seen
diff seen - <<'SEEN'
@placemarkio/tokml: {"name":"Bath"} [-2.36,51.38]
@placemarkio/tokml: {"name":"La Paz"} [-68.15,-16.5]
@placemarkio/tokml: {"name":"Road to the lake"} [[-68.15,-16.5],[-69.22,-16.5]]
@placemarkio/tokml: {"name":"Mobile office"} null
tokml: {"name":"Bath"} [-2.36,51.38]
tokml: {"name":"La Paz"} [-68.15,-16.5,3640]
tokml: {"name":"Road to the lake"} [[-68.15,-16.5,3640],[-69.22,-16.5,3810]]
SEEN
echo "as described"
