// The workbench put together: editor, status line, views, share and code, and the address as state.

import { make } from "../lib/make.js";
import { Words } from "../lib/words.js";
import { readAnswer, viewNamed } from "./answer.js";
import { Asking, Refused } from "./ask.js";
import { Editor } from "./editor.js";
import { Views } from "./views.js";

const LONGEST_ADDRESS = 6000;
const NARROW = "(max-width: 900px)";

export function start(settings) {
  new Bench(settings).begin();
}

class Bench {
  constructor(settings) {
    this.settings = settings;
    this.words = new Words(settings.words, settings.language);
    this.status = document.getElementById("status");
    this.result = document.getElementById("result");
    this.citing = document.getElementById("cite-result");
    this.cancelling = document.getElementById("cancel");
    this.first = settings.view;
    this.asking = null;
    this.editor = new Editor(document.getElementById("query"), this.words, settings, { run: () => this.run() });
    this.views = new Views(this.result, this.words, settings, (query) => this.#aside(query), (view) => this.#viewed(view));
  }

  begin() {
    document.getElementById("keys").hidden = false;
    document.getElementById("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    this.cancelling.addEventListener("click", () => this.cancel());
    addEventListener("pagehide", () => this.asking?.abandon());
    if (matchMedia(NARROW).matches) document.getElementById("drawer").open = false;
    document.getElementById("tools").append(this.#share(), this.#code());
    const { line, column } = document.getElementById("editor").dataset;
    if (line) this.editor.mark(Number(line), Number(column), this.words.say("expected"));
    else if (this.settings.runs) this.run();
  }

  async run() {
    await this.cancel();
    const query = this.editor.text;
    const asking = (this.asking = new Asking(this.settings.endpoint, this.settings.running, query));
    this.editor.clear();
    document.getElementById("problem")?.remove();
    this.#busy(asking);
    try {
      const answered = await asking.answer;
      if (this.asking === asking) this.#answered(query, answered);
    } catch (error) {
      if (this.asking === asking) this.#refused(error);
    } finally {
      if (this.asking === asking) this.#idle();
    }
  }

  /** End the query that runs, and say whether the server has. */
  async cancel() {
    const asking = this.asking;
    if (!asking || asking.isOver) return;
    this.asking = null;
    this.#idle();
    asking.answer.catch(() => null);
    const { seconds } = asking;
    const ended = await asking.cancel();
    if (!this.asking) this.#say(this.words.say(ended ? "cancelled" : "left", { seconds: this.words.number(Math.round(seconds * 10) / 10) }));
  }

  #busy(asking) {
    this.cancelling.hidden = false;
    this.result.setAttribute("aria-busy", "true");
    const clock = make("span", { "aria-hidden": "true" });
    this.#say(this.words.say("running"), clock);
    const tick = () => {
      if (this.asking !== asking) return;
      const seconds = asking.seconds;
      if (seconds >= 1) clock.textContent = ` ${this.words.say("seconds", { number: Math.floor(seconds) })}`;
      this.ticking = setTimeout(tick, 500);
    };
    tick();
  }

  #idle() {
    clearTimeout(this.ticking);
    if (this.asking?.isOver) this.asking = null;
    if (document.activeElement === this.cancelling) document.getElementById("run").focus();
    this.cancelling.hidden = true;
    this.result.removeAttribute("aria-busy");
  }

  #answered(query, answered) {
    const answer = readAnswer(answered.type, answered.text);
    const count = Number.isNaN(answered.rows) ? answer.rows.length : answered.rows;
    const { words } = this;
    const took = answered.milliseconds === null ? words.say("fromCache")
      : words.say("milliseconds", { number: words.number(Math.round(answered.milliseconds * 10) / 10) });
    const parts = [took, words.say("release", { id: answered.release }), words.say("complete")];
    const counted = answer.kind === "truth" ? [] : [make("b", {}, words.count(answer.kind === "graph" ? "triples" : "rows", count)), " · "];
    this.#say(...counted, parts.join(" · "));
    this.#hint(query, answered.comparedDates);
    const view = this.first || viewNamed(query) || this.views.current;
    this.first = "";
    this.answered = { query, answer };
    this.#cite(query, answered.release);
    this.views.show(answer, query, view);
    this.#address(query);
  }

