// Times in the reader's own zone, UTC on hover; the other way round after `u`. The choice stays in this browser.
const KEY = "ringpost-utc";
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const utc = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" });

let isUtc = false;
try { isUtc = localStorage.getItem(KEY) === "yes"; } catch { /* no storage: local it is */ }

/** @param {ParentNode} within */
export function showTimes(within) {
  for (const time of within.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const shown = `${(isUtc ? utc : local).format(at)}`;
    const text = time.dataset.only === "time" ? shown.slice(-8) : shown;
    if (time.textContent !== text) time.textContent = text;
    time.title = isUtc ? `${local.format(at)} ${zone}` : `${time.dateTime.replace("T", " ").replace("Z", "")} UTC`;
  }
  const told = document.querySelector("[data-zone]");
  if (told) told.textContent = isUtc ? "UTC" : zone;
}

export function toggleUtc() {
  isUtc = !isUtc;
  try { localStorage.setItem(KEY, isUtc ? "yes" : "no"); } catch { /* it lasts as long as the page */ }
  showTimes(document);
}
