// A click selects the row that is near; a drag takes that row elsewhere, and its values follow; in draw mode a click adds a row.

import * as curve from "./curve.js";
import * as surface from "./surface.js";

const NEAR = 12;

export function listen(view) {
  const spot = event => {
    const { left, top } = view.holder.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const scales = () => (view.state.run.view === "curve" ? curve : surface).scales(view.state, view.holder.clientWidth, view.holder.clientHeight);
  const units = event => {
    const [x, y] = spot(event), { ux, uy } = scales();
    return [ux(x), uy(y)];
  };
  const drawing = () => view.state.run.settings?.data?.kind === "points" && view.state.brush !== null && view.state.brush !== undefined;
  let start = null, moved = false, dragged = null;

  view.holder.addEventListener("pointerdown", event => {
    if (event.button !== 0 || !view.state?.run) return;
    start = spot(event);
    moved = false;
    view.holder.setPointerCapture(event.pointerId);
  });
  view.holder.addEventListener("pointermove", event => {
    if (!start || drawing()) return;
    const [x, y] = spot(event);
    if (!moved && Math.hypot(x - start[0], y - start[1]) > 4) {
      moved = true; // what the picture does not show of a row comes from the one that is near, or was looked at, or is nearest
      dragged = nearest(view, ...start, NEAR) ?? view.state.frame.row ?? nearest(view, ...start, Infinity);
    }
    if (moved && dragged !== null) view.actions.look({ row: dragged, at: units(event) });
  });
  view.holder.addEventListener("pointerup", event => {
    if (!start) return;
    start = null;
    if (moved) return;
    const near = nearest(view, ...spot(event), drawing() ? 6 : NEAR);
    if (drawing()) view.actions.point(near === null ? { add: [...units(event), view.state.brush] } : { remove: near });
    else if (near !== null && near !== view.state.frame.row) view.actions.look({ row: near, at: null });
    else if (view.state.frame.row !== null || view.state.frame.at) view.actions.look({ row: null, at: null });
  });
  view.holder.addEventListener("pointercancel", () => { start = null; });
}

export function nearest({ places, state }, x, y, reach) {
  let best = null, least = reach;
  for (let n = 0; places && n < places.length / 2; n++) {
    const distance = Math.hypot(x - places[2 * n], y - places[2 * n + 1]);
    if (distance < least) { least = distance; best = state.points.arrays.row[n]; }
  }
  return best;
}
