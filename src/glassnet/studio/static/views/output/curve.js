// The output over one feature: rows, the network, and beside it the network that the theorem builds.

import { fit } from "../canvas.js";
import { extent, linear } from "../scales.js";
import { mark } from "../map.js";
import { look } from "../points.js";
import { short, value } from "../format.js";
import { ring } from "./surface.js";

export function scales({ run, frame, points }, width, height) {
  const axis = run.axes[run.plane[0]];
  const [lo, hi] = points?.arrays.xy.length ? extent(points.arrays.xy, 1, 2) : extent(frame.arrays.curve), room = (hi - lo || 1) * 0.12;
  return { x: linear(axis.lo, axis.hi, 0, width), y: linear(lo - room, hi + room, height, 0), ux: linear(0, width, axis.lo, axis.hi), uy: linear(height, 0, lo - room, hi + room), lo: lo - room, hi: hi + room };
}

function line(context, values, { x, y }, { lo, hi }) {
  context.beginPath();
  const last = values.length - 1;
  values.forEach((v, n) => context.lineTo(x(lo + (hi - lo) * n / last), y(v)));
}

export function draw(view, state, palette, width, height) {
  const { run, frame } = state, points = state.points?.version === run.version ? state.points : null, context = fit(view.canvas, width, height), scale = scales(state, width, height), axis = run.axes[run.plane[0]];
  context.fillStyle = palette.page;
  context.fillRect(0, 0, width, height);
  context.fillStyle = palette.line;
  for (const v of [scale.lo + (scale.hi - scale.lo) * 0.1, 0, scale.hi - (scale.hi - scale.lo) * 0.1]) {
    if (v > scale.lo && v < scale.hi) context.fillRect(0, scale.y(v), width, 1);
  }
  if (points) {
    const style = look(state, palette), { xy, t, held } = points.arrays;
    for (let n = 0; n < held.length; n++) mark(context, scale.x(xy[2 * n]), scale.y(xy[2 * n + 1]), style.shape(t[n]), palette.ink3, !!held[n], palette, 2.2);
  }
  context.lineJoin = "round";
  if (frame.arrays.built) {
    line(context, frame.arrays.built, scale, axis);
    context.strokeStyle = palette.ink2;
    context.setLineDash([5, 3]);
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }
  line(context, frame.arrays.curve, scale, axis);
  context.strokeStyle = palette.panel;
  context.lineWidth = 5;
  context.stroke();
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  context.stroke();
  name(context, state, scale, palette, width);
}

// Names at the ends of the lines; a plate below them, since rows may lie there.
function name(context, { frame }, scale, palette, width) {
  const ends = [["network", frame.arrays.curve, palette.ink]];
  if (frame.arrays.built) ends.push(["constructed", frame.arrays.built, palette.ink2]);
  context.font = "12px system-ui, sans-serif";
  let before = -Infinity;
  ends.map(([label, values, colour]) => ({ label, colour, y: Math.max(14, scale.y(values[values.length - 8]) - 8) })).sort((a, b) => a.y - b.y).forEach(({ label, colour, y }) => {
    const at = Math.max(y, before + 16), wide = context.measureText(label).width;
    before = at;
    context.globalAlpha = 0.8;
    context.fillStyle = palette.page;
    context.fillRect(width - wide - 9, at - 12, wide + 6, 16);
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.fillText(label, width - wide - 6, at);
  });
}

export function drawOver(view, state, palette, width, height) {
  const { points, frame } = state, context = fit(view.top, width, height), { x, y } = scales(state, width, height);
  view.places = points && Float32Array.from(points.arrays.xy, (v, n) => n % 2 ? y(v) : x(v));
  const at = points?.arrays.row.indexOf(frame.row) ?? -1;
  if (frame.at) {
    context.fillStyle = palette.ink;
    context.fillRect(x(frame.at[0]) - 0.75, 0, 1.5, height);
  } else if (at >= 0) ring(context, view.places[2 * at], view.places[2 * at + 1], palette, false);
}

export function say({ run, frame, points }) {
  const [lo, hi] = extent(frame.arrays.curve), built = frame.built;
  const beside = built ? ` The built network has ${built.units} units and differs by at most ${short(built.error)}, the trained one by ${short(built.trained_error)}.` : "";
  return `Output over ${run.axes[run.plane[0]].name}: from ${value(lo)} to ${value(hi)}, with ${points?.arrays.t.length ?? 0} rows.${beside}`;
}
