// Things that stand in one row joined by lines; the places are found by springs, always the same for the same result.

import { draw, make, picture } from "../lib/make.js";
import { columnsOf, isIri, labelColumn } from "./answer.js";
import { fitted } from "./view-chart.js";
import { addressOf, termText } from "./terms.js";

const MOST = 150;
const ROUNDS = 260;

export function view(answer, context) {
  const { words, settings, width } = context;
  const { nodes, links, isCut } = graphOf(answer, settings);
  if (!links.length) return null;
  const height = packed(nodes, links, width);
  const svg = picture(width, height,
    { title: words.say("networkTitle", { count: nodes.length }), about: words.say("networkAbout"), name: "network" },
    ...links.map(({ from, to, said }) => draw("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: "tie" },
      said ? draw("title", {}, said) : null)),
    ...nodes.map((node) => nodeElement(node, width, settings)));
  const all = answer.rows.length;
  return make("div", {}, svg, isCut ? make("p", { class: "caption" }, words.say("cut", { shown: nodes.length, all: words.number(all) })) : "");
}

/** The things and what joins them: in a graph the statements between things, in a table the first column and the others. */
function graphOf(answer, settings) {
  const found = new Map(), links = new Map();
  let isCut = false;
  const things = answer.kind === "graph" ? [0, 2] : columnsOf(answer, isIri);
  // Where some columns have labels, those without are there for programs.
  const labelled = things.filter((place) => labelColumn(answer, place) >= 0);
  const columns = labelled.length > 1 ? labelled : things;
  const node = (row, place) => {
    const iri = row[place].value;
    if (!found.has(iri)) {
      if (found.size >= MOST) { isCut = true; return null; }
      const label = answer.kind === "graph" ? -1 : labelColumn(answer, place);
      found.set(iri, { iri, kind: place, name: termText(row[label >= 0 ? label : place], settings), degree: 0 });
    }
    return found.get(iri);
  };
  for (const row of answer.rows) {
    const [first, ...others] = columns.filter((place) => isIri(row[place]));
    for (const other of others) {
      if (row[first].value === row[other].value) continue;
      const from = node(row, first), to = node(row, other);
      if (!from || !to) continue;
      const said = answer.kind === "graph" ? termText(row[1], settings) : answer.columns[other];
      const key = `${from.iri} ${to.iri}`;
      if (!links.has(key)) { links.set(key, { from, to, said }); from.degree += 1; to.degree += 1; }
    }
  }
  return { nodes: [...found.values()].filter((one) => one.degree), links: [...links.values()], isCut };
}

/** A place for every node: what hangs together in a box of its own, the boxes row by row; answers the height. */
function packed(nodes, links, width) {
  let x = 0, y = 0, tallest = 0;
  for (const part of partsOf(nodes, links)) {
    const w = Math.min(width, 250 + part.length * 16), h = Math.min(640, 56 + part.length * 30);
    if (x + w > width) { x = 0; y += tallest; tallest = 0; }
    placed(part, links.filter(({ from }) => part.includes(from)), w, h);
    for (const node of part) { node.x += x; node.y += y; }
    x += w;
    tallest = Math.max(tallest, h);
  }
  return y + tallest;
}

/** The nodes that hang together, the largest group first. */
function partsOf(nodes, links) {
  const group = new Map(nodes.map((node) => [node, [node]]));
  for (const { from, to } of links) {
    const [a, b] = [group.get(from), group.get(to)];
    if (a === b) continue;
    a.push(...b);
    for (const node of b) group.set(node, a);
  }
  return [...new Set(group.values())].sort((a, b) => b.length - a.length);
}

/** Springs and repulsion (Fruchterman and Reingold), from a spiral, without chance; then as wide as the box is. */
function placed(nodes, links, width, height) {
  const ideal = Math.sqrt((width * height) / nodes.length) * 0.5;
  nodes.forEach((node, place) => {
    const turn = place * 2.39996, r = Math.sqrt((place + 0.5) / nodes.length) * Math.min(width, height) * 0.4;
    node.x = r * Math.cos(turn);
    node.y = r * Math.sin(turn);
  });
  for (let round = 0; round < ROUNDS; round++) {
    const warmth = (width / 10) * (1 - round / ROUNDS) ** 1.5 + 0.5;
    for (const node of nodes) { node.dx = -node.x * 0.02; node.dy = -node.y * 0.02; }
    for (let i = 0; i < nodes.length; i++) for (let j = i + 1; j < nodes.length; j++) pushed(nodes[i], nodes[j], ideal);
    for (const { from, to } of links) pulled(from, to, ideal);
    for (const node of nodes) {
      const length = Math.hypot(node.dx, node.dy) || 1, step = Math.min(length, warmth) / length;
      node.x += node.dx * step;
      node.y += node.dy * step;
    }
  }
  // Names stand at the right of their marks: that side keeps room for them.
  stretched(nodes, "x", 14, Math.max(40, width - 170));
  [...nodes].sort((a, b) => a.y - b.y).forEach((node, place) => {
    node.y = 24 + ((height - 48) * place) / Math.max(1, nodes.length - 1);
  });
}

function stretched(nodes, axis, from, to) {
  const low = Math.min(...nodes.map((node) => node[axis])), span = Math.max(...nodes.map((node) => node[axis])) - low || 1;
  for (const node of nodes) node[axis] = from + ((node[axis] - low) / span) * (to - from);
}

function pushed(a, b, ideal) {
  const x = a.x - b.x, y = (a.y - b.y) * 1.6, distance = Math.hypot(x, y) || 0.1, force = (ideal * ideal) / distance / distance;
  a.dx += x * force; a.dy += y * force; b.dx -= x * force; b.dy -= y * force;
}

function pulled(a, b, ideal) {
  const x = a.x - b.x, y = a.y - b.y, force = Math.hypot(x, y) / ideal * 0.5;
  a.dx -= x * force; a.dy -= y * force; b.dx += x * force; b.dy += y * force;
}

function nodeElement(node, width, settings) {
  const shape = /\/(area|country)\//.test(node.iri) ? draw("rect", { x: node.x - 5, y: node.y - 5, width: 10, height: 10 })
    : draw("circle", { cx: node.x, cy: node.y, r: Math.min(9, 4 + Math.sqrt(node.degree)) });
  // On the side where it has room; on a telephone it may have less than it would take.
  const room = { right: width - node.x - 12, left: node.x - 12 };
  const isLeft = node.name.length * 7 > room.right && room.left > room.right;
  const text = draw("text", { x: node.x + (isLeft ? -11 : 11), y: node.y + 4, "text-anchor": isLeft ? "end" : "start", class: "name" },
    fitted(node.name, isLeft ? room.left : room.right));
  return draw("a", { href: addressOf(node.iri, settings), class: `node kind-${Math.min(node.kind, 3)}` }, draw("title", {}, node.name), shape, text);
}
