// Folded, columns go into the ones that follow them; parted, they come out again: tiles slide there in 400 ms.
// Only places are eased. The maps are at once what they are, and the lines come back where they belong.

const MOTION = { duration: 400, easing: "ease-in-out" };

/** Columns that go when the network is folded: what a layer without a bend makes. */
export const gone = layers => layers.flatMap(({ activation }, l) => activation === "identity" ? [l + 1] : []);

/** For every column of the whole network the column of the folded one that it is or goes into. */
export function folding(layers) {
  const away = new Set(gone(layers)), columns = layers.length + 2;
  let at = 0;
  return Array.from({ length: columns }, (_, c) => away.has(c) ? at : at++);
}

/** What the picture was, before its tiles are used for the new one. The folded of the two runs knows what goes. */
export function leave(view, before, run) {
  const { layers } = (run.folded ? run : before).settings, away = new Set(run.folded ? gone(layers) : []), ghosts = [];
  for (const tile of view.tiles.children) {
    const column = Number(tile.dataset.seat.split(" ")[0]);
    if (!away.has(column)) continue;
    const ghost = tile.cloneNode(true);
    ghost.removeAttribute("aria-label");
    ghost.setAttribute("aria-hidden", "true");
    ghost.tabIndex = -1;
    ghost.disabled = true;
    ghost.classList.add("ghost");
    ghost.firstChild.getContext("2d").drawImage(tile.firstChild, 0, 0);
    ghosts.push({ ghost, column });
  }
  return { layers, ghosts, xs: view.plan.xs };
}

export function join(view, run, { layers, ghosts, xs }) {
  const goes = folding(layers), now = view.plan.xs, slide = (node, by, from, to) =>
    node.animate([{ transform: `translateX(${by[0]}px)`, opacity: from }, { transform: `translateX(${by[1]}px)`, opacity: to }], MOTION);
  for (const { ghost, column } of ghosts) {
    view.area.append(ghost);
    slide(ghost, [0, now[goes[column]] - xs[column]], 1, 0).finished.finally(() => ghost.remove());
  }
  for (const tile of view.tiles.children) {
    const column = Number(tile.dataset.seat.split(" ")[0]);
    const was = run.folded ? goes.lastIndexOf(column) : goes[column], fresh = !run.folded && goes[column] === goes[column + 1];
    if (xs[was] !== undefined) slide(tile, [xs[was] - now[column], 0], fresh ? 0 : 1, 1);
  }
  for (const part of [view.base, view.labels, view.headers]) part.animate([{ opacity: 0 }, { opacity: 1 }], { ...MOTION, easing: "ease-in" });
}
