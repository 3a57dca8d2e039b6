// Times in the reader's own zone, UTC on hover; the other way round after `u`. The choice stays in this browser.
// Times that are typed (`data-utc`) are in the same zone as those that are shown; addresses have them in UTC.
const KEY = "ringpost-utc";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const utc = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" });

let isUtc = false;
try { isUtc = localStorage.getItem(KEY) === "yes"; } catch { /* no storage: local it is */ }

/** @param {ParentNode} within */
export function showTimes(within) {
  const today = asShown(new Date()).slice(0, 10);
  for (const time of within.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const shown = `${(isUtc ? utc : local).format(at)}`;
    const isShort = time.dataset.only === "time" || (time.dataset.only === "today" && shown.slice(0, 10) === today);
    const text = isShort ? shown.slice(-8) : shown;
    if (time.textContent !== text) time.textContent = text;
    time.title = isUtc ? `${local.format(at)} ${zone}` : `${time.dateTime.replace("T", " ").replace("Z", "")} UTC`;
  }
  for (const field of typedTimes(within)) show(field);
  for (const told of document.querySelectorAll("[data-zone]")) told.textContent = isUtc ? "UTC" : zone;
}

/** @param {ParentNode} within @returns {NodeListOf<HTMLInputElement>} */
function typedTimes(within) { return within.querySelectorAll("input[data-utc]"); }

/** The minute that a field means, in the zone that is shown. @param {HTMLInputElement} field */
function show(field) {
  field.dataset.utc ||= field.value;
  const at = new Date(`${field.dataset.utc}Z`);
  field.value = Number.isNaN(at.getTime()) ? "" : (isUtc ? utc : local).format(at).slice(0, 16).replace(" ", "T");
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || !("utc" in field.dataset)) return;
  const at = new Date(isUtc ? `${field.value}Z` : field.value);
  field.dataset.utc = Number.isNaN(at.getTime()) ? "" : at.toISOString().slice(0, 16);
});
document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement)) return;
  for (const field of typedTimes(event.target)) field.value = field.dataset.utc ?? "";
});
window.addEventListener("pageshow", () => { for (const field of typedTimes(document)) show(field); });

/** A moment as `2026-11-25 17:10:00`, in the zone that is shown. @param {Date} at */
export function asShown(at) { return (isUtc ? utc : local).format(at); }

/** Whether it is UTC; `ringpost:zone` tells the document that it changed. */
export function showsUtc() { return isUtc; }

export function toggleUtc() {
  isUtc = !isUtc;
  try { localStorage.setItem(KEY, isUtc ? "yes" : "no"); } catch { /* it lasts as long as the page */ }
  showTimes(document);
  document.dispatchEvent(new CustomEvent("ringpost:zone"));
}
