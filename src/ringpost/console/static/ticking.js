// How long calls go on, counted on every second from what the server said. Nobody is told each second: it is text alone.

/** What an element said last, and when that was read (ms of this page). @type {WeakMap<Element, {said: string, at: number}>} */
const read = new WeakMap();

/** As the server writes it. @param {number} ms */
function lasted(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const two = /** @param {number} number */ (number) => String(number).padStart(2, "0");
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

export function tick() {
  const now = performance.now();
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-elapsed]"))) {
    const said = one.dataset.elapsed ?? "0";
    let since = read.get(one);
    if (since?.said !== said) read.set(one, since = { said, at: now });
    const text = lasted(Number(said) + now - since.at);
    if (one.textContent !== text) one.textContent = text;
  }
}

setInterval(tick, 1000);
tick();
