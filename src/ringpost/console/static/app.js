// What every page loads. Each module finds its elements by their data attributes; a page without a script works, too.
import { showTimes } from "./times.js";
import "./keyboard.js";
import "./dialogs.js";
import "./forms.js";
import "./live.js";

document.documentElement.dataset.script = "on";
showTimes(document);
// What htmx puts into the page: its times, too; and our forms' token with whatever htmx sends.
document.addEventListener("htmx:after:swap", () => showTimes(document));
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content");
  const { ctx } = /** @type {CustomEvent} */ (event).detail;
  if (token && ctx?.request?.headers) ctx.request.headers["x-csrf-token"] = token;
});
