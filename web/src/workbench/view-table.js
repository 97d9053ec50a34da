// A result as a table: sorted by a column on demand, shown in portions.

import { make } from "../lib/make.js";
import { numberOf } from "./answer.js";
import { downloads } from "./view-raw.js";
import { comparison, termElement } from "./terms.js";

const PORTION = 200;

export function view(answer, context) {
  const { words, settings } = context;
  const body = make("tbody");
  const caption = make("p", { class: "caption" });
  const more = make("button", { type: "button", click: () => grow() }, words.say("more"));
  const foot = make("div", { class: "more" }, caption, more);
  const compare = comparison(settings.language, settings);
  let rows = answer.rows, shown = 0;

  function grow() {
    const next = rows.slice(shown, shown + PORTION);
    body.append(...next.map((row) => make("tr", {}, answer.columns.map((name, place) =>
      make("td", { class: numberOf(row[place]) === null ? null : "number", "data-column": name }, termElement(row[place], settings))))));
    shown += next.length;
    foot.hidden = shown >= rows.length;
    caption.textContent = words.say("shownOf", { shown: words.number(shown), all: words.number(rows.length) });
  }

  function sort(place, header) {
    const descending = header.getAttribute("aria-sort") === "ascending";
    for (const other of head.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    rows = [...answer.rows].sort((a, b) => (descending ? -1 : 1) * compare(a[place], b[place]));
    body.replaceChildren();
    shown = 0;
    grow();
  }

  const head = make("tr", {}, answer.columns.map((name, place) => {
    const header = make("th", { scope: "col" });
    header.append(make("button", { type: "button", click: () => sort(place, header) }, name));
    return header;
  }));
  grow();
  const table = make("table", { class: "answer" }, make("thead", {}, head), body);
  const scroll = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words.say("view_table") }, table);
  return make("div", {}, scroll, foot, downloads(context));
}
