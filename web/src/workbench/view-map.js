// Places of a result on the map of the site: around the city that the query names, every tie a ray.

import { outline, projection, ringsOf, way } from "../lib/globe.js";
import { draw, make, picture } from "../lib/make.js";
import { isIri, labelColumn, namingColumn, numberOf, placeAt } from "./answer.js";
import { addressOf, termText } from "./terms.js";

const MOST = 400, MOST_ASKED = 200;
const LATITUDE = /^(lat|latitude|enlem)$/i, LONGITUDE = /^(lon|long|lng|longitude|boylam)$/i;
const RINGS = [250, 500, 1000, 2500, 5000, 10_000];
const PLACE = /\/id\/(?:city|area|country)\//;
const LETTER = 6.4, LINE = 14;
const ALONE = 1500; // kilometres
const CLOSEST = 32; // pixels from ring to ring

export async function view(answer, context) {
  const points = located(answer, context) ?? (await lookedUp(answer, context));
  if (!points?.length) return null;
  const middle = (await named(context, points)) ?? { ...midst(points), name: "", isPlace: false };
  const shown = points.filter((point) => point.iri !== middle.iri).slice(0, MOST);
  return drawn(shown, middle, await land(context.settings), context, points.length);
}

/** The places with coordinates in the result itself. */
function located(answer, { settings }) {
  const lat = answer.columns.findIndex((name) => LATITUDE.test(name)), lon = answer.columns.findIndex((name) => LONGITUDE.test(name));
  if (lat < 0 || lon < 0) return null;
  const naming = namingColumn(answer, [lat, lon]);
  const things = answer.columns.findIndex((_, place) => answer.rows.some((row) => isIri(row[place])));
  const found = new Map();
  for (const row of answer.rows) {
    const at = placeAt(number(row[lon]), number(row[lat]));
    if (!at) continue;
    const iri = row[things]?.value ?? "", key = iri || at.join(" ");
    if (!found.has(key)) found.set(key, { at, iri, name: termText(row[naming], settings) });
  }
  return [...found.values()];
}

function number(term) {
  const value = numberOf(term) ?? (term?.type === "literal" && term.value.trim() ? Number(term.value) : NaN);
  return Number.isFinite(value) ? value : null;
}

/** The places that the result names without saying where they are. */
async function lookedUp(answer, context) {
  const iris = new Map();
  for (const row of answer.rows) row.forEach((term, place) => {
    if (isIri(term) && PLACE.test(term.value) && !iris.has(term.value)) {
      const label = labelColumn(answer, place);
      iris.set(term.value, label >= 0 ? termText(row[label], context.settings) : "");
    }
  });
  if (!iris.size) return null;
  return whereabouts([...iris.keys()].slice(0, MOST_ASKED), context, (iri) => iris.get(iri));
}

async function whereabouts(iris, { ask, settings }, nameOf) {
  const query = `SELECT ?place (SAMPLE(?la) AS ?lat) (SAMPLE(?lo) AS ?lon) (cg:labelIn(?place, "${settings.language}") AS ?name) {
  VALUES ?place { ${iris.map((iri) => `<${iri}>`).join(" ")} }
  ?place schema:latitude ?la ; schema:longitude ?lo
} GROUP BY ?place`;
  const { rows } = await ask(query).catch(() => ({ rows: [] }));
  return rows.flatMap(([place, lat, lon, name]) => (lat && lon
    ? [{ iri: place.value, at: [Number(lon.value), Number(lat.value)], name: nameOf(place.value) || name?.value || termText(place, settings) }] : []));
}

