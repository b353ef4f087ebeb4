// What the marks, the colours and the second curve of the output mean, said in its heading.

import { attribute, el, show, text, toggle } from "../dom.js";
import { box } from "../canvas.js";
import { REACH, css, ramp } from "../colours.js";
import { short } from "../format.js";

export function make(view) {
  view.note = el("span", { class: "wide note" });
  view.low = el("span"); view.high = el("span");
  view.ramp = el("span", { class: "ramp" });
  view.units = el("span", { class: "wide units-key", hidden: true }, view.low, view.ramp, view.high);
  view.construct = el("button", { type: "button", class: "toggle", hidden: true, title: "Beside it the network that is built of as many units without training",
    on: { click: () => view.actions.look({ construct: !view.state.look?.construct }) } }, "constructed");
  view.errors = el("p", { class: "errors", hidden: true });
  view.width = el("input", { type: "range", min: "1", max: "64", step: "1", "aria-label": "Units of the first hidden layer", on: { input: event => view.actions.resize(0, Number(event.target.value)) } });
  view.widthText = el("span");
  view.slider = el("label", { class: "units-slider", hidden: true }, view.widthText, view.width);
  return [view.note, view.units, view.construct];
}

// The name of an axis as the features have it: x₁, not x1.
export function axisName(run, n) {
  const { name } = run.axes[run.plane[n]] ?? {};
  return run.inputs.find(input => input.name === name)?.label ?? name;
}

// The same said in ever fewer words: the first that has room is taken.
export function marks({ kind, classes, view }) {
  if (view === "curve") return ["○ held out", ""];
  if (kind !== "classes" || classes.length !== 2) return [""];
  const named = `● ${classes[1]}  ■ ${classes[0]}`;
  return [`${named}  ○ held out`, named, "● +1  ■ −1  ○ held out", "● +1  ■ −1", ""];
}

// Both errors are the largest on the interval; the last one is proved.
export function errors(built) {
  if (!built) return ["This formula has no construction."];
  const two = v => short(Number(v.toPrecision(2))), both = `trained ${two(built.trained_error)} · constructed ${two(built.error)}`;
  return typeof built.certified === "number" ? [`${both}, at most ${two(built.certified)}`, `${both}, ≤ ${two(built.certified)}`, both] : [both];
}

function say(node, variants) {
  variants.some(said => {
    text(node, said);
    return node.scrollWidth <= node.clientWidth;
  });
}

export function draw(view, state, palette, hovered) {
  const { run, frame } = state, curve = run.view === "curve", formula = curve && run.settings.data.kind === "formula";
  const words = hovered || formula ? [""] : marks(run), key = [run.version, words[0], box(view.holder)?.width].join();
  if (view.marks !== key) {
    view.marks = key;
    say(view.note, words);
    attribute(view.note, "title", words[0] || null);
  }
  const coloured = !curve && run.kind === "quantity" && !hovered;
  show(view.units, coloured);
  if (coloured) drawUnits(view, run, frame, palette);
  show(view.construct, formula);
  show(view.errors, formula);
  toggle(view.holder, "lower", formula); // so that the line of the errors moves nothing
  drawWidth(view, state, formula);
  if (!formula) return;
  const asked = !!state.look?.construct, told = asked ? errors(frame.built) : [`${run.settings.data.text}, and rows of it`];
  attribute(view.construct, "aria-pressed", String(asked));
  const stale = [told[0], box(view.holder)?.width].join();
  if (view.errorsKey === stale) return;
  view.errorsKey = stale;
  attribute(view.errors, "title", told[0]);
  say(view.errors, told);
}

// How many units follow the curve: the trained network and the constructed one have as many.
function drawWidth(view, { run }, formula) {
  const units = run.settings.layers[0]?.units;
  show(view.slider, formula && units !== undefined);
  if (!formula || units === undefined) return;
  text(view.widthText, `${units} unit${units === 1 ? "" : "s"}`);
  attribute(view.width, "max", String(Math.max(64, units)));
  attribute(view.width, "disabled", !!run.folded);
  if (view.width !== document.activeElement || Number(view.width.value) === units) view.width.value = String(units);
}

function drawUnits(view, run, frame, palette) {
  const [mean, scale] = run.target_affine ?? [0, 1], reach = frame.output_scale ?? 1, key = [mean, scale, reach, palette.key].join();
  if (view.unitsKey === key) return;
  view.unitsKey = key;
  text(view.low, short(Number((mean - reach * scale).toPrecision(3))));
  text(view.high, short(Number((mean + reach * scale).toPrecision(3))));
  view.ramp.style.backgroundImage = `linear-gradient(90deg, ${[-1, 0, 1].map(v => css(ramp(v, palette.values, REACH))).join()})`;
  attribute(view.units, "title", `${run.target ?? "y"}: colours from ${view.low.textContent} to ${view.high.textContent}`);
}
