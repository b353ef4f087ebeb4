// Two panels over the picture: the lines of a unit by size (L), and everything that a column hides away.

import { attribute, el, show, text } from "../dom.js";
import { gradient, value } from "../format.js";
import { aboutSeat, same, seat, unitName, weightName, weightAt } from "./addresses.js";

export function make(view) {
  view.panelTitle = el("strong");
  view.search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search", on: { input: () => filter(view) } });
  view.list = el("ul", { role: "listbox", tabindex: "0", "aria-label": "Lines" });
  view.panel = el("div", { class: "list-panel", role: "dialog", "aria-label": "List", hidden: true },
    el("div", { class: "list-top" }, view.panelTitle,
      el("button", { type: "button", class: "small", on: { click: () => close(view) } }, "Close")),
    view.search, view.list);
  view.none = el("p", { class: "empty", hidden: true }, "Nothing is called that.");
  view.search.after(view.none);
  view.panel.addEventListener("keydown", event => keys(view, event));
  // A press beside it closes it, and does nothing else there than it always does.
  addEventListener("pointerdown", event => { if (!view.panel.hidden && !view.panel.contains(event.target)) close(view, false); });
  view.list.addEventListener("click", event => { const option = event.target.closest("[role=option]"); if (option) choose(view, option); });
  view.list.addEventListener("pointerover", event => { const option = event.target.closest("[role=option]"); if (option) point(view, option); });
  view.list.addEventListener("focus", () => { if (!current(view)) step(view, 1); });
  return view.panel;
}

const options = view => [...view.list.children].filter(option => !option.hidden);
const current = view => view.list.querySelector("[aria-selected=true]");

function open(view, title, entries, searchable) {
  view.opener = view.root.ownerDocument.activeElement;
  text(view.panelTitle, title);
  attribute(view.panel, "aria-label", title);
  attribute(view.list, "aria-label", title);
  show(view.search, searchable);
  view.search.value = "";
  show(view.none, false);
  view.list.replaceChildren(...entries.map((entry, n) => {
    const option = el("li", { role: "option", id: `line-option-${n}`, "aria-selected": "false" }, el("span", {}, entry.name), el("span", { class: entry.tone ?? "" }, entry.figure ?? ""));
    option.entry = entry;
    return option;
  }));
  show(view.panel, true);
  (searchable ? view.search : view.list).focus();
}

export function close(view, returns = true) {
  if (view.panel.hidden) return false;
  show(view.panel, false);
  view.actions.hover(null);
  if (returns) view.opener?.focus?.();
  return true;
}

// Every line of a unit, strongest first, hidden ones too: what the picture says by width is said here by order.
export function lines(view, about) {
  const { run, frame, lines: shows } = view.state, place = seat(run, about);
  if (!place) return;
  const [column, index] = place, source = shows === "gradient" ? frame.arrays.gradient : shows === "update" ? frame.arrays.update ?? frame.arrays.gradient : frame.arrays.parameters;
  const found = [], isGradient = shows !== "weight";
  const add = (l, i, j) => found.push({ l, i, j, v: source[weightAt(run, l, i, j)] });
  if (column > 0) for (let i = 0; i < run.sizes[column - 1]; i++) add(column - 1, i, index);
  if (column < run.sizes.length - 1) for (let j = 0; j < run.sizes[column + 1]; j++) add(column, index, j);
  found.sort((a, b) => Math.abs(b.v) - Math.abs(a.v));
  open(view, `Lines of ${unitName(run, column, index)}, strongest first`, found.map(({ l, i, j, v }) => ({
    name: `${weightName(run, l, i, j)}  ${unitName(run, l, i)} → ${unitName(run, l + 1, j)}`,
    figure: isGradient ? gradient(v) : value(v), tone: isGradient ? (v < 0 ? "gn" : "gp") : v < 0 ? "n" : "p",
    about: { weight: [l, i, j] },
  })), found.length > 12);
}

export function column(view, c) {
  const { run } = view.state;
  const entries = Array.from({ length: run.sizes[c] }, (_, index) => ({
    name: unitName(run, c, index), about: aboutSeat(c, index) }));
  if (c === 0) run.inputs.forEach((input, i) => { if (!input.on) entries.push({ name: input.label, figure: "off", feature: i }); });
  const what = c === 0 ? "features" : c === run.sizes.length - 1 ? "outputs" : `units of h${c}`;
  open(view, `All ${what}`, entries, true);
}

function filter(view) {
  const wanted = view.search.value.toLowerCase();
  for (const option of view.list.children) show(option, option.entry.name.toLowerCase().includes(wanted));
  show(view.none, options(view).length === 0);
}

function point(view, option) {
  for (const other of view.list.children) attribute(other, "aria-selected", String(other === option));
  attribute(view.list, "aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
  if (option.entry.about && !same(view.state.hover, option.entry.about)) view.actions.hover(option.entry.about);
}

function choose(view, option) {
  const { about, feature } = option.entry;
  close(view);
  if (feature !== undefined) view.switchOn(feature);
  else {
    view.actions.look({ about }); // a unit asked for is shown although it is weak
    view.actions.select(about);
  }
}

function step(view, by) {
  const all = options(view), at = all.indexOf(current(view));
  if (all.length) point(view, all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
}

function keys(view, event) {
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e6, End: 1e6 }[event.key];
  event.stopPropagation();
  if (by) { event.preventDefault(); step(view, by); }
  else if (event.key === "Enter" && event.target.tagName !== "BUTTON") { event.preventDefault(); const option = current(view) ?? options(view)[0]; if (option) choose(view, option); }
  else if (event.key === "Escape") { event.preventDefault(); close(view); }
}
