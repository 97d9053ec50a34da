// Dates of a result on an axis of years: one row a line; what is imprecise has a width, never a false point.

import { draw, make, picture } from "../lib/make.js";
import { columnsOf, labelColumn, namingColumn, spanOf } from "./answer.js";
import { fitted } from "./view-chart.js";
import { termText } from "./terms.js";

const MOST = 200;
const ROW = 24, TOP = 28;
const START = /^(start|from|since|begin)/i, END = /^(end|to|until)$|^end/i;

export function view(answer, context) {
  const { words, settings, width } = context;
  const columns = columnsOf(answer, (term) => spanOf(term) !== null);
  const rows = answer.rows.map((row) => ({ row, spans: columns.map((place) => spanOf(row[place])) }))
    .filter(({ spans }) => spans.some(Boolean)).slice(0, MOST);
  if (!rows.length) return null;
  const all = rows.flatMap(({ spans }) => spans.filter(Boolean));
  const first = Math.floor(Math.min(...all.map((span) => span.from))), last = Math.ceil(Math.max(...all.map((span) => span.to), first + 1));
  const left = Math.min(220, Math.round(width * 0.36)), room = width - left - 24;
  const at = (year) => left + ((year - first) / (last - first)) * room;
  const height = TOP + rows.length * ROW + 8;
  const naming = namingColumn(answer, columns), labelled = labelColumn(answer, naming);
  const isHeld = columns.some((place) => START.test(answer.columns[place])) && columns.some((place) => END.test(answer.columns[place]));
  const lines = rows.map(({ row, spans }, place) => {
    const y = TOP + place * ROW + ROW / 2;
    const name = termText(row[labelled >= 0 ? labelled : naming], settings);
    const dates = columns.map((column) => row[column] && `${answer.columns[column]} ${row[column].value}`).filter(Boolean).join(", ");
    return draw("g", { class: "life" }, draw("title", {}, `${name}: ${dates}`),
      draw("text", { x: left - 12, y: y + 4, "text-anchor": "end", class: "name" }, fitted(name, left - 12)),
      ...marks(spans, at, y, isHeld));
  });
  const svg = picture(width, height, {
    title: words.say("timelineTitle", { count: rows.length, first, last }), about: words.say("timelineAbout"), name: "timeline",
  }, ...years(first, last, room).flatMap((year) => [
    draw("line", { x1: at(year), x2: at(year), y1: TOP - 6, y2: height, class: "decade" }),
    draw("text", { x: at(year), y: TOP - 12, "text-anchor": "middle", class: "year" }, String(year)),
  ]), ...lines);
  const legend = make("p", { class: "caption legend" }, ...columns.map((column, place) =>
    make("span", { class: `mark-${Math.min(place, 2)}` }, answer.columns[column])));
  const cut = answer.rows.length > rows.length
    ? make("p", { class: "caption" }, words.say("cut", { shown: rows.length, all: words.number(answer.rows.length) })) : "";
  return make("div", {}, columns.length > 1 && !isHeld ? legend : "", svg, cut);
}

/** A tick for the first date, a dot for the second, a thin line between; an office is a bar from one to the other. */
function marks(spans, at, y, isHeld) {
  const there = spans.filter(Boolean);
  const from = Math.min(...there.map((span) => span.from)), to = Math.max(...there.map((span) => span.to));
  const parts = there.length > 1
    ? [isHeld ? draw("rect", { x: at(from), y: y - 4, width: Math.max(2, at(to) - at(from)), height: 8, class: "held" })
      : draw("line", { x1: at(from), x2: at(to), y1: y, y2: y, class: "wait" })] : [];
  if (isHeld && there.length > 1) return parts;
  return [...parts, ...spans.flatMap((span, place) => (span ? [mark(span, place, at, y)] : []))];
}

function mark(span, place, at, y) {
  const className = `mark mark-${Math.min(place, 2)}`;
  if (!span.isPoint) return draw("rect", { x: at(span.from), y: y - 3, width: Math.max(3, at(span.to) - at(span.from)), height: 6, class: `${className} wide` });
  return place === 0 ? draw("rect", { x: at(span.from) - 1.5, y: y - 7, width: 3, height: 14, class: className })
    : draw("circle", { cx: at(span.from), cy: y, r: 4, class: className });
}

/** The years that get a line: as many as have room. */
function years(first, last, room) {
  const most = Math.max(2, room / 64);
  const step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].find((one) => (last - first) / one <= most) ?? 1000;
  const start = Math.ceil(first / step) * step;
  return Array.from({ length: Math.floor((last - start) / step) + 1 }, (_, place) => start + place * step);
}
