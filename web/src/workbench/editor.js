// The editor: Yasqe's grammar and colours, our completion, and nothing that it would ask of other hosts.

import Yasqe from "@zazuko/yasqe";
import { make } from "../lib/make.js";
import { Completer, undeclared } from "./complete.js";

const TYPING = /^[\p{L}\p{N}:?$_-]$/u;

// Yasqe draws buttons, a tooltip made of markup with styles in it (which our policy forbids) and a handle; we do not.
Yasqe.prototype.drawButtons = () => {};
Yasqe.prototype.drawResizer = () => {};
Yasqe.prototype.updateQueryButton = () => {};
Yasqe.prototype.saveQuery = () => {};
Yasqe.prototype.autocomplete = () => {};
Yasqe.prototype.checkSyntax = () => {};

/** The grammar with prefixes that are known without being declared, as they are to the endpoint. */
function knowing(prefixes) {
  const plain = Yasqe.modes.sparql11;
  Yasqe.defineMode("sparql11", (...given) => {
    const mode = plain(...given);
    return { ...mode, startState: (...at) => ({ ...mode.startState(...at), prefixes: { ...prefixes } }) };
  });
}

/** An editor in place of a text area, which stays in the form and follows it. */
export class Editor {
  constructor(area, words, settings, { run }) {
    this.area = area;
    this.words = words;
    this.prefixes = settings.prefixes;
    knowing(settings.prefixes);
    const place = make("div", { class: "code" });
    area.after(place);
    area.hidden = true;
    this.yasqe = new Yasqe(place, {
      value: area.value,
      persistenceId: null, // nothing is remembered: the address is the state
      consumeShareLink: null,
      createShareableLink: null,
      autocompleters: [],
      resizeable: false,
      editorHeight: "auto",
      foldGutter: false,
      gutters: ["gutterErrorBar", "CodeMirror-linenumbers"],
      highlightSelectionMatches: false,
      indentUnit: 2,
      tabSize: 2,
      viewportMargin: Infinity,
      // In its other style, contenteditable, CodeMirror 5 loses an "ı" that is put in without a key of its own.
      inputStyle: "textarea",
      screenReaderLabel: words.say("editor"),
      extraKeys: {
        "Ctrl-Enter": run, "Cmd-Enter": run,
        "Ctrl-Space": () => this.complete(),
        // Tab goes on to what follows, as everywhere; lists of completions take it while they are open.
        Tab: false, "Shift-Tab": false,
        "Ctrl-/": (editor) => editor.toggleComment(),
        Esc: (editor) => editor.getInputField().blur(),
      },
    });
    this.cm = this.yasqe;
    const input = this.cm.getInputField();
    input.id = "editor-input";
    input.setAttribute("aria-describedby", "keys");
    this.completer = new Completer(this.cm, words, settings);
    this.cm.on("change", () => this.#changed());
    this.cm.on("inputRead", (_, change) => this.#typed(change));
    this.#checked();
  }

  get text() {
    return this.cm.getValue();
  }

  set text(value) {
    this.cm.setValue(value);
  }

  focus() {
    this.cm.focus();
  }

  complete() {
    this.cm.showHint({
      hint: () => this.completer.hints(),
      completeSingle: false,
      closeCharacters: /[\s()[\]{};,."']/,
      container: this.cm.getWrapperElement().parentElement,
    });
  }

  /** Show where the server found an error; lines and columns count from one. */
  mark(line, column, message) {
    this.clear();
    const at = { line: line - 1, ch: Math.max(0, column - 1) };
    const found = this.cm.getLine(at.line) ?? "";
    // What stands at the end of a line is marked by its last letter.
    const from = at.ch < found.length ? at : { line: at.line, ch: Math.max(0, found.length - 1) };
    const to = { line: at.line, ch: Math.max(from.ch + 1, found.slice(from.ch).search(/\s|$/) + from.ch) };
    this.marked = this.cm.markText(from, to, { className: "wrong" });
    this.wrongLine = this.cm.addLineClass(at.line, "background", "wrong-line");
    this.cm.setGutterMarker(at.line, "gutterErrorBar", make("span", { class: "sign", title: message }, "✕"));
    this.cm.setCursor(at);
    this.cm.scrollIntoView(at, 60);
  }

  clear() {
    this.marked?.clear();
    if (this.wrongLine) this.cm.removeLineClass(this.wrongLine, "background", "wrong-line");
    this.marked = this.wrongLine = null;
    this.cm.clearGutter("gutterErrorBar");
  }

  #changed() {
    this.area.value = this.text;
    this.clear();
    this.#checked();
  }

  /** The first place at which the grammar says that no query goes on so; nothing while the last line is being typed. */
  #checked() {
    for (let line = 0; line < this.cm.lineCount(); line++) {
      const { state } = this.cm.getTokenAt({ line, ch: this.cm.getLine(line).length }, true);
      if (state.OK !== false) continue;
      this.cm.setGutterMarker(line, "gutterErrorBar", make("span", { class: "sign", title: this.words.say("expected") }, "!"));
      return;
    }
  }

  #typed(change) {
    const typed = change.text.at(-1);
    if (change.origin !== "+input" || change.text.length > 1 || !TYPING.test(typed)) return;
    if (typed === ":") this.#declare();
    if (!this.cm.state.completionActive) this.complete();
  }

  /** Declare the prefix that has just been typed, if we know it: so that the query runs elsewhere too. */
  #declare() {
    const { line, ch } = this.cm.getCursor();
    const name = undeclared(this.text, this.cm.getLine(line).slice(0, ch), this.prefixes);
    if (name) this.declare(name);
  }

  declare(name) {
    this.cm.replaceRange(`PREFIX ${name}: <${this.prefixes[name]}>\n`, { line: 0, ch: 0 }, { line: 0, ch: 0 }, "prefix");
  }
}
