// The history as a strip: its height is the loss, its handle the moment that every picture shows.

import { attribute, el, phone, show, text } from "./dom.js";
import { box, fit, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { loss as say } from "./format.js";
import { linear, logarithmic, thin } from "./scales.js";

const views = new WeakMap();

function build(element) {
  const view = { canvas: el("canvas", { "aria-hidden": "true" }) };
  view.knob = el("div", { class: "knob", role: "slider", tabindex: "0", "aria-label": "History", "aria-valuemin": "0", on: { keydown: event => keys(view, event) } });
  view.bar = el("div", { class: "bar-strip" }, view.canvas, view.knob);
  view.told = el("span", { class: "told" });
  view.branch = el("button", { type: "button", class: "branch wide", hidden: true, on: { click: () => view.actions.branch() } }, "Branch from here");
  element.append(el("span", { class: "wide", "aria-hidden": "true" }, "History"), view.bar, view.told, view.branch);
  element.classList.add("timeline");
  const seek = event => {
    const { left, width } = view.bar.getBoundingClientRect(), { frame } = view.state;
    if (!frame) return;
    const epoch = Math.max(0, Math.min(1, (event.clientX - left) / width)) * frame.end.epoch;
    jump(view, nearest(view.state.history.points, epoch, frame.end));
  };
  view.bar.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    view.bar.setPointerCapture(event.pointerId);
    view.dragging = true;
    view.knob.focus({ preventScroll: true });
    event.preventDefault();
    seek(event);
  });
  view.bar.addEventListener("pointermove", event => { if (view.dragging) seek(event); });
  for (const over of ["pointerup", "pointercancel"]) view.bar.addEventListener(over, () => { view.dragging = false; view.sent = null; });
  watch(view.bar, () => { if (view.state) draw(element, view.state, view.actions); });
  views.set(element, view);
  return view;
}

// The recorded picture nearest to an epoch. The end is a picture too.
export function nearest(points, epoch, end) {
  let low = 0, high = points.length - 1;
  if (high < 0 || epoch >= end.epoch) return end.step;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][1] < epoch) low = middle + 1; else high = middle;
  }
  const before = points[Math.max(0, low - 1)];
  return Math.abs(before[1] - epoch) <= Math.abs(points[low][1] - epoch) ? before[0] : points[low][0];
}

function jump(view, step) {
  if (step === view.sent) return; // one message a picture, however fast the pointer
  view.sent = step;
  if (step >= view.state.frame.end.step) view.actions.live(); else view.actions.seek(step);
}

function keys(view, event) {
  const { frame, history: { points } } = view.state;
  if (!frame || event.ctrlKey || event.metaKey || event.altKey) return;
  const move = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
  if (move === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const here = frame.looking?.step ?? frame.end.step;
  let at = points.findIndex(point => point[0] >= here);
  if (at < 0) at = points.length;
  const to = Math.max(0, Math.min(points.length, at + move));
  view.sent = null;
  jump(view, points[to]?.[0] ?? frame.end.step);
}

export function draw(element, state, actions) {
  const view = views.get(element) ?? build(element), { frame, history } = state;
  Object.assign(view, { state, actions });
  if (!frame || !box(view.bar)?.width) return;
  const { width, height } = box(view.bar), palette = read(state), end = frame.end ?? { epoch: frame.epoch, step: frame.step };
  const epoch = frame.looking?.epoch ?? end.epoch, lookingBack = !!frame.looking, at = end.epoch ? epoch / end.epoch : 1;
  const left = `translateX(${Math.round(at * width)}px)`; // not `left`: that would lay out the page in every picture
  if (view.knob.style.transform !== left) view.knob.style.transform = left;
  attribute(view.knob, "aria-valuemax", end.epoch);
  attribute(view.knob, "aria-valuenow", epoch);
  const said = lookingBack ? `epoch ${epoch} of ${end.epoch}` : `epoch ${end.epoch}`;
  if (!frame.playing) attribute(view.knob, "aria-valuetext", `${said}${lookingBack ? ", looking back" : ""}, loss ${say(frame.loss)}`);
  text(view.told, phone() ? (lookingBack ? `${epoch} of ${end.epoch}` : String(end.epoch)) : lookingBack ? `${said} · looking back` : said);
  show(view.branch, lookingBack);

  const key = [history.points.length, end.step, epoch, width, height, palette.key].join();
  if (key === view.key) return;
  view.key = key;
  const context = fit(view.canvas, width, height);
  context.fillStyle = palette.sunk;
  context.fillRect(0, 0, width, height);
  const points = thin(history.points, Math.ceil(width)).filter(point => Number.isFinite(point[2]) && point[2] > 0);
  if (points.length > 1) {
    let lo = Infinity, hi = 0;
    for (const point of points) { lo = Math.min(lo, point[2]); hi = Math.max(hi, point[2]); }
    const x = linear(0, end.epoch || 1, 0, width), y = logarithmic(lo, hi * 1.0001, height - 3, 4);
    // What lies ahead of the moment shown is paler: it has happened, but is not on the page.
    for (const [from, to, alpha] of [[0, at * width, 0.55], [at * width, width, 0.25]]) {
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, height);
      context.clip();
      context.beginPath();
      context.moveTo(x(points[0][1]), height);
      for (const point of points) context.lineTo(x(point[1]), y(point[2]));
      context.lineTo(x(points[points.length - 1][1]), height);
      context.fillStyle = palette.line2;
      context.globalAlpha = alpha;
      context.fill();
      context.restore();
    }
  }
  if (frame.diverged) {
    context.fillStyle = palette.ink;
    context.fillRect(Math.min(width - 2, frame.diverged.epoch / (end.epoch || 1) * width), 0, 2, height);
  }
}
