// The network's lines as vectors. The page paints them on a canvas; here they follow the same rule, from the same functions.

import { opacity, palette, sign, width } from "../views/colours.js";
import { list, measure } from "../views/network/edges.js";

/** Where the tiles stand, column by column, as the page shows them. */
export function planFrom(rectangles, shown, origin) {
  let next = 0;
  const columns = shown.map((units) => {
    const at = units.map(() => {
      const { left, top, width: size, height } = rectangles[next++];
      return { x: left - origin.left + size / 2, y: top - origin.top + height / 2, size };
    });
    const pitch = at.length > 1 ? at[1].y - at[0].y : 40;
    return { at, pitch, x: at[0]?.x };
  });
  return { columns };
}

export function linesOf(box, state) {
  const tiles = [...box.querySelectorAll(".tiles > .tile")].map((tile) => tile.getBoundingClientRect());
  const { run, frame } = state;
  if (!frame || frame.version !== run.version || tiles.length < frame.shown.flat().length) return [];
  const set = list(run, frame, planFrom(tiles, frame.shown, box.getBoundingClientRect()));
  measure(set, state);
  const colours = palette(state);
  const look = (line, extra = 0) => ({
    stroke: sign(line.value, colours, set.gradient),
    "stroke-width": width(line.r, line.k) + extra,
    "stroke-opacity": opacity(line.r),
    ...(state.patterns && line.value < 0 ? { "stroke-dasharray": "7 3" } : {}),
  });
  const curves = Array.from(set.order, (n) => set.lines[n]).map((line) => {
    const [x1, y1, m, x2, y2] = line.curve;
    return { d: `M${short(x1)} ${short(y1)}C${short(m)} ${short(y1)} ${short(m)} ${short(y2)} ${short(x2)} ${short(y2)}`, ...look(line) };
  });
  const stubs = set.stubs.map((stub) => ({ d: `M${short(stub.x)} ${short(stub.y - stub.gap)}V${short(stub.y)}`, ...look(stub, 0.5) }));
  return [...curves, ...stubs];
}

const short = (v) => Number(v.toFixed(2));
