// A hand on the number: slide, type, or drag it up and down. What it was stays as a ghost, with the loss it had.

import { attribute, el, show, text } from "../dom.js";
import { loss as sayLoss, value as say } from "../format.js";
import { exists, parameterAt, same } from "../network/addresses.js";

const PIXELS = 4; // a step of the dragged number

export function make(view) {
  view.range = el("input", { type: "range", "aria-label": "Value" });
  view.ghost = el("i", { class: "ghost-tick", hidden: true });
  view.number = el("input", { type: "text", inputmode: "decimal", class: "number-box", "aria-label": "Value", title: "Drag up or down: 1 %, with Shift 0.1 %", autocomplete: "off" });
  view.told = el("small", { class: "edited" });
  view.range.addEventListener("input", () => send(view, Number(view.range.value)));
  view.number.addEventListener("change", () => {
    const typed = Number(view.number.value.replace("−", "-").replace(",", "."));
    if (view.number.value.trim() && Number.isFinite(typed)) send(view, typed);
  });
  view.number.addEventListener("keydown", event => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") view.number.blur();
    if (event.key === "Escape") { view.number.value = say(view.now); view.number.blur(); event.stopPropagation(); }
    if (!by) return;
    event.preventDefault();
    send(view, view.now + by * stepOf(view, event.shiftKey));
    view.number.value = say(view.now);
  });
  drag(view);
  view.edit = el("div", { class: "edit", hidden: true }, el("div", { class: "edit-row" }, el("div", { class: "range" }, view.ghost, view.range), view.number), view.told);
  return view.edit;
}

// One per cent of its size; near zero of a hundredth of the slider.
const stepOf = (view, fine) => Math.max(Math.abs(view.now) * 0.01, (view.span?.[1] - view.span?.[0]) / 2000 || 0.001) * (fine ? 0.1 : 1);

function drag(view) {
  let from = null, moving = false;
  view.number.addEventListener("pointerdown", event => {
    if (document.activeElement === view.number) return; // being typed in: let it select text
    from = event.clientY;
    moving = false;
    view.number.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  view.number.addEventListener("pointermove", event => {
    if (from === null) return;
    const steps = Math.trunc((from - event.clientY) / PIXELS);
    if (!steps) return;
    moving = true;
    from -= steps * PIXELS;
    send(view, view.now + steps * stepOf(view, event.shiftKey));
  });
  const end = () => {
    if (from !== null && !moving) { view.number.focus(); view.number.select(); }
    from = null;
  };
  view.number.addEventListener("pointerup", end);
  view.number.addEventListener("pointercancel", () => { from = null; });
}

function send(view, value) {
  const { frame } = view.state;
  if (!view.asked || view.frozen) return;
  view.before ??= { value: view.now, loss: frame.loss };
  view.now = value;
  view.waiting = performance.now();
  view.actions.edit(view.asked, value);
  paint(view, frame);
}

export function focus(view) {
  if (!view.edit.hidden) { view.number.focus(); view.number.select(); }
}

export function draw(view, state, edit) {
  const { run, frame } = state, asked = edit && (edit.weight ? { weight: edit.weight } : edit.bias ? { bias: edit.bias } : null);
  show(view.edit, !!asked && exists(run, asked));
  if (!asked || !exists(run, asked) || frame.version !== run.version) return;
  // Training, or another number: what it was is no longer of interest.
  if (!same(view.asked, asked) || frame.playing) view.before = null;
  view.asked = asked;
  view.span = [edit.lo, edit.hi];
  view.frozen = !!edit.frozen;
  // The number in the frame, so that it moves while training; for a moment after an edit the hand is ahead of it.
  if (!(performance.now() - view.waiting < 300)) view.now = frame.arrays.parameters[parameterAt(run, asked)];
  paint(view, frame);
}

function paint(view, frame) {
  const [lo, hi] = view.span, now = view.now;
  attribute(view.range, "min", Math.min(lo, now));
  attribute(view.range, "max", Math.max(hi, now));
  attribute(view.range, "step", "any");
  attribute(view.range, "disabled", view.frozen);
  attribute(view.number, "disabled", view.frozen);
  if (Number(view.range.value) !== now) view.range.value = String(now);
  attribute(view.range, "aria-valuetext", say(now));
  if (document.activeElement !== view.number && view.number.value !== say(now)) view.number.value = say(now);
  show(view.ghost, !!view.before);
  if (view.before) {
    const share = (view.before.value - Math.min(lo, now)) / (Math.max(hi, now) - Math.min(lo, now) || 1);
    view.ghost.style.left = `calc(8px + ${share.toFixed(4)} * (100% - 16px))`;
    text(view.told, `was ${say(view.before.value)}\nloss ${sayLoss(view.before.loss)} → ${sayLoss(frame.loss)}`);
  } else text(view.told, view.frozen ? "Frozen: training leaves it alone" : "");
}
