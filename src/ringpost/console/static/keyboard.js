// The keyboard: ? the list, / the search, j and k the rows, enter the row, g and a letter a page, u the zone, . what is new.
import { toggleUtc } from "./times.js";

const GO_MS = 1500; // between g and its letter
let goUntil = 0;

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** @param {1 | -1} step */
function walk(step) {
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-row]")]);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next]?.focus();
}

function openRow() {
  const row = document.activeElement?.closest("[data-row]");
  if (row && row === document.activeElement) row.querySelector("a")?.click();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  "?": () => showKeys(),
  "/": () => {
    const search = /** @type {HTMLElement | null} */ (document.querySelector('input[type="search"], [data-search]'));
    search?.focus();
    if (search instanceof HTMLInputElement) search.select();
  },
  j: () => walk(1),
  k: () => walk(-1),
  u: toggleUtc,
  ".": () => { /** @type {HTMLElement | null} */ (document.querySelector("[data-news]:not([hidden])"))?.click(); },
  g: () => { goUntil = Date.now() + GO_MS; },
  Enter: openRow,
};

function showKeys() {
  const list = document.getElementById("keys-help");
  if (!(list instanceof HTMLDialogElement) || list.open) return;
  for (const told of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[data-needs]"))) {
    told.hidden = !document.querySelector(told.dataset.needs ?? "");
  }
  list.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && isTyping(event.target)) { /** @type {HTMLElement} */ (event.target).blur(); return; }
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (Date.now() < goUntil) {
    goUntil = 0;
    const link = /** @type {HTMLAnchorElement | null} */ (document.querySelector(`[data-go="${CSS.escape(event.key)}"]`));
    if (link) { event.preventDefault(); link.click(); return; }
  }
  const act = KEYS[event.key];
  if (!act) return;
  if (event.key !== "Enter") event.preventDefault();
  act();
});
