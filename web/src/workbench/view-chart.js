// A column of numbers as bars, one row each, with the figure beside it.

import { draw, make, picture } from "../lib/make.js";
import { chartedColumn, columnsOf, isNumeric, labelColumn, namingColumn, numberOf } from "./answer.js";
import { termText } from "./terms.js";

const MOST = 100;
const ROW = 24, LETTER = 7;

export function view(answer, context) {
  const { words } = context;
  const numbers = columnsOf(answer, isNumeric).filter((place) => answer.rows.some((row) => numberOf(row[place]) !== null));
  if (!numbers.length) return null;
  const first = chartedColumn(answer, numbers);
  const place = make("div");
  const show = (column) => place.replaceChildren(bars(answer, column, context));
  show(first);
  if (numbers.length === 1) return place;
  const select = make("select", { change: (event) => show(Number(event.target.value)) },
    ...numbers.map((column) => make("option", { value: String(column), selected: column === first }, answer.columns[column])));
  return make("div", {}, make("label", { class: "choice" }, `${words.say("by")} `, select), place);
}

function bars(answer, column, { words, settings, width }) {
  const naming = namingColumn(answer, [column]);
  const labelled = labelColumn(answer, naming);
  const rows = answer.rows.filter((row) => numberOf(row[column]) !== null).slice(0, MOST);
  const values = rows.map((row) => numberOf(row[column]));
  const low = Math.min(0, ...values), high = Math.max(0, ...values), span = high - low || 1;
  const figures = values.map((value) => words.number(value));
  // A figure that is cut off would be another number.
  const right = Math.max(72, Math.max(...figures.map((figure) => figure.length)) * LETTER + 12);
  const left = Math.min(220, Math.round(width * 0.36)), room = Math.max(16, width - left - right);
  const at = (value) => left + ((value - low) / span) * room;
  const height = rows.length * ROW + 8;
  const lines = rows.map((row, place) => {
    const y = place * ROW + 4, value = values[place], x = Math.min(at(0), at(value));
    const name = termText(row[labelled >= 0 ? labelled : naming], settings);
    return draw("g", { class: "bar" },
      draw("text", { x: left - 8, y: y + 15, "text-anchor": "end", class: "name" }, fitted(name, left - 8), draw("title", {}, name)),
      draw("rect", { x, y: y + 4, width: Math.max(1, Math.abs(at(value) - at(0))), height: ROW - 10, class: value < 0 ? "below" : null }),
      draw("text", { x: Math.max(at(0), at(value)) + 6, y: y + 15, class: "figure" }, figures[place]));
  });
  const svg = picture(width, height,
    { title: words.say("chartTitle", { column: answer.columns[column] }), about: words.say("chartAbout"), name: "chart" },
    draw("line", { x1: at(0), x2: at(0), y1: 0, y2: height, class: "axis" }), ...lines);
  const cut = answer.rows.length > rows.length
    ? make("p", { class: "caption" }, words.say("cut", { shown: rows.length, all: words.number(answer.rows.length) })) : null;
  return make("div", {}, svg, ...(cut ? [cut] : []));
}

/** As much of a name as fits; the whole of it is its title. */
export function fitted(name, room, letter = LETTER) {
  const most = Math.max(4, Math.floor(room / letter));
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
