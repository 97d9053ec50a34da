// The map of the site: azimuthal, the square root of distance as radius, so that every tie from the middle is a ray.

const RADIUS = 6371.0088;
const DEGREE = Math.PI / 180;
const STEP = 2; // degrees between the points of an outline

/** Great-circle distance in km and bearing in radians, from one point to another, each [longitude, latitude]. */
export function way([fromLon, fromLat], [toLon, toLat]) {
  const a = fromLat * DEGREE, b = toLat * DEGREE, d = (toLon - fromLon) * DEGREE;
  const haversine = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(d / 2) ** 2;
  const km = 2 * RADIUS * Math.asin(Math.min(1, Math.sqrt(haversine)));
  const bearing = Math.atan2(Math.sin(d) * Math.cos(b), Math.cos(a) * Math.sin(b) - Math.sin(a) * Math.cos(b) * Math.cos(d));
  return { km, bearing };
}

/** What turns [longitude, latitude] into [x, y] around a middle; what is farther than `farthest` stands at the rim. */
export function projection(middle, radius, farthest) {
  return (point) => {
    const { km, bearing } = way(middle, point);
    const r = radius * Math.sqrt(Math.min(km, farthest * 1.02) / farthest);
    return [r * Math.sin(bearing), -r * Math.cos(bearing)];
  };
}

/** The rings of a topology of TopoJSON (world-atlas), each a list of [longitude, latitude]. */
export function ringsOf(topology, name) {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let x = 0, y = 0;
    return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]]);
  });
  const ring = (indices) => indices.flatMap((index, place) => {
    const points = index < 0 ? [...arcs[~index]].reverse() : arcs[index];
    return place ? points.slice(1) : points;
  });
  const polygons = (geometry) =>
    geometry.type === "GeometryCollection" ? geometry.geometries.flatMap(polygons)
      : geometry.type === "Polygon" ? [geometry.arcs] : geometry.type === "MultiPolygon" ? geometry.arcs : [];
  return polygons(topology.objects[name]).flatMap((polygon) => polygon.map(ring));
}

/** The rings as the `d` of a path. */
export function outline(rings, project) {
  return rings.map((ring) => `M${densified(ring).map((point) => project(point).map(Math.round).join(" ")).join("L")}Z`).join("");
}

function densified(ring) {
  return ring.flatMap((point, place) => {
    const before = ring[place - 1];
    if (!before) return [point];
    const steps = Math.ceil(Math.max(Math.abs(point[0] - before[0]), Math.abs(point[1] - before[1])) / STEP);
    return Array.from({ length: steps || 1 }, (_, i) => {
      const part = (i + 1) / (steps || 1);
      return [before[0] + (point[0] - before[0]) * part, before[1] + (point[1] - before[1]) * part];
    });
  });
}