  /** The form that stores this result stores the query that was run, on the release that answered. */
  #cite(query, release) {
    this.citing.hidden = !query;
    this.citing.elements.query.value = query;
    this.citing.elements.release.value = release;
  }

  /** What the query probably does not mean. */
  #hint(query, comparedDates) {
    const hint = document.getElementById("hint");
    hint.textContent = [
      query === query.normalize("NFC") ? "" : this.words.say("decomposed"),
      comparedDates ? this.words.say("comparedDates", { variables: comparedDates }) : "",
    ].filter(Boolean).join(" ");
    hint.hidden = !hint.textContent;
  }

  #refused(error) {
    this.#hint("", "");
    this.#cite("", "");
    const problem = error instanceof Refused ? error.problem
      : { title: this.words.say("unreachable", { reason: error.message }), detail: "" };
    const where = problem.line ? this.words.say("atLine", { line: problem.line, column: problem.column ?? 1 }) : "";
    this.#say(make("b", { class: "wrong" }, problem.title), where ? ` · ${where}` : "");
    this.views.clear();
    this.result.replaceChildren(make("div", { class: "problem", id: "problem" },
      make("h2", {}, problem.title), where ? make("p", {}, make("b", {}, where)) : null,
      make("p", { lang: "en" }, problem.detail ?? "")));
    if (problem.line) {
      this.editor.mark(problem.line, problem.column ?? 1, problem.detail ?? problem.title);
      this.editor.focus();
    }
  }

  #say(...parts) {
    this.status.replaceChildren(...parts);
  }

  /** What a view asks beside the query itself, such as where the places of the result are. */
  async #aside(query) {
    const { type, text } = await new Asking(this.settings.endpoint, this.settings.running, query).answer;
    return readAnswer(type, text);
  }

  #viewed(view) {
    if (this.answered) this.#address(this.answered.query, view);
  }

  /** The address says what is seen: it can be sent to somebody, with or without JavaScript. */
  #address(query, view = this.views.current) {
    const address = this.#sharing(this.settings.endpoint, query, view);
    if (address.length <= LONGEST_ADDRESS) history.replaceState(null, "", address);
  }

  #sharing(endpoint, query, view = this.views.current) {
    const lang = new URLSearchParams(location.search).get("lang");
    const named = viewNamed(query) || "table";
    return `${endpoint}?${new URLSearchParams({ query, ...(view && view !== named ? { view } : {}), ...(lang ? { lang } : {}) })}`;
  }

  #share() {
    const fill = (panel) => {
      const query = this.editor.text;
      const root = location.origin;
      panel.replaceChildren(
        this.#copied("share-live", this.words.say("sharedLive"), root + this.#sharing(this.settings.live, query)),
        this.#copied("share-pinned", this.words.say("sharedPinned"), root + this.#sharing(this.settings.pinned, query)));
    };
    return this.#panel("share", fill);
  }

  #code() {
    const fill = async (panel) => {
      const query = this.editor.text;
      const response = await fetch(`${this.settings.code}?${new URLSearchParams({ query })}`).catch((error) => error);
      if (!response.ok) {
        panel.replaceChildren(make("p", {}, this.words.say("unreachable", { reason: response.message ?? response.status })));
        return;
      }
      const { programs } = await response.json();
      const code = make("code", {}, programs[0].code);
      const shown = make("pre", { tabindex: 0, "aria-label": this.words.say("code") }, code);
      const choices = programs.map((program, place) => make("label", {},
        make("input", { type: "radio", name: "code-language", value: program.name, checked: place === 0,
          change: () => { code.textContent = program.code; } }), ` ${program.name}`));
      panel.replaceChildren(make("p", { class: "choices" }, ...choices, this.#copier(() => code.textContent)), shown);
    };
    return this.#panel("code", fill);
  }

  /** A part that opens below the editor, filled anew each time. */
  #panel(name, fill) {
    const panel = make("div", { class: "panel" });
    const details = make("details", { class: "tool", id: name }, make("summary", {}, this.words.say(name)), panel);
    details.addEventListener("toggle", () => { if (details.open) fill(panel); });
    return details;
  }

  #copied(id, label, value) {
    const input = make("input", { id, readonly: true, value, focus: (event) => event.target.select() });
    return make("p", { class: "shared" }, make("label", { for: id }, label), input, this.#copier(() => value));
  }

  #copier(text) {
    const button = make("button", { type: "button" }, this.words.say("copy"));
    button.addEventListener("click", async () => {
      // Without a secure context there is no clipboard: the text can be taken by hand.
      await navigator.clipboard?.writeText(text()).then(() => { button.textContent = this.words.say("copied"); }, () => null);
    });
    return button;
  }
}
