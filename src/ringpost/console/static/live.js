// Live pages: the server says what changed, and the elements that show it are loaded anew from the page's own address.
// Nothing moves under a pointer: while it is over such an element, what is new waits until it leaves; save where
// `data-moves` says that there is nothing to be clicked. In a list whose rows are of a kind (`data-rows`, its name), rows
// that are there change meanwhile, save the one that is pointed at, and a button (`data-news`) tells how
// many are new and brings them. What would move the row that is pointed at waits, too.
import { showTimes } from "./times.js";

/** @typedef {{topic: string, company: string, about: string}} Change */
/** @type {any} */
const htmx = /** @type {any} */ (window).htmx;
const SOON_MS = 400;
const state = document.getElementById("live-state");
/** @type {Set<string>} */
const stale = new Set();
// Where the stream was when this page was read: what came since then is told first.
let last = document.querySelector('meta[name="live-at"]')?.getAttribute("content") ?? "";
/** @type {EventSource | null} */
let source = null;
let timer = 0;

/** @param {string} text */
function tell(text) { if (state && state.textContent !== text) state.textContent = text; }

/** @returns {HTMLElement[]} */
function parts() { return /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-live]")]); }

/** Rows that are chosen stay where they are. @param {HTMLElement} part */
function isChosen(part) { return part.querySelector("[data-pick]:checked") !== null; }

/** @param {HTMLElement} part */
function isBusy(part) {
  return (part.matches(":hover") && !("moves" in part.dataset)) || part.contains(document.activeElement) || isChosen(part) || document.querySelector("dialog[open]") !== null;
}

/** When a part that is not to be loaded too often (`data-at-most`, ms) was loaded last. @type {Map<string, number>} */
const loaded = new Map();

async function refresh() {
  timer = 0;
  for (const part of parts().filter((one) => stale.has(one.id))) {
    const wait = (loaded.get(part.id) ?? 0) + Number(part.dataset.atMost ?? 0) - Date.now();
    if (wait > 0) { if (!timer) timer = window.setTimeout(refresh, wait); continue; }
    if (isBusy(part)) {
      if (part.dataset.rows && document.querySelector("dialog[open]") === null) { await renew(part); continue; }
      tell(isChosen(part) ? "There is news; it is shown when no row is chosen." : "There is news; it is shown when the pointer leaves the list.");
      continue;
    }
    await bring(part);
  }
}

/** The part as it is now. @param {HTMLElement} part */
async function bring(part) {
  stale.delete(part.id);
  loaded.set(part.id, Date.now());
  showNews(part, 0);
  await htmx.ajax("GET", location.pathname + location.search, { source: part, target: part, select: `#${part.id}`, swap: "outerMorph" });
  tell("Live.");
}

/** Whether rows wait for the pointer, or the focus, to go to another row. */
let isHeld = false;

/** A row without how long it goes on, which is counted here. @param {Element} row */
function told(row) { return row.innerHTML.replace(/data-elapsed="\d+">[^<]*/g, ""); }

/** The row that must not move. @param {HTMLElement} part @returns {HTMLElement | null} */
function pointedAt(part) { return part.querySelector("[data-row]:hover") ?? part.querySelector("[data-row]:focus-within"); }

/** Where its cells are (pixels). @param {HTMLElement} row */
function places(row) {
  return [row, ...row.children].map((one) => { const { left, top } = one.getBoundingClientRect(); return { left, top }; });
}

/** Makes a change; what moves the row is made up for by scrolling, or else not made. @param {HTMLElement | null} still @param {() => void} act @param {() => void} undo */
function unmoved(still, act, undo) {
  const before = still && places(still);
  act();
  if (!still || !before) return;
  const down = still.getBoundingClientRect().top - (before[0]?.top ?? 0);
  if (down) scrollBy({ top: down, behavior: "instant" });
  const after = places(still);
  if (before.every((one, at) => Math.abs(one.left - (after[at]?.left ?? 0)) < 1 && Math.abs(one.top - (after[at]?.top ?? 0)) < 1)) return;
  undo();
  isHeld = true;
  const back = still.getBoundingClientRect().top - (before[0]?.top ?? 0);
  if (back) scrollBy({ top: back, behavior: "instant" });
}

