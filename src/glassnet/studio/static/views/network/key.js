// The key below the picture: what colours and widths mean, and what the lines show. In stage walking: the stage.

import { attribute, el, show, text } from "../dom.js";
import { REACH, css, ramp, width } from "../colours.js";
import { fit } from "../canvas.js";
import { short } from "../format.js";
import { mathml } from "../equations.js";
import { seat } from "./addresses.js";

const SHOWS = [["weight", "weight"], ["gradient", "gradient"], ["update", "last update"]];
const NAMES = { weight: "|w|", gradient: "|dw|", update: "|Δw|", contribution: "|h·w|" };

export function make(view) {
  view.low = el("span"); view.high = el("span");
  view.ramp = el("canvas", { class: "ramp", "aria-hidden": "true" });
  view.widths = el("canvas", { class: "widths", "aria-hidden": "true" });
  view.widthsText = el("span");
  view.stage = el("div", { class: "stage", hidden: true, role: "status" }, el("b"), el("span", { class: "stage-title" }), el("span", { class: "stage-note" }));
  view.switches = SHOWS.map(([name, label]) => el("button", { type: "button", on: { click: () => view.actions.setLines(name) } }, label));
  return el("div", { class: "key" },
    view.rampPart = el("span", { class: "key-part" }, view.low, view.ramp, view.high),
    view.widthPart = el("span", { class: "key-part wide" }, view.widths, view.widthsText),
    view.stage, el("span", { class: "grow" }),
    view.showPart = el("span", { class: "key-part" }, el("span", { class: "wide", "aria-hidden": "true" }, "lines show"),
      el("span", { class: "segmented", role: "group", "aria-label": "Lines show" }, ...view.switches)));
}

export function draw(view, state, palette, set) {
  const { frame, run, stage } = state, walking = !!stage?.name;
  SHOWS.forEach(([name], n) => attribute(view.switches[n], "aria-pressed", String(state.lines === name)));
  show(view.stage, walking);
  show(view.rampPart, !walking);
  show(view.widthPart, !walking);
  show(view.showPart, !walking); // they show what the stage computed
  if (walking) {
    // What is being computed; how, with its numbers, stands in Why unless that answers another question.
    const [step, title, note] = view.stage.children, asked = Object.keys(state.about ?? {}).length > 0;
    const end = stage.title.indexOf("="), shown = asked || end < 0 ? stage.title : stage.title.slice(0, end), key = JSON.stringify(shown);
    text(step, `Stage ${stage.index + 1} of ${stage.of}`);
    if (title.dataset.key !== key) { title.dataset.key = key; title.replaceChildren(mathml(shown)); }
    text(note, asked ? stage.note ?? "" : "");
    attribute(note, "title", stage.text ?? null);
    return;
  }
  // The pole of the column that is looked at; the output's otherwise.
  const place = seat(run, state.hover) ?? seat(run, state.about), scale = frame.scales?.[place ? place[0] : frame.scales.length - 1] ?? 1;
  text(view.low, `−${short(scale)}`);
  text(view.high, `+${short(scale)}`);
  if (view.keyOf === palette.key + set.scale + set.shows + state.patterns) return;
  view.keyOf = palette.key + set.scale + set.shows + state.patterns;
  const context = fit(view.ramp, 84, 10), fill = context.createLinearGradient(0, 0, 84, 0);
  for (const v of [-1, -0.5, 0, 0.5, 1]) fill.addColorStop((v + 1) / 2, css(ramp(v, palette.values, REACH)));
  context.fillStyle = fill;
  context.fillRect(0, 0, 84, 10);
  const lines = fit(view.widths, 112, 12), steps = [1 / 5, 1 / 2, 1];
  lines.fillStyle = palette.ink2;
  steps.forEach((r, n) => lines.fillRect(n * 40, 6 - width(r) / 2, 26, width(r)));
  text(view.widthsText, `${NAMES[set.shows] ?? ""} = ${steps.map(r => short(r * set.scale)).join(", ")}`);
}
