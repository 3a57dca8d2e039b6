// Dialogs: `data-opens="ID"` opens one of the page; a link with `data-dialog` shows the main part of its page in one.

/** @param {string} html @param {string} address */
function show(html, address) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = page.querySelector("main");
  if (!main) { location.assign(address); return; }
  const dialog = document.createElement("dialog");
  dialog.append(...main.childNodes);
  dialog.setAttribute("aria-label", page.querySelector("h1")?.textContent ?? page.title);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("click", async (event) => {
  if (!(event.target instanceof Element) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const closer = event.target.closest("[data-closes]");
  if (closer?.closest("dialog")) { event.preventDefault(); closer.closest("dialog")?.close(); return; }
  const opener = event.target.closest("[data-opens]");
  if (opener instanceof HTMLElement) {
    const dialog = document.getElementById(opener.dataset.opens ?? "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (!(link instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  try {
    const reply = await fetch(link.href, { headers: { accept: "text/html" } });
    if (!reply.ok) { location.assign(link.href); return; }
    show(await reply.text(), link.href);
  } catch { location.assign(link.href); }
});
