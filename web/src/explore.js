// Folds what would fill the first screen of a telephone: `data-fold` is the width below which it begins folded.

for (const one of document.querySelectorAll("details[data-fold]")) {
  if (window.innerWidth < Number(one.dataset.fold)) one.open = false;
}
