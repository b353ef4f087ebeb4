// The output: its surface over two features with the rows on it, or its curve over one. Hovering a unit shows that unit.

import { attribute, el, show, text } from "./dom.js";
import { box, watch } from "./canvas.js";
import * as keys from "./output/key.js";
import { palette as read } from "./colours.js";
import { short, value } from "./format.js";
import { seat, tileAt, unitName } from "./network/addresses.js";
import * as surface from "./output/surface.js";
import * as curve from "./output/curve.js";
import { listen } from "./output/pointer.js";

const views = new WeakMap();

function build(element) {
  const view = { canvas: el("canvas", { role: "img", "aria-label": "Output" }), title: el("span", { class: "name" }) };
  view.top = el("canvas", { class: "over", "aria-hidden": "true" });
  view.holder = el("div", { class: "plot output-plot" }, view.canvas, view.top);
  view.choice = el("select", { class: "switch", "aria-label": "Output shown", hidden: true, on: { change: event => view.actions.look({ output: Number(event.target.value) }) } });
  view.across = el("span"); view.range = el("span");
  // The same as a click on a row, for keys.
  view.row = el("input", { type: "number", min: "1", "aria-label": "Row looked at", placeholder: "row", title: "Row looked at", on: { change: event => view.actions.look({ row: event.target.value ? Number(event.target.value) - 1 : null, at: null }) } });
  view.none = el("p", { class: "empty", hidden: true }, "This network has no picture over two features; units show their values at a row.");
  element.append(el("h2", {}, view.title, view.choice, ...keys.make(view)), view.holder, view.none, el("p", { class: "axes wide" }, view.across, view.row, view.range), view.errors, view.slider);
  watch(view.holder, () => { if (view.state) draw(element, view.state, view.actions); });
  listen(view);
  views.set(element, view);
  return view;
}

function heading(view, state, hovered) {
  const { run } = state, several = run.outputs.length > 1;
  text(view.title, hovered ? `Unit ${hovered}` : run.view === "curve" ? `y over ${keys.axisName(run, 0)}` : several ? "Output" : "Output y");
  show(view.choice, several && !hovered);
  const names = run.outputs.join("\n");
  if (several && view.names !== names) {
    view.names = names;
    view.choice.replaceChildren(...run.outputs.map((name, k) => el("option", { value: String(k) }, name)));
  }
  const shown = String(state.look?.output ?? 0);
  if (several && view.choice.value !== shown && view.choice !== document.activeElement) view.choice.value = shown;
}

function axes(view, { run }) {
  const [a, b] = (run.plane ?? []).map(n => run.axes[n]);
  if (!a) return;
  const span = axis => `${short(axis.lo)} to ${short(axis.hi)}`;
  const [across, up] = [0, 1].map(n => keys.axisName(run, n));
  text(view.across, run.view === "curve" ? `${across} →` : `${across} →  ${up} ↑`);
  attribute(view.across, "title", `${a.name} across, ${span(a)}${run.view === "curve" ? "" : `; ${b.name} up, ${span(b)}`}`);
  text(view.range, run.view === "curve" || span(a) === span(b) ? span(a) : `${span(a)} · ${span(b)}`);
}

function row(view, { frame, run }) {
  const shown = frame.row === null || frame.row === undefined ? "" : String(frame.row + 1);
  attribute(view.row, "max", run.rows.training + (run.rows.validation ?? 0));
  if (view.row !== document.activeElement && view.row.value !== shown) view.row.value = shown;
}

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element), { run, frame, points } = state;
  Object.assign(view, { state, actions });
  if (!run || !frame?.arrays || frame.version !== run.version || !box(view.holder)) return;
  const hover = run.view === "plane" ? seat(run, state.hover) : null, tile = tileAt(frame, hover);
  const hovered = tile >= 0 && hover[0] < run.sizes.length - 1 ? unitName(run, ...hover) : null, palette = read(state);
  heading(view, state, hovered);
  keys.draw(view, state, palette, hovered);
  axes(view, state);
  row(view, state);
  const drawable = run.view === "curve" ? frame.arrays.curve : frame.arrays.output;
  show(view.none, !drawable);
  show(view.holder, !!drawable);
  const { width, height } = box(view.holder);
  if (!drawable || !width) return;
  const big = tile >= 0 && hover[0] < run.sizes.length - 1 && frame.arrays.maps ? tile : -1;
  const key = [run.version, palette.key, width, height, big, state.patterns, state.look?.output, points?.version, points?.arrays?.t.length].join();
  const marked = [key, frame.row, frame.at, state.hover?.row, view.ghost].join();
  const fresh = view.frame !== frame || view.key !== key || view.points !== points;
  const part = run.view === "curve" ? curve : surface;
  if (fresh) {
    part.draw(view, state, palette, width, height, big);
    if (!frame.playing || !view.said) { view.said = true; attribute(view.canvas, "aria-label", part.say(state)); }
  }
  if (fresh || view.marked !== marked) part.drawOver(view, state, palette, width, height);
  Object.assign(view, { frame, key, marked, points });
  attribute(view.holder, "data-rows", view.places ? view.places.length / 2 : null); // those that a click now finds
  if (frame.at) attribute(view.holder, "title", `looking at ${frame.at.map(v => value(v)).join(", ")}`); else attribute(view.holder, "title", null);
}
