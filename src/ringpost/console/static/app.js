// What every page loads. Each module finds its elements by their data attributes; a page without a script works, too.
import { showTimes } from "./times.js";
import "./keyboard.js";
import "./dialogs.js";
import "./forms.js";
import "./live.js";
import { tick } from "./ticking.js";

document.documentElement.dataset.script = "on";
// A page that a form led to has another address for who loads it again: the form must not be sent twice.
const here = document.querySelector('meta[name="here"]')?.getAttribute("content");
if (here) history.replaceState(null, "", here);
showTimes(document);
// What is put into the page has times, too.
for (const name of ["htmx:after:swap", "ringpost:rows"]) document.addEventListener(name, () => { showTimes(document); tick(); });
// Our forms' token goes with whatever htmx sends.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content");
  const { ctx } = /** @type {CustomEvent} */ (event).detail;
  if (token && ctx?.request?.headers) ctx.request.headers["x-csrf-token"] = token;
});
