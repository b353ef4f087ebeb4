// How a row is marked: shape and colour by class, colour by value where a quantity is learned.

import { css, ramp } from "./colours.js";

// Two classes: the second is +1 (a disc), the first −1 (a square). More: a shape each.
export function shapeOf(run, t) {
  if (run.kind !== "classes") return 0;
  if (run.classes.length === 2) return t > 0 ? 0 : 1;
  return Math.round(t);
}

// With more classes the output that is shown has the positive colour, all others the negative one, as its map has.
export function look(state, palette) {
  const { run, frame } = state, output = state.look?.output ?? 0, scale = frame?.output_scale ?? 1;
  return {
    shape: t => shapeOf(run, t),
    colour: t => run.kind !== "classes" ? css(ramp(Math.round(16 * t / scale) / 16, palette.values, 1))
      : run.classes.length === 2 ? (t > 0 ? palette.pos : palette.neg) : Math.round(t) === output ? palette.pos : palette.neg,
  };
}
