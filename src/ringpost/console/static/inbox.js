// Adds what arrives to the inbox's list while the page is open. Rows come rendered and escaped by the server.
import { showTimes } from "./times.js";

const rows = /** @type {HTMLElement} */ (document.getElementById("rows"));
const state = /** @type {HTMLElement} */ (document.getElementById("state"));
const empty = /** @type {HTMLElement} */ (document.getElementById("empty"));
const kept = 500;

/** @param {string} id */
function count(id) {
  const output = document.getElementById(id);
  if (output) output.textContent = String(Number(output.textContent) + 1);
}

const source = new EventSource(`/inbox/stream?after=${state.dataset.after}`);
source.addEventListener("open", () => { state.textContent = "Live: events appear as they arrive."; });
source.addEventListener("error", () => { state.textContent = "The service does not answer; trying again …"; });
source.addEventListener("received", (message) => {
  const template = document.createElement("template");
  template.innerHTML = message.data;
  showTimes(template.content);
  count(template.content.querySelector(".bad") ? "refused" : "verified");
  rows.prepend(template.content);
  state.dataset.after = message.lastEventId;
  while (rows.children.length > kept) rows.lastElementChild?.remove();
  empty.hidden = true;
});
