// The search of a frozen site: the browser looks through search-index.json, by the same fold as the server.

const MOST = 60;
// As text.py, matching/lookup.py and web/search/search_page.py read them on the server.
const ITEM = /^(?:wd:|https?:\/\/(?:(?:www|m)\.)?wikidata\.org\/(?:entity|wiki)\/)?[Qq]([1-9]\d*)\/?(?:[?#]\S*)?$/;
const IDENTIFIER = /^([a-z]+)[:/]([^/:\s]+)\/?$/;
const ADDRESS = /^(?:https?:\/\/\S+)?\/(?:id|doc)\/([a-z]+)\/([^/:?#\s]+?)(?:\.html|\/)?(?:[?#]\S*)?$/;

/** Text in its search form: what text.fold does, with the table of letters that the index brings. */
export function fold(text, letters) {
  let plain = "";
  for (const letter of text.normalize("NFC")) plain += letter < "\x80" ? letter : letters[letter] ?? "";
  return plain.toLowerCase().replace(/['`]/g, "").replace(/[^a-z0-9]+/g, " ").trim();
}

/** What a text identifies; else what has its words, the last of them as a beginning, best first, each thing once. */
export function find(index, text, most = MOST) {
  const exact = identified(index, text.normalize("NFC").trim());
  if (exact.length) return exact;
  const folded = fold(text, index.letters);
  if (!folded) return [];
  const words = folded.split(" ");
  const last = words.pop();
  const found = [];
  for (const [path, country, names] of index.things) {
    let best;
    for (const [name, language, preferred, form] of names) {
      const known = form || name;
      const parts = known.split(" ");
      if (!words.every((word) => parts.includes(word)) || !parts.some((part) => part.startsWith(last))) continue;
      const rank = known === folded ? 0 : known.startsWith(folded) ? 1 : 2;
      const hit = { path, country, name, language, rank, preferred, length: known.length };
      if (!best || before(hit, best) < 0) best = hit;
    }
    if (best) found.push(best);
  }
  return found.sort(before).slice(0, most);
}

/** The things with this identifier, such as city:izmir, at this address, or with this item of Wikidata. */
function identified(index, text) {
  const item = ITEM.exec(text)?.[1];
  const path = (ADDRESS.exec(text) ?? IDENTIFIER.exec(text))?.slice(1).join("/");
  const things = index.things.filter(([own, , , items = []]) =>
    item ? items.includes(`Q${item}`) : path && (own === path || inAddress(own) === path));
  return things.map(([own, country]) => ({ path: own, country, name: "" }));
}

function inAddress(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** An exact name before one that begins so, a label before an alias, a short one before a long one. */
function before(one, other) {
  return one.rank - other.rank || other.preferred - one.preferred || one.length - other.length
    || (one.path < other.path ? -1 : one.path > other.path ? 1 : 0);
}

/** The name of a thing in the reader's language, or English, or any. */
export function label(index, path, language) {
  const names = index.things.find((thing) => thing[0] === path)?.[2].filter((name) => name[2]) ?? [];
  // The language itself, then its variants: en-gb is English.
  const of = (wanted) => names.find((name) => name[1] === wanted) ?? names.find((name) => name[1].startsWith(`${wanted}-`));
  return (of(language) ?? of("en") ?? names[0])?.[0] ?? path;
}

function show(place, index, text) {
  const language = document.documentElement.lang;
  const kinds = JSON.parse(place.dataset.kinds);
  const groups = new Map();
  for (const hit of find(index, text)) {
    const kind = hit.path.split("/")[0];
    groups.set(kind, [...(groups.get(kind) ?? []), hit]);
  }
  const made = [...groups].map(([kind, hits]) => {
    const section = element("section", "results", element("h2", "", kinds[kind] ?? kind));
    const list = element("ul", "found");
    for (const hit of hits) list.append(listed(place, index, hit, language));
    section.append(list);
    return section;
  });
  place.replaceChildren(...(made.length || !text ? made : [element("p", "", place.dataset.none)]));
}

function listed(place, index, hit, language) {
  const name = label(index, hit.path, language);
  const link = element("a", "", name);
  link.href = `${place.dataset.pages}doc/${inAddress(hit.path)}`;
  const item = element("li", "", link);
  if (hit.name && fold(name, index.letters) !== fold(hit.name, index.letters)) {
    const other = element("span", "", hit.name);
    if (hit.language) other.lang = hit.language;
    item.append(" ", element("span", "second", `${place.dataset.also} `, other));
  }
  if (hit.country && hit.country !== hit.path) item.append(" ", element("span", "kind", label(index, hit.country, language)));
  return item;
}

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

async function start(place) {
  const text = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const input = document.querySelector("form.search input[name=q]");
  input.value = text;
  try {
    const response = await fetch(place.dataset.index);
    if (!response.ok) throw new Error(response.status);
    const index = await response.json();
    show(place, index, text);
    input.addEventListener("input", () => show(place, index, input.value));
  } catch {
    place.textContent = place.dataset.failed;
  }
}

const place = globalThis.document?.getElementById("found");
if (place) start(place);
