// Two columns become one, or one becomes two: copies of the old tiles slide to where their column went, in 400 ms.
// The new picture stands at once below them: data is never eased.

const DURATION = 400;

// Which column went or came: the first from which on the sizes differ.
export function gone(before, after) {
  const at = after.findIndex((size, c) => size !== before[c]);
  return at < 0 ? after.length : at;
}

export function join(view, before, run) {
  const fewer = run.sizes.length < before.sizes.length;
  if (Math.abs(run.sizes.length - before.sizes.length) !== 1) return;
  const column = fewer ? gone(before.sizes, run.sizes) : gone(run.sizes, before.sizes);
  const target = view.plan.xs[Math.min(column, view.plan.xs.length - 1)];
  for (const tile of fewer ? [...view.tiles.children] : []) {
    if (Number(tile.dataset.seat.split(" ")[0]) !== column) continue;
    const ghost = tile.cloneNode(true), from = parseFloat(tile.style.left);
    ghost.removeAttribute("aria-label");
    ghost.setAttribute("aria-hidden", "true");
    ghost.tabIndex = -1;
    ghost.disabled = true;
    ghost.classList.add("ghost");
    ghost.firstChild.getContext("2d").drawImage(tile.firstChild, 0, 0);
    view.area.append(ghost);
    ghost.animate([{ transform: "none", opacity: 1 }, { transform: `translateX(${target - from - tile.offsetWidth / 2}px)`, opacity: 0 }], { duration: DURATION, easing: "ease-in-out" })
      .finished.finally(() => ghost.remove());
  }
  for (const part of [view.base, view.tiles, view.labels, view.headers]) {
    part.animate([{ opacity: fewer ? 0.2 : 0 }, { opacity: 1 }], { duration: DURATION, easing: "ease-in" });
  }
}
