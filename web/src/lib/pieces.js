// A name in pieces, each with whether it was looked for, as nodes: what was looked for stands in <mark>.

export function piecesOf(pieces) {
  return pieces.map(([text, isIt]) => {
    if (!isIt) return document.createTextNode(text);
    const mark = document.createElement("mark");
    mark.textContent = text;
    return mark;
  });
}
