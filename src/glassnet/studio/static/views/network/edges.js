// The lines: what they show, how they are drawn, which one is under the pointer.

import { fill, ratio } from "../canvas.js";
import { lineScale, opacity, pole, sign, strength, thinning, width } from "../colours.js";
import { line as raster, word } from "../raster.js";
import { along, curve } from "./layout.js";
import { biasAt, valueAt, weightAt } from "./addresses.js";

const SAMPLES = 18, NEAR = 7;

// One record a line, made when the layout changes; the values of a picture go into `values`.
export function list(run, frame, plan) {
  const lines = [];
  for (let l = 0; l + 1 < plan.columns.length; l++) {
    const from = frame.shown[l], to = frame.shown[l + 1];
    const k = thinning(Math.max(from.length, to.length));
    from.forEach((i, a) => to.forEach((j, b) => lines.push({ l, i, j, k, p: weightAt(run, l, i, j), value: 0, r: 0,
      curve: curve(plan.columns[l].at[a], plan.columns[l + 1].at[b], a, from.length) })));
  }
  const stubs = [];
  for (let c = 1; c < plan.columns.length; c++) frame.shown[c].forEach((j, n) => {
    const p = biasAt(run, c - 1, j), at = plan.columns[c].at[n];
    if (p === null) return;
    const gap = Math.min(10, Math.max(5, plan.columns[c].pitch - at.size - 2));
    stubs.push({ l: c - 1, j, p, x: at.x, y: at.y - at.size / 2, gap, k: thinning(frame.shown[c].length), value: 0, r: 0 });
  });
  const polyline = new Float32Array(lines.length * SAMPLES * 2);
  lines.forEach((line, n) => {
    for (let s = 0; s < SAMPLES; s++) polyline.set(along(line.curve, s / (SAMPLES - 1)), 2 * (n * SAMPLES + s));
  });
  return { lines, stubs, polyline, order: Uint16Array.from(lines, (_, n) => n), scale: null, shows: "weight" };
}

// What the lines show: a parameter, its gradient, its last update; at a row what each weight contributes.
export function measure(set, state) {
  const { frame, run, stage } = state, { arrays } = frame;
  const staged = stage?.name && stage.colours;
  const atRow = !staged && state.lines === "weight" && arrays.values && (frame.row !== null || frame.at !== null);
  const source = state.lines === "gradient" ? arrays.gradient : state.lines === "update" ? arrays.update ?? arrays.gradient : arrays.parameters;
  set.gradient = staged ? !!stage.colours.gradient : state.lines !== "weight";
  set.shows = staged ? "stage" : atRow ? "contribution" : state.lines;
  const layerOfStage = staged ? stage.colours.weights : null;
  for (const line of set.lines) {
    if (staged) line.value = line.l === layerOfStage ? stage.colours.values?.[line.i * run.sizes[line.l + 1] + line.j] ?? 0 : 0;
    else line.value = source[line.p] * (atRow ? arrays.values[valueAt(run, line.l, line.i)] : 1);
  }
  const own = staged || atRow || !frame.lines_scale;
  set.scale = own ? lineScale(set.lines.filter(line => line.value !== 0).map(line => line.value), set.kept === set.shows ? set.scale : null) : frame.lines_scale;
  set.kept = set.shows;
  for (const line of set.lines) line.r = strength(line.value, set.scale);
  for (const stub of set.stubs) {
    stub.value = staged ? 0 : source[stub.p];
    stub.r = strength(stub.value, set.scale);
  }
  set.order.sort((a, b) => set.lines[a].r - set.lines[b].r); // strong over weak
}

function trace(context, [x1, y1, m, x2, y2]) {
  context.moveTo(x1, y1);
  context.bezierCurveTo(m, y1, m, y2, x2, y2);
}

