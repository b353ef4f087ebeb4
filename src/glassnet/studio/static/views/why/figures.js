// Beside the steps: derivation against numerical difference, every row's share sorted, a unit's z under its f.

import { attribute, el, keep, show, text, toggle } from "../dom.js";
import { fit } from "../canvas.js";
import { full, gradient, short, value as say } from "../format.js";

const HEIGHT = 44;

export function make(view) {
  view.derivation = el("dd"); view.numerical = el("dd");
  view.kink = el("small", { hidden: true });
  view.check = el("div", { class: "numeric", hidden: true }, el("dl", {}, el("dt", {}, "derivation"), view.derivation, el("dt", {}, "numerical"), view.numerical), view.kink);
  view.bars = el("canvas", { "aria-hidden": "true" });
  view.slider = el("div", { class: "shares-bars", role: "slider", tabindex: "0", "aria-label": "Rows by their share", "aria-valuemin": "1" }, view.bars);
  view.sharesText = el("small");
  view.shares = el("div", { class: "shares", hidden: true }, view.slider, view.sharesText);
  view.z = el("canvas", { role: "img", "aria-label": "Histogram" });
  view.zLow = el("span"); view.zHigh = el("span"); view.zMiddle = el("span");
  view.facts = el("ul", { class: "facts" });
  view.histogram = el("div", { class: "histogram", hidden: true }, view.z, el("p", { class: "axes" }, view.zLow, view.zMiddle, view.zHigh), view.facts);
  listen(view);
  return [view.check, view.shares, view.histogram];
}

function listen(view) {
  const at = event => {
    const { left, width } = view.slider.getBoundingClientRect(), { rows } = view.drawn.shares;
    return rows[Math.max(0, Math.min(rows.length - 1, Math.floor((event.clientX - left) / width * rows.length)))];
  };
  view.slider.addEventListener("pointermove", event => view.actions.hover({ row: at(event) }));
  view.slider.addEventListener("pointerleave", () => view.actions.hover(null));
  view.slider.addEventListener("click", event => view.actions.look({ row: at(event), at: null }));
  view.slider.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const { rows, selected } = view.drawn.shares, here = Math.max(0, rows.indexOf(selected));
    view.actions.look({ row: rows[Math.max(0, Math.min(rows.length - 1, here + by))], at: null });
  });
}

export function draw(view, { check, shares, histogram }, palette, width) {
  show(view.check, !!check);
  if (check) drawCheck(view, check);
  show(view.shares, !!shares);
  if (shares) drawShares(view, shares, palette, width);
  show(view.histogram, !!histogram);
  if (histogram) drawHistogram(view, histogram, palette, width);
}

function drawCheck(view, { derivation, numerical, kink }) {
  const eight = v => v === null || v === undefined ? "–" : Math.abs(v) >= 1e-4 || v === 0 ? v.toFixed(8).replace("-", "−") : v.toExponential(4).replace("e-", "e−").replace(/^-/, "−");
  text(view.derivation, eight(derivation));
  text(view.numerical, eight(numerical));
  attribute(view.derivation, "title", full(derivation));
  attribute(view.numerical, "title", full(numerical));
  const tone = derivation < 0 ? "gn" : "gp";
  for (const dd of [view.derivation, view.numerical]) { toggle(dd, "gn", tone === "gn"); toggle(dd, "gp", tone === "gp"); }
  show(view.kink, !!kink);
  text(view.kink, typeof kink === "string" ? kink : "At a kink of f the two sides differ.");
}

function drawShares(view, { rows, values, selected, total }, palette, width) {
  const context = fit(view.bars, width, HEIGHT), n = values.length, step = width / Math.max(1, n);
  const most = Math.max(1e-300, ...values.map(Math.abs)), middle = HEIGHT / 2;
  for (let i = 0; i < n; i++) {
    const tall = Math.max(0.5, Math.abs(values[i]) / most * (middle - 2));
    context.fillStyle = values[i] < 0 ? palette.gneg : palette.gpos;
    context.fillRect(i * step, values[i] < 0 ? middle : middle - tall, step > 3 ? step - 0.6 : step, tall);
  }
  context.fillStyle = palette.ink;
  context.fillRect(0, middle - 0.4, width, 0.8);
  const at = rows.indexOf(selected);
  if (at >= 0) context.fillRect(Math.min(width - 2, (at + 0.5) * step - 1), 0, 2, HEIGHT);
  const all = total ?? n;
  text(view.sharesText, at >= 0 ? `row ${selected + 1} of ${all}: ${gradient(values[at])}` : `${all} rows, each one’s share`);
  attribute(view.slider, "aria-valuemax", n);
  attribute(view.slider, "aria-valuenow", Math.max(1, at + 1));
  attribute(view.slider, "aria-valuetext", at >= 0 ? `Row ${selected + 1}, share ${gradient(values[at])}, place ${at + 1} of ${n} from the most negative` : `${n} rows, shares from ${gradient(values[0])} to ${gradient(values[n - 1])}`);
}

function drawHistogram(view, { edges, counts, curve, facts }, palette, width) {
  const tall = 56, context = fit(view.z, width, tall), lo = edges[0], hi = edges[edges.length - 1];
  const x = z => (z - lo) / (hi - lo || 1) * width, most = Math.max(1, ...counts);
  counts.forEach((n, i) => {
    const middle = (edges[i] + edges[i + 1]) / 2, height = n / most * (tall - 8);
    context.fillStyle = middle < 0 ? palette.neg : palette.pos;
    context.globalAlpha = 0.65;
    context.fillRect(x(edges[i]) + 0.25, tall - height, Math.max(0.5, x(edges[i + 1]) - x(edges[i]) - 0.5), height);
  });
  context.globalAlpha = 1;
  if (curve?.length) {
    const fs = curve.map(([, f]) => f), low = Math.min(...fs), high = Math.max(...fs), y = f => tall - 4 - (f - low) / (high - low || 1) * (tall - 8);
    context.beginPath();
    for (const [z, f] of curve) context.lineTo(x(z), y(f));
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.6;
    context.stroke();
  }
  if (lo < 0 && hi > 0) { context.fillStyle = palette.ink3; context.fillRect(x(0) - 0.5, tall - 5, 1, 5); }
  text(view.zLow, short(lo));
  text(view.zMiddle, "z, and f(z) above");
  text(view.zHigh, short(hi));
  const items = keep(view.facts, facts?.length ?? 0, () => el("li"));
  facts?.forEach((fact, n) => text(items[n], fact));
  attribute(view.z, "aria-label", `Histogram of z from ${say(lo)} to ${say(hi)} over ${counts.reduce((a, b) => a + b, 0)} rows. ${(facts ?? []).join(". ")}`);
}
