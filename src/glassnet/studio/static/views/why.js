// Why a number is what it is: the derivation in steps, the check, every row's share, and a hand on the number.

import { attribute, el, icon, keep, show, text, toggle } from "./dom.js";
import { box, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { listen, update } from "./equations.js";
import { value } from "./format.js";
import { aboutOfParameter, exists, same } from "./network/addresses.js";
import * as edit from "./why/edit.js";
import * as figures from "./why/figures.js";
import { staged, unasked } from "./why/unasked.js";
import { drawTables } from "./why/tables.js";

const SMALLEST = 12.5; // pixels
const views = new WeakMap();

function build(element) {
  const view = { root: element };
  view.lead = el("span"); view.formula = el("span"); view.mark = el("span");
  view.title = el("strong", { class: "why-title" }, view.lead, view.formula, view.mark);
  view.crumb = el("span", { class: "crumb wide" });
  view.freezeText = el("span", {}, "Freeze");
  view.freeze = el("button", { type: "button", class: "freeze", hidden: true, on: { click: () => {
    const { about, on } = view.state.why.freeze;
    view.actions.freeze(about, !on);
  } } }, icon("lock"), view.freezeText);
  view.close = el("button", { type: "button", class: "icon-button", "aria-label": "Close", title: "Close (Esc)", hidden: true, on: { click: () => view.actions.select({}) } }, icon("close"));
  view.steps = el("ol", { class: "steps" });
  view.tables = el("div", { class: "why-tables", hidden: true });
  view.left = el("div", { class: "why-left" }, view.steps, view.tables);
  view.asking = el("ul", { class: "asking", hidden: true });
  view.side = el("div", { class: "why-side", hidden: true }, view.asking, ...figures.make(view), edit.make(view));
  element.append(el("div", { class: "why-top" }, view.title, view.crumb, el("span", { class: "grow" }), view.freeze, view.close),
    view.body = el("div", { class: "why-body" }, view.left, view.side));
  element.classList.add("why");
  element.addEventListener("edit", () => edit.focus(view));
  listen(element, {
    light: found => view.actions.hover(found === null ? null : found.p !== undefined ? aboutOfParameter(view.state.run, found.p) : { row: found.row }),
    copied: digits => view.actions.notice?.(`Copied ${digits}`),
  });
  watch(view.side, () => { if (view.state) { view.drawn = null; draw(element, view.state, view.actions); } });
  watch(element, () => { if (view.state) { view.drawn = null; draw(element, view.state, view.actions); } });
  views.set(element, view);
  return view;
}

// What is asked, as a sentence. A layer, of which there is no one number, is only named; a lesson may ask the reader.
export const question = title => title.some(token => token.ask) ? ["What is ", ""] : title.includes("=") ? ["Why is ", "?"] : ["", ""];

const makeStep = n => el("li", { class: "step" }, el("b", { "aria-hidden": "true" }, String(n + 1)), el("div", { class: "formula" }), el("small"));

function steps(view, list) {
  const nodes = keep(view.steps, list.length, makeStep);
  list.forEach(({ tokens, note, number }, n) => {
    const [ordinal, formula, small] = nodes[n].children, math = update(formula.firstElementChild, tokens);
    if (math !== formula.firstElementChild) formula.replaceChildren(math);
    text(ordinal, String(number ?? n + 1));
    text(small, note ?? "");
  });
}

function asking(view, list) {
  show(view.asking, !!list);
  if (!list || view.asking.firstChild) return;
  view.asking.append(...list.map(([what, tells]) => el("li", {}, el("b", {}, what), el("span", {}, tells))));
}

// A formula a little too wide is set smaller; a much wider one scrolls, and what scrolls must take the keyboard.
function reach(view) {
  const formulas = [...view.steps.querySelectorAll(".formula")];
  for (const formula of formulas) formula.firstElementChild.style.fontSize = "";
  // All are measured before any is written, or each would lay out the page again.
  const sizes = formulas.map(formula => {
    const share = formula.clientWidth / formula.scrollWidth;
    return share < 1 ? Math.max(SMALLEST, parseFloat(getComputedStyle(formula.firstElementChild).fontSize) * share * 0.98) : null;
  });
  formulas.forEach((formula, n) => { if (sizes[n]) formula.firstElementChild.style.fontSize = `${sizes[n]}px`; });
  const wides = formulas.map(formula => formula.scrollWidth > formula.clientWidth);
  formulas.forEach((formula, n) => {
    attribute(formula, "tabindex", wides[n] ? "0" : null);
    attribute(formula, "role", wides[n] ? "group" : null);
    attribute(formula, "aria-label", wides[n] ? "Formula, scrolls sideways" : null);
  });
  for (const [part, name] of [[view.left, "Derivation"], [view.side, "Check and edit"], [view.tables, "Tables"]]) {
    const scrolls = part.scrollHeight > part.clientHeight || part.scrollWidth > part.clientWidth;
    attribute(part, "tabindex", scrolls ? "0" : null);
    attribute(part, "role", scrolls ? "group" : null);
    attribute(part, "aria-label", scrolls ? name : null);
  }
}

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element), { run, frame } = state;
  Object.assign(view, { state, actions });
  if (!run || !frame) return;
  const asked = Object.keys(state.about ?? {}).length > 0 && exists(run, state.about);
  const fits = asked && state.why && same(state.why.about, state.about);
  const palette = read(state), kept = fits ? state.why : asked ? null : state.stage?.name ? staged(state.stage) : unasked(state);
  show(view.close, asked);
  toggle(element, "asked", asked);
  edit.draw(view, state, fits ? state.why.edit : null);
  if (!kept) { toggle(element, "waiting", true); return; } // the answer comes in a moment: the old one stays, paler
  toggle(element, "waiting", false);
  const fresh = view.drawn !== kept || view.palette !== palette.key;
  if (!fresh) return;
  Object.assign(view, { drawn: kept, palette: palette.key });

  const title = update(view.formula.firstElementChild, kept.title), [lead, mark] = question(asked ? kept.title : []);
  if (title !== view.formula.firstElementChild) view.formula.replaceChildren(title);
  text(view.lead, lead);
  text(view.mark, mark);
  text(view.crumb, kept.crumb ?? "");
  attribute(view.crumb, "title", kept.crumb ?? null);
  steps(view, kept.steps ?? []);
  drawTables(view.tables, kept.tables);
  show(view.freeze, !!kept.freeze);
  attribute(view.freeze, "aria-pressed", kept.freeze ? String(!!kept.freeze.on) : null);
  text(view.freezeText, kept.freeze?.on ? "Frozen" : "Freeze");
  asking(view, kept.asking);
  const aside = !!(kept.check || kept.shares || kept.histogram || kept.edit || kept.asking);
  show(view.side, aside);
  toggle(view.body, "alone", !aside);
  figures.draw(view, kept, palette, box(view.side)?.width || 216, value);
  const shape = [title.shape, kept.steps?.map(step => step.tokens.length), box(element)?.width].join();
  if (asked || view.shape !== shape) { view.shape = shape; reach(view); }
}
