// A map and its register, row beside row: what is pointed at or has the keyboard in one is lit in the other.

for (const atlas of document.querySelectorAll("[data-atlas]")) {
  const ties = new Map();
  for (const element of atlas.querySelectorAll("[data-n]")) {
    const number = element.getAttribute("data-n");
    ties.set(number, [...(ties.get(number) ?? []), element]);
  }

  let lit = "";
  const light = (number) => {
    if (number === lit) return;
    for (const element of ties.get(lit) ?? []) element.classList.remove("lit");
    for (const element of ties.get(number) ?? []) element.classList.add("lit");
    atlas.classList.toggle("has-lit", ties.has(number));
    lit = number;
  };
  const number = (event) => event.target.closest?.("[data-n]")?.getAttribute("data-n") ?? "";

  atlas.addEventListener("pointerover", (event) => light(number(event)));
  atlas.addEventListener("pointerleave", () => light(""));
  atlas.addEventListener("focusin", (event) => light(number(event)));
  atlas.addEventListener("focusout", () => light(""));
}
