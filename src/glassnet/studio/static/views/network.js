// The network: columns of maps joined by lines. This file wires the parts in network/; each of them has one job.

import { attribute, el, phone, place, show, still, text } from "./dom.js";
import { box, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { gradient, value } from "./format.js";
import * as addresses from "./network/addresses.js";
import * as edges from "./network/edges.js";
import * as headers from "./network/headers.js";
import * as key from "./network/key.js";
import * as lists from "./network/lists.js";
import * as tiles from "./network/tiles.js";
import { along, layout, most } from "./network/layout.js";
import { join, leave } from "./network/collapse.js";
import { listen } from "./network/pointer.js";

const DIM = 0.38, FADE = 120; // milliseconds
const views = new WeakMap();

function build(element) {
  const part = name => el("div", { class: name });
  const view = { root: element, set: null, plan: null, structure: "", dim: 1, towards: 1, from: 1, since: -Infinity, switchOn: i => {
    const input = view.state.run.inputs[i];
    view.actions.feature(input.name ?? input.label, true);
  } };
  view.base = el("canvas", { class: "lines", role: "img", "aria-label": "Network" });
  Object.assign(view, { tiles: part("tiles"), offs: part("offs"), labels: part("labels"), offLabels: part("labels"), headers: part("headers"), mores: part("mores") });
  view.tiles.setAttribute("role", "group");
  view.tiles.setAttribute("aria-label", "Units. Arrows walk, Enter asks why, L lists lines");
  view.addLayer = el("button", { type: "button", class: "add-layer", on: { click: () => view.actions.layer({ add: true }) } }, "+ layer");
  view.part = el("button", { type: "button", class: "part-layer", hidden: true, title: "Part the layers again (C)", on: { click: () => view.actions.collapse(false) } }, "part again");
  view.chip = el("div", { class: "chip", hidden: true });
  view.area = el("div", { class: "net-area" }, view.base, view.headers, view.addLayer, view.part, view.labels, view.offLabels, view.tiles, view.offs, view.mores, view.chip);
  element.append(el("h2", { class: "visually-hidden" }, "Network"), view.area, key.make(view), lists.make(view));
  element.classList.add("network");
  watch(element, () => { if (view.state) draw(element, view.state, view.actions); });
  listen(view);
  views.set(element, view);
  return view;
}

function structure(view, state) {
  const { run, frame } = state, { width, height } = box(view.root), small = phone();
  const signature = JSON.stringify([run.version, frame.shown, frame.more, width, height, small, run.frozen.length]);
  if (signature === view.structure) return;
  const before = view.run, folds = before && before.folded !== run.folded && !still() ? leave(view, before, run) : null;
  view.structure = signature;
  view.run = run;
  const longest = Math.max(...run.inputs.map(input => input.label.length), 0);
  const columns = frame.shown.map((units, c) => ({ units: units.length, more: frame.more?.[c] ?? 0, off: c === 0 ? run.inputs.filter(input => !input.on).length : 0 }));
  view.plan = layout(width, height, columns, { phone: small, label: small ? 0 : Math.min(150, longest * 7),
    end: run.outputs.length > 1 && !small ? Math.max(48, ...run.outputs.map(name => 7 * name.length)) : 0 });
  const old = view.set;
  view.set = edges.list(run, frame, view.plan);
  if (old) Object.assign(view.set, { scale: old.scale, kept: old.kept });
  tiles.arrange(view, state, view.plan);
  if (folds) join(view, run, folds);
  mores(view, state);
  headers.draw(view, state, view.plan);
  const asked = most(height, small);
  if (asked !== view.most) { view.most = asked; view.actions.look({ most: asked }); }
  const first = view.tiles.querySelector("[tabindex='0']") ?? view.offs.querySelector("[tabindex='0']") ?? view.tiles.firstElementChild;
  tiles.rove(view, first);
}

function mores(view, { run, frame }) {
  const wanted = view.plan.columns.map((column, c) => ({ c, at: column.moreAt, hidden: (frame.more?.[c] ?? 0) + (c === 0 ? run.inputs.filter(input => !input.on).length - column.off.length : 0) })).filter(({ at, hidden }) => at && hidden > 0);
  view.mores.replaceChildren(...wanted.map(({ c, at, hidden }) => {
    const button = el("button", { type: "button", class: "more", "aria-label": `${hidden} more in column ${c + 1}: show all`, on: { click: () => lists.column(view, c) } }, `+ ${hidden} more`);
    place(button, at.x, at.y);
    return button;
  }));
}

// What is asked about stays in full, everything else steps back. Hover wins over the selection.
function focus(view, state) {
  const { run } = state, { set } = view, find = p => p === null ? null : set.lines.find(line => line.p === p) ?? set.stubs.find(stub => stub.p === p) ?? null;
  const valid = about => addresses.exists(run, about) ? about : null;
  const hover = valid(state.hover), about = valid(state.about), meant = state.stage?.name ? null : hover ?? about;
  const selected = find(about && addresses.parameterAt(run, about)), told = hover ? find(addresses.parameterAt(run, hover)) ?? selected : selected;
  const units = meant && addresses.paths(run, meant);
  // A derivation says itself which lines it runs through.
  const lights = !hover && about && addresses.same(state.why?.about, about) && state.why?.lights?.length
    ? new Set(state.why.lights.filter(valid).map(light => addresses.parameterAt(run, light))) : null;
  const lit = lights ? line => lights.has(line.p) : units && (line => !!(units[line.l][line.i] && units[line.l + 1][line.j]));
  return { units, lit, selected, told };
}

// 1 → 0.38 in 120 ms and back: the only thing here that is eased, and it is no data.
function dimming(view, towards) {
  const now = performance.now();
  if (view.towards !== towards) {
    Object.assign(view, { from: view.dim, towards, since: now });
    if (still()) view.from = towards;
  }
  const share = Math.min(1, (now - view.since) / FADE);
  view.dim = view.from + (towards - view.from) * share;
  if (share < 1 && !view.pending) {
    view.pending = true;
    requestAnimationFrame(() => { view.pending = false; draw(view.root, view.state, view.actions); });
  }
  return view.dim;
}

function chip(view, state, line) {
  show(view.chip, !!line);
  if (!line) return;
  const { run } = state, prefix = { gradient: "d", update: "Δ" }[state.lines] ?? "";
  const v = state.lines === "weight" ? state.frame.arrays.parameters[line.p] : line.value;
  const name = line.curve ? addresses.weightName(run, line.l, line.i, line.j) : addresses.biasName(run, line.l, line.j);
  text(view.chip, `${prefix}${name} = ${state.lines === "weight" ? value(v) : gradient(v)}`);
  // A phone has no room between columns: there it stands beside the unit that the line reaches.
  const [x, y] = !line.curve ? [line.x, line.y - 22] : view.plan.phone && line.l === 0 ? [line.curve[3] - 56, line.curve[4]] : along(line.curve, 0.5);
  place(view.chip, Math.max(58, Math.min(view.plan.width - 58, x)), Math.max(view.plan.top - 12, y));
}

function say(view, state) {
  const { run, frame, lines } = state;
  const strongest = view.set.lines[view.set.order[view.set.order.length - 1]];
  const told = strongest ? ` Strongest line: ${addresses.unitName(run, strongest.l, strongest.i)} to ${addresses.unitName(run, strongest.l + 1, strongest.j)}, ${lines === "weight" ? value(strongest.value) : gradient(strongest.value)}.` : "";
  attribute(view.base, "aria-label", `Network ${run.sizes.join("-")} with ${run.parameters} parameters at epoch ${frame.epoch}; lines show ${lines === "update" ? "the last update" : lines}.${told}`);
}

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element);
  view.state = state;
  view.actions = actions;
  const { run, frame } = state;
  if (!run || !frame?.shown || frame.version !== run.version || !box(element)?.width) return;
  const palette = read(state);
  structure(view, state);
  const now = focus(view, state), dim = dimming(view, now.lit ? DIM : 1);
  const lit = now.lit ?? (dim < 1 ? view.lit : null); // leaving: what was lit stays so until the others are back
  view.lit = lit;
  const looks = [view.structure, palette.key, state.lines, state.patterns, state.stage?.index, state.stage?.name].join();
  const asked = [dim, JSON.stringify(state.about), JSON.stringify(state.hover), state.why?.about === state.about && state.why?.lights?.length].join();
  const moved = view.frame !== frame || view.looks !== looks;
  if (moved) {
    edges.measure(view.set, state);
    tiles.paintAll(view, state, view.plan, palette);
  }
  if (moved || view.asked !== asked) {
    edges.draw(view.base, view.set, view.plan, state, palette, { lit, dim, selected: now.selected });
    tiles.mark(view, state, now.units);
    chip(view, state, now.told);
    key.draw(view, state, palette, view.set);
  }
  if (moved && (!frame.playing || !view.said)) { say(view, state); view.said = true; }
  Object.assign(view, { frame, looks, asked });
}
