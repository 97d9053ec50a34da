// Elements of HTML and SVG made from plain values. Nothing here reads markup, so nothing needs to be escaped.

const SVG = "http://www.w3.org/2000/svg";

/** An element of HTML: make("a", { href }, "text", other). A value of null or false leaves its attribute out. */
export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** A picture with its title and description for who does not see it; one with links in it is a group, not an image. */
export function picture(width, height, { title, about, name }, ...children) {
  const id = `picture-${(picture.count = (picture.count ?? 0) + 1)}`;
  const hasLinks = children.flat().some((child) => child.querySelector?.("a[href]") || child.matches?.("a[href]"));
  return draw(
    "svg",
    { viewBox: `0 0 ${round(width)} ${round(height)}`, width, height, class: `drawn drawn-${name}`, role: hasLinks ? "group" : "img",
      "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-about` },
    draw("title", { id: `${id}-title` }, title),
    draw("desc", { id: `${id}-about` }, about),
    ...children,
  );
}

/** A coordinate that is as short as it may be. */
export function round(number) {
  return Math.round(number * 10) / 10;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : typeof value === "number" ? round(value) : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
