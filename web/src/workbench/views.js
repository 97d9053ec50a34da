// The views of a result as plain tabs: table, map, time axis, network, chart, raw.

import { make } from "../lib/make.js";
import * as chart from "./view-chart.js";
import * as map from "./view-map.js";
import * as network from "./view-network.js";
import * as raw from "./view-raw.js";
import * as table from "./view-table.js";
import * as timeline from "./view-timeline.js";

const VIEWS = { table, map, timeline, network, chart, raw };
const NARROWEST = 320;
const SETTLED = 150; // milliseconds without a change of size

/** The tabs below the status line. A view is a module whose `view(answer, context)` answers an element, or nothing. */
export class Views {
  constructor(place, words, settings, ask, chosen) {
    this.place = place;
    this.words = words;
    this.settings = settings;
    this.ask = ask;
    this.chosen = chosen;
    this.current = "table";
    this.answer = null;
    this.tabs = new Map();
    let waiting = 0;
    new ResizeObserver(() => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.#resized(), SETTLED);
    }).observe(place);
  }

  show(answer, query, wanted) {
    this.answer = answer;
    this.query = query;
    this.current = wanted in VIEWS ? wanted : "table";
    if (answer.kind === "truth") {
      this.place.replaceChildren(make("p", { class: "truth" }, this.words.say(answer.truth ? "yes" : "no")));
    } else if (!answer.rows.length) {
      this.place.replaceChildren(make("p", { class: "none" }, this.words.say("nothing")), raw.downloads(this.#context()));
    } else {
      this.#draw();
    }
  }

  clear() {
    this.answer = null;
  }

  #draw() {
    this.tabs = new Map(Object.keys(VIEWS).map((name) => [name, this.#tab(name)]));
    const list = make("div", { role: "tablist", class: "tabs", "aria-label": this.words.say("views") }, ...this.tabs.values());
    this.panel = make("div", { role: "tabpanel", class: "view", id: "view" });
    this.place.replaceChildren(list, this.panel);
    this.#select(this.current);
  }

  #tab(name) {
    return make("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "view",
      click: () => { this.#select(name); this.chosen(name); },
      keydown: (event) => this.#moved(event, name),
    }, this.words.say(`view_${name}`));
  }

  /** Arrows go from tab to tab, Home and End to the first and the last (WAI-ARIA, tabs). */
  #moved(event, name) {
    const names = Object.keys(VIEWS), at = names.indexOf(name);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = names.at(to % names.length);
    this.#select(next);
    this.chosen(next);
    this.tabs.get(next).focus();
  }

  async #select(name) {
    this.current = name;
    for (const [other, tab] of this.tabs) {
      tab.setAttribute("aria-selected", String(other === name));
      tab.tabIndex = other === name ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `tab-${name}`);
    this.panel.className = `view view-${name}`;
    this.width = this.#width();
    const drawn = await VIEWS[name].view(this.answer, this.#context());
    if (this.current !== name || !this.panel.isConnected) return;
    this.panel.replaceChildren(drawn ?? make("p", { class: "none" }, this.words.say(`no_${name}`)));
  }

  #context() {
    const { words, settings, ask, query, answer } = this;
    return { words, settings, ask, query, answer, width: this.#width() };
  }

  #width() {
    return Math.max(NARROWEST, Math.floor(this.place.clientWidth));
  }

  /** Pictures are drawn for a width: a window that changes gets them anew. */
  #resized() {
    const isPicture = this.answer?.rows.length && ["map", "timeline", "network", "chart"].includes(this.current);
    if (isPicture && this.panel?.isConnected && Math.abs(this.#width() - this.width) > 8) this.#select(this.current);
  }
}