/** A row that is not of the list any more stays until the list is brought, but counts no further. @param {HTMLElement} row */
function leave(row) {
  row.classList.add("gone");
  row.title = "It is not of this list any more.";
  for (const one of row.querySelectorAll("[data-elapsed]")) one.removeAttribute("data-elapsed");
}

/** The rows that are there, as they are now; the list stays as long as it is. @param {HTMLElement} part */
async function renew(part) {
  let page;
  try {
    const reply = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
    if (!reply.ok) return;
    page = new DOMParser().parseFromString(await reply.text(), "text/html");
  } catch { return; } // the stream says by itself that the service does not answer
  showNews(part, [...page.querySelectorAll(`#${part.id} [data-row][id]`)].filter((row) => !document.getElementById(row.id)).length);
  showTimes(page);
  isHeld = false;
  const still = pointedAt(part);
  const rows = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-row][id]")]);
  // Those after the last that is still there may be on the next page.
  const lastKept = page.querySelector("a[rel=next]") ? rows.map((row) => page.getElementById(row.id) !== null).lastIndexOf(true) : rows.length;
  for (const [at, row] of rows.entries()) {
    const now = page.getElementById(row.id);
    if (!now) { if (at < lastKept) leave(row); continue; }
    row.classList.remove("gone");
    row.removeAttribute("title");
    if (told(now) === told(row)) continue;
    if (row.matches(":hover") || row.contains(document.activeElement)) { isHeld = true; continue; }
    const old = [...row.childNodes];
    const fresh = [...now.childNodes];
    unmoved(still, () => row.replaceChildren(...fresh), () => row.replaceChildren(...old));
  }
  document.dispatchEvent(new CustomEvent("ringpost:rows"));
}

/** @param {HTMLElement} part @param {number} count */
function showNews(part, count) {
  const button = document.querySelector(`[data-news="${CSS.escape(part.id)}"]`);
  if (!(button instanceof HTMLElement)) return;
  button.hidden = count === 0;
  const text = count === 1 ? `1 new ${part.dataset.rows}: show it` : `${count} new ${part.dataset.rows}s: show them`;
  if (count && button.textContent !== text) button.textContent = text;
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-news]") : null;
  const part = button instanceof HTMLElement ? document.getElementById(button.dataset.news ?? "") : null;
  if (part) bring(part);
});

function soon() { if (!timer) timer = window.setTimeout(refresh, SOON_MS); }

/** @param {Change} change */
function mark(change) {
  for (const part of parts()) {
    const topics = (part.dataset.live ?? "").split(" ");
    if (change.topic === "all" || topics.includes(change.topic)) stale.add(part.id);
  }
  if (stale.size) soon();
}

function follow() {
  if (source || document.hidden || !parts().length) return;
  const address = new URL("/live", location.href);
  const company = new URLSearchParams(location.search).get("company");
  if (company) address.searchParams.set("company", company);
  if (last) address.searchParams.set("after", last);
  source = new EventSource(address);
  source.addEventListener("open", () => tell("Live."));
  source.addEventListener("error", () => tell("The service does not answer; trying again …"));
  source.addEventListener("change", (message) => {
    last = message.lastEventId;
    mark(JSON.parse(message.data));
  });
}

// A browser has six connections to a host: a page that nobody sees lets go of its own, and goes on where it was.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; } else follow();
});
/** Whether that leaves something that held news back; within a list, a row. @param {PointerEvent | FocusEvent} event */
function lets({ target, relatedTarget }) {
  const from = target instanceof Element ? target : null;
  const to = relatedTarget instanceof Element ? relatedTarget : null;
  const part = from?.closest("[data-live]");
  if (!part || !to || !part.contains(to)) return true;
  return isHeld && from?.closest("[data-row]") !== to.closest("[data-row]");
}

for (const name of /** @type {const} */ (["pointerout", "focusout"])) {
  document.addEventListener(name, (event) => { if (stale.size && lets(event)) soon(); });
}
follow();
