// Suggestions while a name is typed: a combobox with a list (WAI-ARIA APG, "editable combobox with list autocomplete").
//
// <input data-suggest="/suggest?lang=en"> goes to what is chosen; with data-choose it keeps it as the field's value.

import { piecesOf } from "./lib/pieces.js";

const PAUSE = 120; // milliseconds after the last key
const REMEMBERED = 50;
const script = document.querySelector("script[data-found]");
const FOUND = script?.dataset.found ?? "{number}";
const ALSO = script?.dataset.also ?? "";

let lists = 0;

/** One field with its list. */
class Suggestions {
  constructor(input) {
    this.input = input;
    this.address = new URL(input.dataset.suggest, location.href);
    this.known = new Map();
    this.results = [];
    this.active = -1;
    this.build();
    this.listen();
  }

  build() {
    const id = `suggestions-${++lists}`;
    const wrap = document.createElement("span");
    wrap.className = "suggesting";
    this.input.before(wrap);
    this.list = document.createElement("ul");
    Object.assign(this.list, { id, className: "suggestions", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.input.getAttribute("aria-label") || this.input.labels?.[0]?.innerText.trim() || "");
    this.said = document.createElement("span");
    this.said.className = "unseen";
    this.said.setAttribute("role", "status");
    wrap.append(this.input, this.list, this.said);
    const states = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id };
    for (const [name, value] of Object.entries(states)) this.input.setAttribute(name, value);
    this.input.autocomplete = "off";
  }

  listen() {
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("focus", () => this.results.length && this.input.value && !this.input.dataset.chosen && this.open());
    // The pointer must not take the keyboard from the field before the choice is made.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(Number(option.dataset.place));
    });
  }

  typed() {
    delete this.input.dataset.chosen;
    this.hidden?.remove();
    if (this.hidden) this.input.name = this.hidden.name;
    this.hidden = undefined;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const text = this.input.value.trim();
    this.asking?.abort();
    if (!text) return this.show([]);
    if (!this.known.has(text)) {
      this.asking = new AbortController();
      const address = new URL(this.address);
      address.searchParams.set("q", text);
      try {
        const response = await fetch(address, { signal: this.asking.signal, headers: { Accept: "application/json" } });
        if (!response.ok) return this.show([]);
        this.remember(text, (await response.json()).results);
      } catch {
        return undefined; // another letter came, or the line is down: the form works as ever
      }
    }
    if (text === this.input.value.trim() && document.activeElement === this.input) this.show(this.known.get(text));
    return undefined;
  }

  remember(text, results) {
    if (this.known.size >= REMEMBERED) this.known.delete(this.known.keys().next().value);
    this.known.set(text, results);
  }

  show(results) {
    this.results = results;
    this.list.replaceChildren(...results.map((one, place) => this.option(one, place)));
    this.said.textContent = results.length ? FOUND.replace("{number}", results.length) : "";
    this.point(-1);
    if (results.length) this.open();
    else this.close();
  }

  option(one, place) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${place}`;
    option.dataset.place = place;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const name = document.createElement("span");
    name.className = "name";
    name.append(...(one.name ? [one.label] : piecesOf(one.pieces)));
    option.append(name);
    if (one.name) {
      const also = document.createElement("span");
      also.className = "also";
      const other = document.createElement("span");
      if (one.name_language) other.lang = one.name_language;
      other.append(...piecesOf(one.name));
      also.append(`${ALSO} `, other);
      option.append(" ", also);
    }
    const what = document.createElement("span");
    what.className = "what";
    what.textContent = [one.type, one.country].filter(Boolean).join(", ");
    option.append(" ", what);
    return option;
  }

  pressed(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves && this.results.length) {
      event.preventDefault();
      if (this.list.hidden) this.open();
      // Above the first and below the last stands the field itself.
      const places = this.results.length + 1;
      this.point(((this.active + 1 + moves[event.key] + places) % places) - 1);
    } else if (event.key === "Enter" && !this.list.hidden && this.active >= 0) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault(); // the first press keeps what was typed
      this.close();
    } else if (["Home", "End", "ArrowLeft", "ArrowRight"].includes(event.key)) {
      this.point(-1);
    }
  }

  point(place) {
    this.active = place;
    for (const option of this.list.children) {
      const isIt = Number(option.dataset.place) === place;
      option.setAttribute("aria-selected", String(isIt));
      if (isIt) {
        this.input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    }
    if (place < 0) this.input.removeAttribute("aria-activedescendant");
  }

  choose(place) {
    const one = this.results[place];
    this.close();
    if (!("choose" in this.input.dataset)) {
      location.assign(one.href);
      return;
    }
    this.input.value = one.label;
    this.input.dataset.chosen = one.id;
    this.hidden = Object.assign(document.createElement("input"), { type: "hidden", name: this.input.name, value: one.id });
    this.input.removeAttribute("name");
    this.input.after(this.hidden);
  }

  open() {
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  close() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.point(-1);
  }
}

for (const input of document.querySelectorAll("input[data-suggest]")) new Suggestions(input);
