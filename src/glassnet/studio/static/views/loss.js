// Loss against epochs, logarithmic: training, validation, and in grey what another branch did.

import { attribute, el } from "./dom.js";
import { box, fit, watch } from "./canvas.js";
import { palette as read } from "./colours.js";
import { loss as say, short } from "./format.js";
import { linear, logTicks, logarithmic, thin } from "./scales.js";

const LEFT = 38, LABELS = 66;
const views = new WeakMap();

function build(element) {
  const canvas = el("canvas", { role: "img", "aria-label": "Loss" });
  const view = { holder: el("div", { class: "plot loss-plot" }, canvas), canvas };
  element.append(el("h2", {}, "Loss ", el("span", {}, "log scale")), view.holder);
  watch(view.holder, () => { if (view.state) draw(element, view.state); });
  views.set(element, view);
  return view;
}

const positive = v => v !== null && Number.isFinite(v) && v > 0;

export function draw(element, state) {
  const view = views.get(element) ?? build(element), { frame, history } = state;
  view.state = state;
  if (!frame || !box(view.holder)?.width) return;
  const { width, height } = box(view.holder), palette = read(state);
  const looking = frame.looking?.step ?? null;
  const key = [frame.step, frame.loss, looking, history.points.length, history.old?.length, width, height, palette.key].join();
  if (key === view.key) return;
  view.key = key;
  const context = fit(view.canvas, width, height), right = width - LABELS;
  const curves = history.old?.length ? (Array.isArray(history.old[0]?.[0]) ? history.old : [history.old]) : [];
  const points = thin(history.points, Math.ceil(right)), olds = curves.map(curve => thin(curve, Math.ceil(right)));
  let lo = Infinity, hi = 0, last = 1;
  for (const curve of [points, ...olds]) for (const [, epoch, a, b] of curve) {
    for (const v of [a, b]) if (positive(v)) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
    last = Math.max(last, epoch);
  }
  if (!(hi > 0)) { lo = 0.1; hi = 1; }
  if (hi / lo < 2) { lo /= 1.5; hi *= 1.5; }
  const x = linear(0, last, LEFT, right), y = logarithmic(lo, hi, height - 5, 6);

  context.font = "12px system-ui, sans-serif";
  for (const v of logTicks(lo, hi)) {
    context.fillStyle = palette.line;
    context.fillRect(LEFT, Math.round(y(v)), right - LEFT, 1);
    context.fillStyle = palette.ink3;
    context.textAlign = "right";
    context.fillText(short(v), LEFT - 5, Math.max(10, Math.min(height - 2, y(v) + 4)));
    context.textAlign = "left";
  }
  const line = (curve, column, colour, dash) => {
    context.beginPath();
    let open = false;
    for (const point of curve) {
      if (!positive(point[column])) { open = false; continue; }
      if (open) context.lineTo(x(point[1]), y(point[column])); else context.moveTo(x(point[1]), y(point[column]));
      open = true;
    }
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.stroke();
    context.setLineDash([]);
  };
  for (const old of olds) line(old, 2, palette.line2, []);
  line(points, 3, palette.ink3, [3, 2]);
  line(points, 2, palette.ink, []);

  if (points.length === 1 && positive(points[0][2])) { // a curve of one point is a point
    context.fillStyle = palette.ink;
    context.fillRect(LEFT, y(points[0][2]) - 2, 4, 4);
  }
  if (looking !== null) {
    context.fillStyle = palette.ink;
    context.fillRect(x(frame.looking.epoch) - 0.75, 0, 1.5, height);
  }
  if (frame.diverged) {
    context.fillStyle = palette.ink;
    context.fillText("✕", Math.min(right - 8, x(frame.diverged.epoch) - 4), 12);
  }
  labels(context, frame, points, y, right, palette, height);
  if (!frame.playing || !view.said) {
    view.said = true;
    attribute(view.canvas, "aria-label", `Loss on a log scale over ${last} epochs: training ${say(frame.loss)}${frame.validation === null ? "" : `, validation ${say(frame.validation)}`} at epoch ${frame.epoch}.`);
  }
}

// The names stand at the ends of their lines and make room for each other.
function labels(context, frame, points, y, right, palette, height) {
  const end = points[points.length - 1] ?? [0, 0, frame.loss, frame.validation];
  const clamp = v => Math.max(11, Math.min(height - 3, v));
  let a = positive(end[2]) ? clamp(y(end[2]) + 4) : null, b = positive(end[3]) ? clamp(y(end[3]) + 4) : null;
  if (a !== null && b !== null && Math.abs(a - b) < 14) {
    const middle = Math.max(18, Math.min(height - 10, (a + b) / 2)), down = end[3] > end[2] ? -7 : 7;
    a = middle - down;
    b = middle + down;
  }
  context.fillStyle = palette.ink;
  if (a !== null) context.fillText("training", right + 5, a);
  context.fillStyle = palette.ink3;
  if (b !== null) context.fillText("validation", right + 5, b);
}
