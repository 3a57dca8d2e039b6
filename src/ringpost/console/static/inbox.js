// Adds what arrives to the inbox's list while the page is open. Rows come rendered and escaped by the server.
const rows = document.getElementById("rows");
const state = document.getElementById("state");
const kept = 500;

/** @param {ParentNode} within */
function showLocalTimes(within) {
  for (const time of within.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleTimeString();
  }
}

/** @param {string} id */
function count(id) {
  const output = document.getElementById(id);
  output.textContent = String(Number(output.textContent) + 1);
}

function follow() {
  const source = new EventSource(`/inbox/stream?after=${state.dataset.after}`);
  source.addEventListener("open", () => { state.textContent = "Live: events appear as they arrive."; });
  source.addEventListener("error", () => { state.textContent = "The service does not answer; trying again …"; });
  source.addEventListener("received", (message) => {
    const template = document.createElement("template");
    template.innerHTML = message.data;
    showLocalTimes(template.content);
    count(template.content.querySelector(".bad") ? "refused" : "verified");
    rows.prepend(template.content);
    state.dataset.after = message.lastEventId;
    while (rows.children.length > kept) rows.lastElementChild.remove();
    document.getElementById("empty").hidden = true;
  });
}

showLocalTimes(document);
follow();
