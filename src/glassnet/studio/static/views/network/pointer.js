// Pointer and keys over the network. Lines have no elements of their own: the nearest one within reach is meant.

import * as edges from "./edges.js";
import * as lists from "./lists.js";
import * as tiles from "./tiles.js";
import { same } from "./addresses.js";

export function listen(view) {
  const { area, root } = view;
  const tileOf = event => event.target.closest?.(".tile:not(.off)");
  const spot = event => {
    const { left, top } = area.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const under = event => {
    if (!view.state?.run || !view.set) return null;
    const tile = tileOf(event);
    if (tile) return tiles.aboutOf(tile);
    return event.target === view.base || event.target.closest(".labels") ? edges.pick(view.set, ...spot(event)) : null;
  };
  const hover = about => { if (!same(view.state?.hover, about)) view.actions.hover(about); };

  area.addEventListener("pointermove", event => {
    if (event.pointerType === "touch") return; // a finger taps; there is no hovering
    const about = under(event);
    area.classList.toggle("over-line", !!(about?.weight || about?.bias));
    hover(about);
  });
  area.addEventListener("pointerleave", () => hover(null));
  area.addEventListener("focusin", event => {
    const tile = tileOf(event);
    if (event.target.closest?.(".tile")) tiles.rove(view, event.target.closest(".tile"));
    if (tile && tile.matches(":focus-visible")) hover(tiles.aboutOf(tile));
  });
  area.addEventListener("focusout", event => { if (tileOf(event)) hover(null); });
  area.addEventListener("click", event => {
    const off = event.target.closest(".off");
    if (off) return view.switchOn(Number(off.dataset.input));
    if (event.target.closest(".headers, .mores, .add-layer, .part-layer")) return undefined;
    const about = under(event);
    // A second click leads back (CNN Explainer), as does a click beside everything.
    view.actions.select(about && !same(about, view.state.about) ? about : {});
    return undefined;
  });
  root.addEventListener("keydown", event => keys(view, event));
  root.addEventListener("lines", () => lines(view));
}

function lines(view) {
  const tile = view.root.ownerDocument.activeElement?.closest?.(".tile:not(.off)");
  lists.lines(view, tile && view.root.contains(tile) ? tiles.aboutOf(tile) : view.state.about);
}

function keys(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest(".tile")) return;
  const to = tiles.walk(view, event.key);
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    event.stopPropagation();
    to?.focus({ focusVisible: true });
  } else if (event.key === "Enter" && !event.target.closest(".off")) {
    event.preventDefault();
    event.stopPropagation();
    view.actions.select(tiles.aboutOf(event.target.closest(".tile"))); // Enter asks, and never takes back
  } else if (event.key.toLowerCase() === "l" && view.state.letters !== false) {
    event.preventDefault();
    event.stopPropagation();
    lines(view);
  }
}
