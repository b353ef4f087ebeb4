// The output over a plane: 96 × 96 signed bytes, smoothed, the rows on top.

import { fit } from "../canvas.js";
import { look } from "../points.js";
import { linear } from "../scales.js";
import { mark, negativeShare, paint } from "../map.js";
import { short } from "../format.js";

export function scales({ run }, width, height) {
  const [a, b] = run.plane.map(n => run.axes[n]);
  return { x: linear(a.lo, a.hi, 0, width), y: linear(b.lo, b.hi, height, 0), ux: linear(0, width, a.lo, a.hi), uy: linear(height, 0, b.lo, b.hi) };
}

export function draw(view, state, palette, width, height, tile) {
  const { arrays } = state.frame, options = { width, height, palette, line: 1.5, patterns: state.patterns };
  if (tile >= 0) paint(view.canvas, arrays.maps, 32, { ...options, from: tile * 1024 });
  else paint(view.canvas, arrays.output, 96, options);
}

// Rows move seldom: they have a canvas of their own, so that a picture need not draw hundreds of marks again.
export function drawOver(view, state, palette, width, height) {
  const { points, frame, run } = state, key = [run.version, palette.key, width, height, frame.row, frame.at, state.hover?.row, state.look?.output, frame.output_scale].join();
  if (view.overKey === key && view.overPoints === points) return;
  Object.assign(view, { overKey: key, overPoints: points });
  const context = fit(view.top, width, height), { x, y } = scales(state, width, height), style = look(state, palette);
  view.places = null;
  let chosen = null;
  if (points?.version === run.version) { // or they lie in the axes of another table
    const { xy, t, held, row } = points.arrays;
    view.places = new Float32Array(2 * t.length);
    for (let n = 0; n < t.length; n++) {
      const px = view.places[2 * n] = x(xy[2 * n]), py = view.places[2 * n + 1] = y(xy[2 * n + 1]);
      mark(context, px, py, style.shape(t[n]), style.colour(t[n]), !!held[n], palette);
      if (row[n] === (state.hover?.row ?? frame.row)) chosen = [px, py];
    }
  }
  if (frame.at && state.hover?.row === undefined) chosen = [x(frame.at[0]), y(frame.at[1])];
  if (chosen) ring(context, ...chosen, palette, !!frame.at && state.hover?.row === undefined);
}

export function ring(context, x, y, palette, cross) {
  for (const [colour, wide] of [[palette.panel, 4.5], [palette.ink, 2]]) {
    context.beginPath();
    context.arc(x, y, 6.5, 0, 7);
    if (cross) { context.moveTo(x - 3, y); context.lineTo(x + 3, y); context.moveTo(x, y - 3); context.lineTo(x, y + 3); }
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.stroke();
  }
}

export function say({ run, frame, points }) {
  const [a, b] = run.plane.map(n => run.axes[n].name), negative = Math.round(100 * negativeShare(frame.arrays.output, 96));
  const score = Number.isFinite(frame.score) ? ` ${run.score ?? "Score"} ${short(frame.score)} in training${Number.isFinite(frame.validation_score) ? `, ${short(frame.validation_score)} held out` : ""}.` : "";
  return `Output over ${a} and ${b}: ${100 - negative} % of the surface positive, ${negative} % negative; ${points?.arrays.t.length ?? 0} rows.${score}`;
}
