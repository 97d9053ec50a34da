// A term as a reader sees it.

import { make } from "../lib/make.js";
import { numberOf, shortened } from "./answer.js";

const PLAIN = /#(?:string|date|integer|decimal|double|float)$/;

/** A term as an element: things of this site lead to their page here. */
export function termElement(term, settings) {
  if (!term) return "";
  if (term.type === "uri") {
    const text = shortened(term.value, settings.prefixes).replace(/^<|>$/g, "");
    return make("a", { href: addressOf(term.value, settings), title: term.value }, text);
  }
  if (term.type === "bnode") return `_:${term.value}`;
  if (term.type === "triple") return JSON.stringify(term.value);
  const type = term.datatype && !PLAIN.test(term.datatype) ? shortened(term.datatype, settings.prefixes) : null;
  return make("span", { lang: term["xml:lang"], title: type }, term.value);
}

/** Where a thing is answered for: on this site if it is ours and not withdrawn, else where its IRI leads on the web. */
export function addressOf(iri, settings) {
  if (settings.gone?.includes(iri)) return null;
  if (iri.startsWith(settings.base)) return `${settings.site}/${iri.slice(settings.base.length)}`;
  return /^https?:/.test(iri) ? iri : null;
}

/** A term as text. */
export function termText(term, settings) {
  if (!term) return "";
  return term.type === "uri" ? shortened(term.value, settings.prefixes).replace(/^<|>$/g, "") : String(term.value);
}

/** How terms are put in order: numbers by size, text as the language sorts it. */
export function comparison(language, settings) {
  const collator = new Intl.Collator(language, { numeric: true });
  return (a, b) => {
    if (!a || !b) return Number(!a) - Number(!b);
    const [x, y] = [numberOf(a), numberOf(b)];
    return x !== null && y !== null ? x - y : collator.compare(termText(a, settings), termText(b, settings));
  };
}