/** The place that the query is about: the first that its text names and that is not among the answers' own. */
async function named(context, points) {
  const match = /(?<![\w])(?:city|area):([\p{L}\p{N}_-]+)|<([^>\s]*\/id\/(?:city|area)\/[^>\s]+)>/u.exec(context.query.replace(/^\s*(#|prefix).*$/gim, ""));
  if (!match) return null;
  const iri = match[2] ?? context.settings.prefixes[/area:/.test(match[0]) ? "area" : "city"] + match[1];
  const known = points.find((point) => point.iri === iri) ?? (await whereabouts([iri], context, () => ""))[0];
  return known ? { ...known, isPlace: true } : null;
}

/** The middle of the points, as the mean of their directions from the middle of the earth. */
function midst(points) {
  const sum = points.reduce(([x, y, z], { at: [lon, lat] }) => {
    const a = (lon * Math.PI) / 180, b = (lat * Math.PI) / 180;
    return [x + Math.cos(b) * Math.cos(a), y + Math.cos(b) * Math.sin(a), z + Math.sin(b)];
  }, [0, 0, 0]);
  const [x, y, z] = sum;
  return { at: [(Math.atan2(y, x) * 180) / Math.PI, (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI] };
}

async function land({ land: address }) {
  const reply = await fetch(address).catch(() => null);
  return reply?.ok ? ringsOf(await reply.json(), "land") : [];
}

function drawn(points, middle, rings, { words, settings, width }, count) {
  const size = Math.min(width, 860), radius = size / 2 - 8;
  const far = Math.max(...points.map((point) => way(middle.at, point.at).km));
  // Around a single place the map shows the region.
  const farthest = far < 1 ? ALONE : Math.max(50, far) * 1.1;
  const project = projection(middle.at, radius, farthest);
  const circles = ringsFor(farthest, radius);
  const placed = labelled(points.map((point) => {
    const [x, y] = project(point.at);
    return { ...point, x, y };
  }), radius, middle.isPlace, circles.map((km) => radius * Math.sqrt(km / farthest)));
  const about = words.say(circles.length ? "mapAbout" : "mapAboutPlain", { rings: circles.map((km) => words.number(km)).join(", ") });
  const svg = picture(size, size, { title: words.say(middle.name ? "mapTitle" : "mapTitleAlone", { count, name: middle.name }), about, name: "map" },
    draw("defs", {}, draw("clipPath", { id: "map-rim" }, draw("circle", { r: radius }))),
    draw("g", { transform: `translate(${size / 2} ${size / 2})` },
      draw("path", { class: "land", d: outline(rings, project), "clip-path": "url(#map-rim)" }),
      ...circles.flatMap((km) => ring(km, radius, farthest, words)),
      ...(middle.isPlace ? placed.map(({ x, y }) => draw("line", { x1: 0, y1: 0, x2: x, y2: y, class: "ray" })) : []),
      ...placed.map((point) => placeElement(point, settings)),
      ...(middle.isPlace ? [draw("circle", { r: 5, class: "center" }),
        draw("text", { x: 8, y: -8, class: "name middle" }, middle.name)] : [])));
  return make("div", {}, svg, make("p", { class: "caption" }, about));
}

/** The rings that fit, from the outside in, each with room for its label. */
function ringsFor(farthest, radius) {
  let last = Infinity;
  return RINGS.filter((km) => km < farthest).reverse().filter((km) => {
    const r = radius * Math.sqrt(km / farthest);
    if (r < CLOSEST * 1.5 || last - r < CLOSEST) return false;
    last = r;
    return true;
  }).reverse();
}

function ring(km, radius, farthest, words) {
  const r = radius * Math.sqrt(km / farthest);
  return [draw("circle", { r, class: "ring" }), draw("text", { x: 0, y: r - 4, "text-anchor": "middle", class: "distance" }, words.say("kilometres", { number: words.number(km) }))];
}

function placeElement(point, settings) {
  const { x, y, name, label } = point;
  const shape = /\/(area|country)\//.test(point.iri) ? draw("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7 }) : draw("circle", { cx: x, cy: y, r: 3.5 });
  const leader = label?.leader ? draw("line", { x1: x, y1: y, x2: label.x - (label.anchor === "end" ? -3 : 3), y2: label.y - 4, class: "leader" }) : null;
  const text = label ? draw("text", { x: label.x, y: label.y, "text-anchor": label.anchor, class: "name" }, name) : null;
  return draw("a", { href: point.iri ? addressOf(point.iri, settings) : null, class: "place" }, draw("title", {}, name), leader, shape, text);
}

/** A place for each name that has one: beside its mark, else a little out along the ray with a line to it. */
function labelled(points, radius, hasMiddle, rings) {
  const taken = points.map(({ x, y }) => ({ left: x - 4, right: x + 4, top: y - 4, bottom: y + 4 }));
  if (hasMiddle) taken.push({ left: -8, right: 50, top: -22, bottom: 6 });
  taken.push(...rings.map((r) => ({ left: -28, right: 28, top: r - 14, bottom: r })));
  const isFree = (box) => Math.max(Math.abs(box.left), Math.abs(box.right)) <= radius + 4 && Math.abs(box.top) <= radius
    && taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
  const outward = [...points].sort((a, b) => Math.hypot(b.x, b.y) - Math.hypot(a.x, a.y));
  const labels = new Map();
  for (const point of outward) {
    const long = point.name.length * LETTER;
    for (const label of candidates(point)) {
      const left = label.anchor === "end" ? label.x - long : label.x;
      const box = { left, right: left + long, top: label.y - LINE + 3, bottom: label.y + 3 };
      if (!isFree(box)) continue;
      taken.push(box);
      labels.set(point, label);
      break;
    }
  }
  return points.map((point) => ({ ...point, label: labels.get(point) }));
}

function* candidates({ x, y }) {
  const sides = x < 0 ? ["end", "start"] : ["start", "end"];
  for (const anchor of sides) for (const dy of [4, -5, 13]) yield { x: x + (anchor === "end" ? -7 : 7), y: y + dy, anchor };
  for (const far of [18, 30, 44, 60]) {
    for (const turn of [0, 0.5, -0.5, 1, -1, 1.6, -1.6]) {
      const angle = Math.atan2(y, x) + turn, dx = Math.cos(angle) * far;
      yield { x: x + dx, y: y + Math.sin(angle) * far + 4, anchor: dx < 0 ? "end" : "start", leader: true };
    }
  }
}
