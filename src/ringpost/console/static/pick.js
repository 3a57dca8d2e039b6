// Rows that are chosen: a box in each, one for all of them, shift and a click for those between, x on the row.
// Boxes have `data-pick`; `data-pick-all` is the box for all, `data-pick-count` tells how many, `data-picked` acts on them.

let last = -1; // the box that was changed last, by its place

/** @returns {HTMLInputElement[]} */
function boxes() { return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-pick]")]); }

function tell() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  for (const told of document.querySelectorAll("[data-pick-count]")) told.textContent = count ? ` ${count}` : "";
  for (const button of document.querySelectorAll("[data-picked]")) {
    if (button instanceof HTMLButtonElement) button.disabled = count === 0;
  }
  const whole = document.querySelector("[data-pick-all]");
  if (whole instanceof HTMLInputElement) {
    whole.checked = count > 0 && count === all.length;
    whole.indeterminate = count > 0 && count < all.length;
    whole.disabled = all.length === 0;
  }
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  if (box.matches("[data-pick-all]")) for (const one of boxes()) one.checked = box.checked;
  if (box.matches("[data-pick]")) {
    const all = boxes();
    const at = all.indexOf(box);
    if (event.shiftKey && last >= 0) {
      for (const one of all.slice(Math.min(at, last), Math.max(at, last) + 1)) one.checked = box.checked;
    }
    last = at;
  }
  tell();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = document.activeElement;
  if (!(row instanceof HTMLElement) || !row.matches("[data-row]")) return;
  row.querySelector("[data-pick]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
});

// A page that comes back from the history may have its boxes checked; a list that was loaded anew has others.
window.addEventListener("pageshow", tell);
document.addEventListener("htmx:after:swap", () => { last = -1; tell(); });
tell();

export {}; // a module of its own
