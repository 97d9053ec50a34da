// Builds the front end into src/citygraph/web/static/built/: scripts, styles, fonts, outlines, licences, a manifest.
//
// Everything is written to a folder beside it, which then takes its place: a build that fails leaves the last one.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import subset from "subset-font";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] || join(here, "../src/citygraph/web/static/built");
const staged = `${target}.${process.pid}`;
const packages = join(here, "node_modules");
const require = createRequire(import.meta.url);

// What is kept of each subset of the fonts: Latin with the letters of Turkish, Azerbaijani and Central Europe, Cyrillic.
const KEPT = {
  "latin": "U+0020-007E, U+00A0-00FF, U+0131, U+0152-0153, U+2013-2014, U+2018-201A, U+201C-201E, U+2020-2022, U+2026, "
    + "U+2030, U+2039-203A, U+20AC, U+2122, U+2190-2193, U+2212",
  "latin-ext": "U+0100-0130, U+0132-0151, U+0154-017F, U+018F, U+0218-021B, U+0259, U+1E9E, U+20BA",
  "cyrillic": "U+0301, U+0400-045F, U+0490-0491, U+2116",
  "cyrillic-ext": "U+0460-048F, U+0492-04FF",
};
// Two weights are used, and sizes from 14 to 44: the rest of the axes is left out. Without alternates (small capitals,
// old figures) the serif is a fifth lighter; the sans keeps them, for tables need figures of one width.
const SERIF = { variationAxes: { wght: { min: 400, max: 600 }, opsz: { min: 14, max: 44 } }, noLayoutClosure: true };
const FONTS = [
  { package: "@fontsource-variable/source-serif-4", css: "opsz.css", options: SERIF },
  { package: "@fontsource/ibm-plex-sans", css: "400.css" },
  { package: "@fontsource/ibm-plex-sans", css: "600.css" },
  { package: "@fontsource/ibm-plex-mono", css: "400.css" },
];
// The previews of pages are drawn by the server, which reads whole fonts in TTF alone: their own files, in two weights.
const CARDS = [
  { package: "@expo-google-fonts/source-serif-4", file: "600SemiBold/SourceSerif4_600SemiBold.ttf", name: "source-serif-4" },
  { package: "@expo-google-fonts/ibm-plex-sans", file: "400Regular/IBMPlexSans_400Regular.ttf", name: "ibm-plex-sans" },
];
const OUTLINES = ["land-110m.json", "countries-110m.json"];
const COMPRESSED = /\.(js|css|json|txt|svg)$/;

const entries = {}; // what pages ask for by name -> the file's name, with its hash

/** The editor's storage library would fall back to cookies; this site sets none, so the fallback is taken out. */
const withoutCookies = {
  name: "without-cookies",
  setup(building) {
    building.onLoad({ filter: /yasqe\.esm\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf-8");
      const contents = text.replace(/\brequire_cookieStorage\(\),\s*/, "");
      if (contents === text) throw new Error("yasqe stores in another way than before: see whether it sets cookies");
      return { contents, loader: "js" };
    });
  },
};

await rm(staged, { recursive: true, force: true });
await mkdir(staged, { recursive: true });
try {
  const used = await bundle();
  await fonts();
  await cards();
  await outlines();
  await licences(used);
  const files = await compressed();
  await writeFile(join(staged, "manifest.json"), `${JSON.stringify({ versions: await versions(), entries, files }, null, 1)}\n`);
  await rm(target, { recursive: true, force: true });
  await rename(staged, target);
} finally {
  await rm(staged, { recursive: true, force: true });
}

/** Our scripts and styles: each file directly in src/ is one that a page may ask for. */
async function bundle() {
  const names = (await readdir(join(here, "src"))).filter((name) => /\.(js|css)$/.test(name) && !name.includes(".test."));
  const result = await build({
    absWorkingDir: here,
    entryPoints: names.map((name) => join("src", name)),
    outdir: staged,
    entryNames: "[name]-[hash]",
    chunkNames: "shared-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022", "chrome105", "firefox110", "safari16"],
    minify: true,
    metafile: true,
    legalComments: "none", // they stand in licences.txt, whole
    plugins: [withoutCookies],
    logLevel: "warning",
  });
  for (const [path, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint) entries[basename(output.entryPoint)] = basename(path);
  }
  return new Set(Object.keys(result.metafile.inputs).map(packageOf).filter(Boolean));
}