// lit(line): stays in full; the others have `dim` of their opacity. What is lit lies above, strong over weak.
export function draw(canvas, set, plan, state, palette, { lit, dim, selected }) {
  const staged = !!(state.stage?.name && state.stage.colours), scale = ratio();
  const context = fill(canvas, plan.width, plan.height, (pixels, w, h) => {
    pixels.fill(word(palette.rgb.page));
    const put = (line, thick, alpha, colour, dash) => {
      const [x1, y1, , x2, y2] = line.curve;
      raster(pixels, w, h, x1 * scale, y1 * scale, x2 * scale, y2 * scale, thick * scale, alpha, colour, dash);
    };
    // Arrays that this stage did not compute keep a hair of grey, so that the network does not fall apart.
    if (staged) for (const line of set.lines) if (line.value === 0) put(line, 0.5, 0.4, palette.rgb.line2, 0);
    for (const upper of lit ? [false, true] : [true]) for (const n of set.order) {
      const line = set.lines[n];
      if ((lit && lit(line) !== upper) || (staged && line.value === 0)) continue;
      put(line, width(line.r, line.k), opacity(line.r) * (upper ? 1 : dim), palette.rgb[pole(line.value, set.gradient)], state.patterns && line.value < 0 ? scale : 0);
    }
  });
  rest(context, set, plan, state.frame, palette, lit ? dim : 1);
  for (const stub of set.stubs) {
    context.beginPath();
    context.moveTo(stub.x, stub.y - stub.gap);
    context.lineTo(stub.x, stub.y);
    context.strokeStyle = staged ? palette.line2 : sign(stub.value, palette, set.gradient);
    context.globalAlpha = opacity(stub.r) * (lit ? dim : 1);
    context.lineWidth = width(stub.r, stub.k) + 0.5;
    context.stroke();
  }
  context.globalAlpha = 1;
  if (selected) halo(context, set, state, palette, selected);
  locks(context, set, state, palette);
}

// Lines of units hidden away merge into one: grey, since their signs differ, as strong as their root sum of squares.
function rest(context, set, plan, frame, palette, dim) {
  frame.arrays.rest?.forEach((v, l) => {
    if (!(v > 0)) return;
    const from = plan.columns[l], to = plan.columns[l + 1], r = strength(v, set.scale);
    const end = (column, side) => column.moreAt
      ? { x: column.x, y: column.moreAt.y, size: 58 }
      : { ...column.at[Math.floor(column.at.length / 2)], size: column.tile, side };
    context.beginPath();
    trace(context, curve(end(from), end(to), 0, 1));
    context.strokeStyle = palette.line2;
    context.globalAlpha = opacity(r) * dim;
    context.lineWidth = width(r);
    context.stroke();
  });
  context.globalAlpha = 1;
}

function lock(context, x, y, palette) {
  context.fillStyle = palette.panel;
  context.beginPath();
  context.arc(x, y, 8, 0, 7);
  context.fill();
  context.fillStyle = palette.ink;
  context.fillRect(x - 4, y - 1, 8, 5.5);
  context.beginPath();
  context.arc(x, y - 1.5, 2.6, Math.PI, 0);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.4;
  context.stroke();
}

// A lock on each frozen line, as long as they are few; whole units and layers show theirs on tiles and headers.
function locks(context, set, { run }, palette) {
  if (!run.frozen.length) return;
  const frozen = new Set(run.frozen), lines = set.lines.filter(line => frozen.has(line.p));
  if (lines.length <= 24) for (const line of lines) lock(context, ...along(line.curve, 0.5), palette);
  for (const stub of set.stubs) if (frozen.has(stub.p)) lock(context, stub.x + 9, stub.y - 5, palette);
}

// What is selected: its line between two of page colour between two of ink.
function halo(context, set, state, palette, selected) {
  const w = Math.max(2, width(selected.r, selected.k));
  for (const [colour, wide] of [[palette.ink, w + 5], [palette.page, w + 2], [sign(selected.value, palette, set.gradient), w]]) {
    context.beginPath();
    if (selected.curve) trace(context, selected.curve);
    else { context.moveTo(selected.x, selected.y - selected.gap); context.lineTo(selected.x, selected.y); }
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.setLineDash(wide === w && state.patterns && selected.value < 0 ? [7, 3] : []);
    context.stroke();
  }
  context.setLineDash([]);
}

// The line or stub under the pointer; of two as near the stronger one.
export function pick(set, x, y) {
  for (const stub of set.stubs) {
    if (Math.abs(x - stub.x) < 7 && y > stub.y - stub.gap - 4 && y < stub.y - 0.5) return { bias: [stub.l, stub.j] };
  }
  let best = null, least = NEAR;
  set.lines.forEach((line, n) => {
    const [x1, , , x2] = line.curve;
    if (x < x1 || x > x2) return;
    const half = width(line.r, line.k) / 2;
    for (let s = 0; s + 1 < SAMPLES; s++) {
      const at = 2 * (n * SAMPLES + s), ax = set.polyline[at], ay = set.polyline[at + 1], bx = set.polyline[at + 2], by = set.polyline[at + 3];
      if (x < ax - NEAR || x > bx + NEAR) continue;
      const t = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
      const distance = Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) - half - line.r;
      if (distance < least) { least = distance; best = line; }
    }
  });
  return best && { weight: [best.l, best.i, best.j] };
}
