// Weights and gradients of each layer as histograms: a layer that starves or explodes shows here first.

import { attribute, el, keep, phone, text } from "./dom.js";
import { box, fit, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { gradient, sup, value } from "./format.js";
import { extent, histogram } from "./scales.js";

const BINS = 21;
const views = new WeakMap();

function build(element) {
  const canvas = el("canvas", { role: "img", "aria-label": "Histograms of weights and gradients by layer" });
  const view = { holder: el("div", { class: "plot layers-plot" }, canvas), canvas, names: el("div", { class: "layer-names" }), tops: null };
  element.append(el("h2", {}, "By layer ", el("span", {}, "weights\u2002·\u2002gradients")), el("div", { class: "by-layer" }, view.names, view.holder));
  watch(view.holder, () => { if (view.state) draw(element, view.state, view.actions); });
  views.set(element, view);
  return view;
}

const letter = (run, l) => run.layers[l].letter + (run.layers[l].sup ? sup(run.layers[l].sup) : "");

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element), { run, frame } = state;
  Object.assign(view, { state, actions });
  if (!run || !frame?.arrays?.parameters || frame.version !== run.version || !box(view.holder)) return;
  const count = run.blocks.length;
  const buttons = keep(view.names, count, () => el("button", { type: "button", class: "layer-name", on: {
    click: event => view.actions.select({ layer: Number(event.currentTarget.dataset.layer) }),
    pointerenter: event => view.actions.hover({ layer: Number(event.currentTarget.dataset.layer) }),
    pointerleave: () => view.actions.hover(null),
  } }));
  for (let l = 0; l < count; l++) {
    buttons[l].dataset.layer = l;
    text(buttons[l], letter(run, l));
    attribute(buttons[l], "aria-label", `Layer ${letter(run, l)}: ask why`);
    attribute(buttons[l], "aria-pressed", String(state.about?.layer === l));
  }
  const { width } = box(view.holder), palette = read(state), row = phone() ? 44 : 24, height = row * count;
  const key = [palette.key, width, count].join();
  if (view.frame === frame && view.key === key) return;
  Object.assign(view, { frame, key });
  view.holder.style.height = `${height}px`;
  if (!width) return;
  const context = fit(view.canvas, width, height), cell = (width - 14) / 2, told = [];
  for (let l = 0; l < count; l++) {
    const { w } = run.blocks[l], base = (l + 1) * row - 3;
    [frame.arrays.parameters, frame.arrays.gradient].forEach((array, side) => {
      const values = array.subarray(w[0], w[1]), [lo, hi] = extent(values), top = Math.max(Math.abs(lo), Math.abs(hi)) || 1;
      const bars = histogram(values, BINS, top), most = Math.max(...bars), left = side * (cell + 14), step = cell / BINS;
      bars.forEach((n, i) => {
        if (!n) return;
        context.fillStyle = i === (BINS - 1) / 2 ? palette.line2 : side ? (i < BINS / 2 ? palette.gneg : palette.gpos) : i < BINS / 2 ? palette.neg : palette.pos;
        const tall = Math.max(1.5, n / most * (row - 8));
        context.fillRect(left + i * step + 0.5, base - tall, step - 1, tall);
      });
      context.fillStyle = palette.line2;
      context.fillRect(left, base, cell, 1);
      context.fillRect(left + cell / 2 - 0.5, base, 1, 3); // zero, without colour
      if (side) told.push(`${letter(run, l)} gradients up to ${gradient(top)}`); else told.push(`${letter(run, l)} weights from ${value(lo)} to ${value(hi)}`);
    });
  }
  if (!frame.playing || !view.said) {
    view.said = true;
    attribute(view.canvas, "aria-label", `Histograms by layer: ${told.join("; ")}.`);
  }
}
