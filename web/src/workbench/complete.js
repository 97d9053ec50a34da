// What the editor offers: variables, keywords, prefixes, and the classes, properties and entities of these data.

import { make } from "../lib/make.js";
import { shortened } from "./answer.js";

const KEYWORDS = ["SELECT", "DISTINCT", "WHERE", "FILTER", "OPTIONAL", "GRAPH", "UNION", "MINUS", "VALUES", "BIND", "ORDER BY",
  "GROUP BY", "HAVING", "LIMIT", "OFFSET", "CONSTRUCT", "DESCRIBE", "ASK", "COUNT", "MIN", "MAX", "AVG", "SUM", "SAMPLE",
  "GROUP_CONCAT", "LANG", "STR", "BOUND", "REGEX", "CONTAINS", "STRSTARTS", "YEAR", "NOT EXISTS", "FROM", "PREFIX"];
const MOST = 30;
const SHORTEST_NAME = 2;
const PAUSE = 120; // milliseconds
// Stands before a class: "a", rdf:type and what relates classes.
const BEFORE_CLASS = /(?:^|[\s;{.])(?:a|rdf:type|rdfs:subClassOf|rdfs:domain|rdfs:range)\s+$/;

/** The prefix that ends a line, "city:", if it is known and the query does not declare it yet; else "". */
export function undeclared(text, line, prefixes) {
  const name = /(?:^|[\s({[|/^!,;.])(\w+):$/.exec(line)?.[1] ?? "";
  return name in prefixes && !isDeclared(text, name) && !/prefix\s+\w+:$/i.test(line) ? name : "";
}

export function isDeclared(text, name) {
  return new RegExp(`(?:^|\\n)\\s*prefix\\s+${name}:`, "i").test(text);
}

/** How well a name answers to what was typed: 0 is not at all. */
export function rated(typed, term) {
  const wanted = folded(typed);
  const local = folded(term.name.slice(term.name.indexOf(":") + 1)), label = folded(term.label ?? ""), whole = folded(term.name);
  if (whole.startsWith(wanted)) return 4;
  if (local.startsWith(wanted)) return 3;
  if (label.startsWith(wanted) || label.includes(` ${wanted}`)) return 2;
  return wanted.length > SHORTEST_NAME && (local.includes(wanted) || label.includes(wanted)) ? 1 : 0;
}

/** Letters as the search folds them: İzmir, izmir and ızmır are one. */
export function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("ı", "i").replaceAll("I", "i").toLowerCase();
}

export class Completer {
  constructor(cm, words, settings) {
    this.cm = cm;
    this.words = words;
    this.settings = settings;
    this.vocabulary = null;
  }

  /** What CodeMirror's list of hints takes. */
  async hints() {
    const cursor = this.cm.getCursor();
    const before = this.cm.getLine(cursor.line).slice(0, cursor.ch);
    const typed = /[?$]?[\p{L}\p{N}_]*:?[\p{L}\p{N}_-]*$/u.exec(before)[0];
    const ahead = before.slice(0, before.length - typed.length);
    const candidates = await this.#candidates(typed, ahead, cursor);
    const list = candidates.slice(0, MOST).map((candidate) => this.#hint(candidate));
    return { list, from: { line: cursor.line, ch: ahead.length }, to: cursor };
  }

  async #candidates(typed, ahead, cursor) {
    if (/^[?$]/.test(typed)) return this.#variables(typed);
    const vocabulary = await this.#known();
    if (/prefix\s+$/i.test(ahead)) return this.#prefixes(typed).map((one) => ({ ...one, text: `${one.text} <${one.label}>` }));
    const classes = chosen(typed, vocabulary.classes, "class");
    const properties = chosen(typed, vocabulary.properties, "property");
    if (BEFORE_CLASS.test(ahead)) return classes;
    const isVerb = (this.cm.getTokenAt(cursor, true).state.possibleCurrent ?? []).includes("a");
    if (!typed) return isVerb ? properties : [...classes.slice(0, 8), ...properties.slice(0, 8)];
    const entities = isVerb ? [] : await this.#entities(typed);
    const terms = isVerb ? [...properties, ...classes] : [...entities, ...classes, ...properties];
    const isName = typed.includes(":");
    return [...(isName ? [] : this.#keywords(typed)), ...(isName ? [] : this.#prefixes(typed)), ...terms];
  }

  #variables(typed) {
    const all = new Set(this.cm.getValue().match(/[?$]\w+/g));
    return [...all].filter((name) => name !== typed && name.startsWith(typed)).sort()
      .map((name) => ({ text: name, label: "", kind: "variable" }));
  }

  #keywords(typed) {
    if (typed.length < SHORTEST_NAME) return [];
    return KEYWORDS.filter((word) => word.startsWith(typed.toUpperCase())).map((text) => ({ text, label: "", kind: "keyword" }));
  }

  #prefixes(typed) {
    return Object.entries(this.settings.prefixes).filter(([name]) => name.startsWith(typed.toLowerCase()))
      .map(([name, iri]) => ({ text: `${name}:`, label: iri, kind: "prefix" }));
  }

  /** Entities by name, of the kind that the prefix says: "city:kaz" are cities that begin so. */
  async #entities(typed) {
    const [kind, name] = typed.includes(":") ? typed.split(":") : ["", typed];
    // What stands in capitals is a word of the language; who still types is not asked for yet.
    if (name.length < SHORTEST_NAME || (!kind && name === name.toUpperCase())) return [];
    const before = this.cm.getCursor();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    const now = this.cm.getCursor();
    if (now.line !== before.line || now.ch !== before.ch) return [];
    const asked = new URLSearchParams({ q: name, lang: this.settings.language });
    if (["city", "country", "area", "organisation", "person", "post", "agreement", "event"].includes(kind)) asked.set("type", kind);
    else if (kind) return [];
    const reply = await fetch(`${this.settings.search}?${asked}`).catch(() => null);
    if (!reply?.ok) return [];
    return (await reply.json()).results.map(({ iri, label, type, country }) => ({
      text: shortened(iri, this.settings.prefixes), label: country ? `${label}, ${country}` : label, kind: type,
    }));
  }

  async #known() {
    this.vocabulary ??= fetch(this.settings.vocabulary).then((reply) => reply.json());
    return this.vocabulary.catch(() => ({ classes: [], properties: [] }));
  }

  #hint(candidate) {
    const kind = this.words.said[`kind_${candidate.kind}`] ?? candidate.kind;
    return {
      text: candidate.text,
      hint: (cm, { from, to }) => {
        cm.replaceRange(candidate.text, from, cm.getCursor().ch < to.ch ? to : cm.getCursor(), "complete");
        const name = /^(\w+):/.exec(candidate.text)?.[1];
        if (name && candidate.kind !== "prefix" && name in this.settings.prefixes && !isDeclared(cm.getValue(), name)) {
          cm.replaceRange(`PREFIX ${name}: <${this.settings.prefixes[name]}>\n`, { line: 0, ch: 0 }, { line: 0, ch: 0 }, "prefix");
        }
      },
      render: (element) => element.append(
        make("code", {}, candidate.text), " ", make("span", { class: "said" }, candidate.label ?? ""),
        make("span", { class: "kind" }, candidate.count ? `${kind} · ${this.words.number(candidate.count)}` : kind)),
    };
  }
}

function chosen(typed, terms, kind) {
  return terms.map((term) => ({ term, rating: typed ? rated(typed, term) : 1 })).filter(({ rating }) => rating)
    .sort((a, b) => b.rating - a.rating || b.term.count - a.term.count)
    .map(({ term }) => ({ text: term.name, label: term.label, count: term.count, kind }));
}