/** fonts.css: the faces of the letters we need, each loaded only where a page has them. */
async function fonts() {
  await mkdir(join(staged, "fonts"));
  const faces = [];
  for (const font of FONTS) {
    const css = await readFile(join(packages, font.package, font.css), "utf-8");
    for (const face of css.match(/@font-face \{[^}]*\}/g)) {
      const file = face.match(/url\(\.\/files\/([^)]+\.woff2)\)/)[1];
      const kept = KEPT[file.match(/-(latin|cyrillic|greek|vietnamese)(-ext)?-/).slice(1).join("")];
      if (!kept) continue;
      const whole = await readFile(join(packages, font.package, "files", file));
      const data = await subset(whole, lettersOf(kept), { targetFormat: "woff2", ...font.options });
      const name = `fonts/${file.replace(/\.woff2$/, "")}-${hashed(data)}.woff2`;
      await writeFile(join(staged, name), data);
      entries[`fonts/${file}`] = name;
      faces.push(face
        .replace(/src: [^;]+;/, `src: url(${name}) format("woff2");`)
        .replace(/font-weight: 200 900;/, "font-weight: 400 600;")
        .replace(/unicode-range: [^;]+;/, `unicode-range: ${kept};`));
    }
  }
  const text = `${faces.join("\n")}\n`;
  entries["fonts.css"] = `fonts-${hashed(text)}.css`;
  await writeFile(join(staged, entries["fonts.css"]), text);
}

/** cards/: the fonts of the previews, with all letters that we keep in one file. */
async function cards() {
  await mkdir(join(staged, "cards"));
  for (const font of CARDS) {
    const whole = await readFile(join(packages, font.package, font.file));
    const kept = Object.values(KEPT).map(lettersOf).join("");
    const data = await subset(whole, kept, { targetFormat: "truetype", noLayoutClosure: true });
    entries[`cards/${font.name}.ttf`] = `cards/${font.name}-${hashed(data)}.ttf`;
    await writeFile(join(staged, entries[`cards/${font.name}.ttf`]), data);
  }
}

/** All characters of a unicode-range. */
function lettersOf(ranges) {
  return ranges.split(", ").map((range) => {
    const [first, last = first] = range.slice(2).split("-").map((code) => parseInt(code, 16));
    return String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, place) => first + place));
  }).join("");
}

/** Outlines of land and countries (Natural Earth, public domain), under their own names: the server reads them too. */
async function outlines() {
  await mkdir(join(staged, "world"));
  for (const name of OUTLINES) {
    await cp(join(packages, "world-atlas", name), join(staged, "world", name));
    entries[`world/${name}`] = `world/${name}`;
  }
}

/** The licences of all that went into the bundles, and of fonts and outlines. */
async function licences(used) {
  const names = new Set([...used, ...(await insideYasqe()), ...[...FONTS, ...CARDS].map((font) => font.package), "world-atlas"]);
  const texts = [];
  for (const name of [...names].sort()) {
    const folder = join(packages, name);
    const there = await readdir(folder).catch(() => []);
    const file = there.find((one) => /^(licen[cs]e|copying)(\.|$)/i.test(one));
    const { version, license } = there.length ? await described(name) : { version: "", license: "inside @zazuko/yasqe" };
    const text = file ? await readFile(join(folder, file), "utf-8") : `https://www.npmjs.com/package/${name}`;
    texts.push(`${name} ${version} (${license})\n${"=".repeat(72)}\n\n${text.trim()}\n`);
  }
  entries["licences.txt"] = "licences.txt";
  await writeFile(join(staged, "licences.txt"), texts.join("\n\n"));
}

/** The packages that the editor's own bundle contains already. */
async function insideYasqe() {
  const map = JSON.parse(await readFile(join(packages, "@zazuko/yasqe/build/yasqe.esm.js.map"), "utf-8"));
  return map.sources.map(packageOf).filter(Boolean);
}

/** Each text beside itself in gzip and brotli, so that no server has to press it; answers all files by size. */
async function compressed() {
  const files = {};
  for (const path of await everyFile(staged)) {
    const data = await readFile(path);
    const name = relative(staged, path).replaceAll("\\", "/");
    files[name] = { size: data.length, hash: hashed(data) };
    if (!COMPRESSED.test(name)) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length };
    await writeFile(`${path}.br`, brotliCompressSync(data, { params }));
    await writeFile(`${path}.gz`, gzipSync(data, { level: 9 }));
  }
  return files;
}

async function versions() {
  const { dependencies } = require("./package.json");
  const found = {};
  for (const name of Object.keys(dependencies)) found[name] = (await described(name)).version;
  return found;
}

async function described(name) {
  return JSON.parse(await readFile(join(packages, name, "package.json"), "utf-8"));
}

async function everyFile(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath ?? one.path, one.name)).sort();
}

function packageOf(path) {
  const after = path.split("node_modules/").at(-1);
  return path.includes("node_modules/") ? after.split("/").slice(0, after.startsWith("@") ? 2 : 1).join("/") : "";
}

function hashed(data) {
  return createHash("sha256").update(data).digest("hex").slice(0, 10);
}
