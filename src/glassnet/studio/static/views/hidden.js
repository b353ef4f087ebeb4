// The rows as the last hidden layer sees them. Across is y itself, so the decision is a vertical line.

import { attribute, el, show, text } from "./dom.js";
import { box, fill, ratio, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { count, sup } from "./format.js";
import { extent, linear } from "./scales.js";
import { stampOf } from "./map.js";
import { stamp, word } from "./raster.js";
import { look, shapeOf } from "./points.js";

const views = new WeakMap();

function build(element) {
  const view = { canvas: el("canvas", { role: "img", "aria-label": "Hidden space" }), title: el("span", { class: "name" }) };
  view.holder = el("div", { class: "plot hidden-plot" }, view.canvas);
  view.select = el("select", { class: "switch", "aria-label": "Hidden space shows", on: { change: event => view.actions.look({ hidden: event.target.value }) } },
    el("option", { value: "decision" }, "across: y, line at 0"), el("option", { value: "components" }, "two components"));
  element.append(el("h2", {}, view.title, view.select), view.holder);
  watch(view.holder, () => { if (view.state) draw(element, view.state, view.actions); });
  view.canvas.addEventListener("click", event => {
    const near = nearest(view, event);
    if (near !== null) view.actions.look({ row: near });
  });
  views.set(element, view);
  return view;
}

function nearest(view, event) {
  const { left, top } = view.canvas.getBoundingClientRect(), { places, state } = view;
  let best = null, least = 12;
  for (let n = 0; places && n < places.length / 2; n++) {
    const distance = Math.hypot(event.clientX - left - places[2 * n], event.clientY - top - places[2 * n + 1]);
    if (distance < least) { least = distance; best = state.points.arrays.row[n]; }
  }
  return best;
}

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element), { run, frame, points } = state;
  Object.assign(view, { state, actions });
  const at = frame?.arrays?.hidden, deep = run?.sizes.length > 2;
  show(element, !!(run && deep && at));
  if (!run || !at || !points || frame.version !== run.version || points.version !== run.version || !box(view.holder)?.width) return;
  text(view.title, `Hidden space h${sup(run.sizes.length - 2)}`);
  const wanted = frame.hidden?.across === "y" || frame.hidden?.across === undefined ? "decision" : "components";
  if (view.select !== document.activeElement && view.select.value !== wanted) view.select.value = wanted;
  const { width, height } = box(view.holder), palette = read(state);
  const key = [palette.key, width, height, frame.row, state.patterns].join();
  if (view.frame === frame && view.points === points && view.key === key) return;
  Object.assign(view, { frame, points, key });
  const n = Math.min(at.length / 2, points.arrays.t.length), { t, held, row } = points.arrays;
  let [lo, hi] = extent(at, 0, 2), [low, high] = extent(at, 1, 2);
  const line = frame.hidden?.line;
  if (typeof line === "number") { // the decision stands in the middle
    const reach = Math.max(Math.abs(lo - line), Math.abs(hi - line)) || 1;
    [lo, hi] = [line - reach, line + reach];
  }
  const x = linear(lo, hi, 9, width - 9), y = linear(low, high, height - 9, 9), style = look(state, palette);
  const scale = ratio(), stampFor = memory((value, hollow) => stampOf(style.shape(value), style.colour(value), hollow, palette, 2.3));
  const places = view.places = new Float32Array(2 * n), chosen = [];
  let right = 0;
  const context = fill(view.canvas, width, height, (pixels, w, h) => {
    pixels.fill(word(palette.rgb.page));
    if (typeof line === "number") {
      const middle = Math.round(x(line) * scale), ink = word(palette.rgb.ink);
      for (let r = 0; r < h; r++) pixels.fill(ink, r * w + middle - 1, r * w + middle + Math.round(scale));
    }
    for (let i = 0; i < n; i++) {
      const px = places[2 * i] = x(at[2 * i]), py = places[2 * i + 1] = y(at[2 * i + 1]);
      stamp(pixels, w, h, stampFor(t[i], held[i]), px * scale, py * scale);
      if (typeof line === "number" && shapeOf(run, t[i]) === (at[2 * i] > line ? 0 : 1)) right++;
      if (row[i] === frame.row) chosen.push(px, py);
    }
  });
  if (chosen.length) ring(context, ...chosen, palette);
  if (!frame.playing || !view.said) {
    view.said = true;
    attribute(view.canvas, "aria-label", `Hidden space with ${count(n, "row")}` + (typeof line === "number" && run.kind === "classes" ? `: ${right} on their side of the line.` : ".") );
  }
}

// Rows share a few targets: their stamps are looked up once each, not once a row.
function memory(make) {
  const known = [new Map(), new Map()];
  return (value, hollow) => {
    let found = known[hollow].get(value);
    if (!found) known[hollow].set(value, found = make(value, hollow));
    return found;
  };
}

function ring(context, x, y, palette) {
  context.beginPath();
  context.arc(x, y, 6, 0, 7);
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  context.stroke();
}
