// A button beside each example that copies it; without a clipboard there is no button, and the text can be marked.

const said = document.querySelector("script[data-copied]")?.dataset ?? { copy: "Copy", copied: "Copied" };

if (navigator.clipboard) {
  for (const example of document.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = said.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(example.innerText);
      button.textContent = said.copied;
      setTimeout(() => { button.textContent = said.copy; }, 2000);
    });
    example.before(button);
  }
}
