// The charts of the overview. Their numbers come from the page's own side, once a minute while somebody looks.

import { asShown, showsUtc } from "./times.js";

/** @typedef {{times: number[], calls: number[], delivered: number[], failed: number[], p50: (number | null)[], p99: (number | null)[]}} Curves */
/** @typedef {"calls" | "delivered" | "failed" | "p50" | "p99"} Line */
/** @typedef {{label: string, of: Line, colour: string, fill?: boolean}} Series */
/** @type {any} */
const uPlot = /** @type {any} */ (window).uPlot;
const EVERY_MS = 60_000;
const HEIGHT = 190; // pixels
const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-curves]"));
const state = document.getElementById("curves-state");

/** @type {Record<string, Series[]>} */
const CHARTS = {
  rates: [{ label: "Delivered", of: "delivered", colour: "--good", fill: true }, { label: "Calls", of: "calls", colour: "--accent" }],
  failures: [{ label: "Failed", of: "failed", colour: "--bad", fill: true }],
  latency: [{ label: "Half", of: "p50", colour: "--accent" }, { label: "99 %", of: "p99", colour: "--warn" }],
};
/** @type {Map<HTMLElement, any>} */
const drawn = new Map();
/** @type {Curves | null} */
let curves = null;

/** @param {string} name */
function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

/** @param {number | null} ms */
function took(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${+(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

/** @param {number | null} rate */
function rate(rate) { return rate === null || rate === undefined ? "–" : `${+rate.toFixed(1)}`; }

/** Marks on the axis of time: the time of day, or the day where they are days apart.
 * @param {any} _ @param {number[]} marks @param {number} __ @param {number} ___ @param {number} apart */
function moments(_, marks, __, ___, apart) {
  return marks.map((mark) => { const at = asShown(new Date(mark * 1000)); return apart >= 86_400 ? at.slice(5, 10) : at.slice(11, 16); });
}

/** @param {any} _ @param {number[]} marks */
function decades(_, marks) { return marks.map((mark) => Number.isInteger(Math.log10(mark)) ? mark : null); }

/** Whole decades, so that the axis has a number. @param {any} _ @param {number} low @param {number} high */
function wide(_, low, high) { return [10 ** Math.floor(Math.log10(Math.max(1, low || 1))), 10 ** Math.ceil(Math.log10(Math.max(10, (high || 10) + 1)))]; }

/** @param {any} _ @param {number} __ @param {number} high */
function fromZero(_, __, high) { return [0, Math.max(1, (high || 0) * 1.1)]; }

/** @param {string} name @param {number} width */
function options(name, width) {
  const says = name === "latency" ? took : rate;
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    width, height: HEIGHT,
    tzDate: /** @param {number} at */ (at) => showsUtc() ? uPlot.tzDate(new Date(at * 1000), "Etc/UTC") : new Date(at * 1000),
    legend: { live: true },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      // what took a minute must not flatten what took ten milliseconds
      y: name === "latency" ? { distr: 3, range: wide } : { range: fromZero },
    },
    axes: [{ ...axis, size: 34, values: moments }, { ...axis, size: 58, ...(name === "latency" ? { filter: decades, grid: { ...axis.grid, filter: decades }, ticks: { ...axis.ticks, filter: decades } } : {}), values: /** @param {any} _ @param {(number | null)[]} all */ (_, all) => all.map((one) => one === null ? "" : says(one)) }],
    series: [
      { label: "Time", value: /** @param {any} _ @param {number} at */ (_, at) => at ? asShown(new Date(at * 1000)).slice(0, 16) : "–" },
      ...(CHARTS[name] ?? []).map((one) => ({
        label: one.label, stroke: colour(one.colour), width: 1.5, points: { show: name === "latency", size: 4 }, spanGaps: false,
        ...(one.fill ? { fill: `color-mix(in srgb, ${colour(one.colour)} 18%, transparent)` } : {}),
        value: /** @param {any} _ @param {number | null} value */ (_, value) => says(value),
      })),
    ],
  };
}

/** @param {Curves} found @param {string} name */
function data(found, name) { return [found.times, ...(CHARTS[name] ?? []).map((one) => found[one.of])]; }

function draw() {
  if (!place || !curves) return;
  for (const chart of /** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll("[data-chart]"))) {
    const name = chart.dataset.chart ?? "";
    drawn.get(chart)?.destroy();
    drawn.set(chart, new uPlot(options(name, chart.clientWidth), data(curves, name), chart));
  }
}

async function load() {
  if (!place || document.hidden) return;
  try {
    const reply = await fetch(place.dataset.curves ?? "", { headers: { accept: "application/json" } });
    if (!reply.ok) throw new Error(String(reply.status));
    curves = /** @type {Curves} */ (await reply.json());
    if (state) state.textContent = "";
  } catch {
    if (state) state.textContent = "The curves could not be loaded; they are tried again within a minute.";
    return;
  }
  if (drawn.size) for (const [chart, plot] of drawn) plot.setData(data(curves, chart.dataset.chart ?? ""));
  else draw();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(/** @type {Element} */ (event.target).tagName)) return;
  if (/^[1-9]$/.test(event.key)) /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${event.key}"]`))?.click();
});
if (place) {
  new ResizeObserver(() => { for (const [chart, plot] of drawn) if (plot.width !== chart.clientWidth) plot.setSize({ width: chart.clientWidth, height: HEIGHT }); }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("ringpost:zone", draw);
  document.addEventListener("visibilitychange", load);
  setInterval(load, EVERY_MS);
  load();
}

export {}; // a module of its own
