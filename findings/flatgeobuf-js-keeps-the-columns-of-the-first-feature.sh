#!/usr/bin/env bash
# The properties of a feature in GeoJSON are any object, and its geometry may be null (RFC 7946, 3.2). A FlatGeobuf file has one
# list of columns with types for all of its features. serialize of flatgeobuf 4.5.0 for JavaScript takes this list from the first
# feature alone. A property that only later features have is dropped. A text in a column of numbers becomes null, and one in a
# column of booleans becomes false. If the first value is null, numbers become texts. No error is raised. A geometry of null is a
# TypeError. A good engineer expects the same properties after reading, in columns that fit all features, because they are all in
# memory. Features with the same properties of the same types come back unchanged, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund flatgeobuf@4.5.0 >> npm.log 2>&1
cat > convert.mjs <<'JS'
import { geojson } from "flatgeobuf";

const point = { type: "Point", coordinates: [-2.36, 51.38] };
const feature = (properties, geometry = point) => ({ type: "Feature", properties, geometry });

async function convert(features) {
  const read = [];
  const bytes = geojson.serialize({ type: "FeatureCollection", features });
  for await (const { properties } of geojson.deserialize(new Uint8Array(bytes))) read.push(properties);
  return JSON.stringify(read);
}

for (const rows of [
  [{ name: "Bath", twins: 4 }, { name: "Beppu", twins: 6 }],
  [{ name: "Bath" }, { name: "Beppu", founded: 1924 }],
  [{ twins: 4 }, { twins: "about 30" }],
  [{ capital: true }, { capital: "until 1923" }],
  [{ area: null }, { area: 28.5 }],
]) console.log(`${JSON.stringify(rows)} becomes ${await convert(rows.map((row) => feature(row)))}`);
try {
  console.log(await convert([feature({ name: "Atlantis" }, null)]));
} catch (error) {
  console.log(`a geometry of null: ${error.name}`);
}
JS
node convert.mjs > seen
cat seen
diff seen - <<'SEEN'
[{"name":"Bath","twins":4},{"name":"Beppu","twins":6}] becomes [{"name":"Bath","twins":4},{"name":"Beppu","twins":6}]
[{"name":"Bath"},{"name":"Beppu","founded":1924}] becomes [{"name":"Bath"},{"name":"Beppu"}]
[{"twins":4},{"twins":"about 30"}] becomes [{"twins":4},{"twins":null}]
[{"capital":true},{"capital":"until 1923"}] becomes [{"capital":true},{"capital":false}]
[{"area":null},{"area":28.5}] becomes [{},{"area":"28.5"}]
a geometry of null: TypeError
SEEN
echo "as described"
