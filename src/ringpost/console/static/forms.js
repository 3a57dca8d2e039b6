// Small comforts of forms: a choice that submits at once, no empty values in an address, a copy button, a file's text
// (`data-into`), and words for what takes a while (`data-waits`).

/** @param {HTMLFormElement} form */
function leaveOutEmpty(form) {
  for (const field of form.elements) {
    if ((field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.value === "") field.disabled = true;
  }
}

document.addEventListener("change", (event) => {
  const field = event.target;
  if (!(field instanceof HTMLSelectElement)) return;
  if (field.matches("[data-submits]") || field.form?.matches("[data-chooser]")) field.form?.requestSubmit();
});

document.addEventListener("submit", (event) => {
  if (event.target instanceof HTMLFormElement && event.target.method === "get") leaveOutEmpty(event.target);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.dataset.waits) return;
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  told.dataset.waiting = "";
  form.append(told);
  told.textContent = ` ${form.dataset.waits}`; // after it is there, so that it is read out
  for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
});

// A page that comes back from the history has its fields again.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[method=get] :disabled, [data-waits] :disabled")) field.removeAttribute("disabled");
  for (const told of document.querySelectorAll("[data-waiting]")) told.remove();
});

// A file from the disk: its text goes into another field, so that the form is as it is without a script.
document.addEventListener("change", async (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement) || field.type !== "file" || !field.dataset.into) return;
  const into = document.getElementById(field.dataset.into);
  const file = field.files?.[0];
  if (into instanceof HTMLTextAreaElement && file) into.value = await file.text();
});

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copies]") : null;
  if (!(button instanceof HTMLElement)) return;
  const source = document.getElementById(button.dataset.copies ?? "");
  if (!source) return;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(source);
    button.textContent = "Selected: copy it";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
});
