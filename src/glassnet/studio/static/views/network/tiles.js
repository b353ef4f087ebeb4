// Units as buttons, each with its map; dashed buttons for features that are off.

import { attribute, el, keep, place, show, text, toggle } from "../dom.js";
import { fit } from "../canvas.js";
import { css, ramp } from "../colours.js";
import { gradient, slanted, value } from "../format.js";
import { paint } from "../map.js";
import { aboutSeat, biasAt, seat, spoken, unitName, valueAt } from "./addresses.js";

const seatOf = node => node.dataset.seat.split(" ").map(Number);
export const aboutOf = node => aboutSeat(...seatOf(node));

const makeTile = () => el("button", { class: "tile", type: "button", tabindex: "-1" }, el("canvas", { "aria-hidden": "true" }));
const makeLabel = () => el("span", { class: "label", "aria-hidden": "true" }, el("i"), el("b"));
const makeOff = () => el("button", { class: "tile off", type: "button", tabindex: "-1" }, "+");

// Order in the page is order of reading: column after column, from above.
export function arrange(view, state, plan) {
  const { run, frame } = state, seats = frame.shown.flatMap((units, c) => units.map((index, n) => [c, index, plan.columns[c].at[n], plan.columns[c]]));
  const tiles = keep(view.tiles, seats.length, makeTile), labels = keep(view.labels, seats.length, makeLabel);
  const last = run.sizes.length - 1, locked = new Set(run.frozen);
  seats.forEach(([c, index, at, column], n) => {
    const tile = tiles[n], label = labels[n], left = c === 0;
    tile.dataset.seat = `${c} ${index}`;
    place(tile, at.x - at.size / 2, at.y - at.size / 2);
    tile.style.width = tile.style.height = `${at.size}px`;
    const name = unitName(run, c, index), wordy = /\p{L}{4}|_/u.test(name);
    text(label.firstChild, wordy ? name : slanted(name));
    toggle(label, "wordy", wordy);
    toggle(label, "left", left);
    toggle(label, "below", c === last && run.sizes[last] === 1);
    toggle(label, "beside", c === last && run.sizes[last] > 1);
    if (left) {
      const edge = at.x - at.size / 2 - (plan.phone ? 4 : 8);
      label.style.maxWidth = `${edge - 6}px`;
      place(label, edge, at.y - 8);
    } else if (c === last) { // to the right there is only the rim: one output has its name below, several beside
      const below = run.sizes[last] === 1;
      label.style.maxWidth = below ? "" : `${plan.width - at.x - at.size / 2 - 8}px`;
      place(label, below ? at.x : at.x + at.size / 2 + 5, below ? at.y + at.size / 2 + 4 : at.y - 14);
    } else {
      label.style.maxWidth = "";
      place(label, at.x + at.size / 2 + 5, Math.round(at.y - at.size / 2 - (column.pitch < 36 ? 5 : 4)));
    }
    toggle(tile, "locked", c > 0 && unitFrozen(run, c, index, locked));
    toggle(tile, "output", c === last);
  });
  const off = run.inputs.map((input, i) => ({ ...input, i })).filter(input => !input.on);
  const dashed = plan.columns[0].off;
  const buttons = keep(view.offs, dashed.length, makeOff), names = keep(view.offLabels, dashed.length, makeLabel);
  dashed.forEach((at, n) => {
    buttons[n].dataset.input = off[n].i;
    attribute(buttons[n], "aria-label", `Switch on feature ${off[n].label}`);
    attribute(buttons[n], "title", `Switch on ${off[n].label}`);
    place(buttons[n], at.x - at.size / 2, at.y - at.size / 2);
    buttons[n].style.width = buttons[n].style.height = `${at.size}px`;
    text(names[n].firstChild, slanted(off[n].label));
    names[n].className = "label left faint";
    names[n].style.maxWidth = `${at.x - at.size / 2 - 14}px`;
    place(names[n], at.x - at.size / 2 - 8, at.y - 8);
  });
}

function unitFrozen(run, c, j, frozen) {
  const l = c - 1, b = biasAt(run, l, j);
  if (b !== null && !frozen.has(b)) return false;
  for (let i = 0; i < run.sizes[l]; i++) if (!frozen.has(run.blocks[l].w[0] + i * run.sizes[c] + j)) return false;
  return true;
}

export function paintAll(view, state, plan, palette) {
  const { run, frame, stage } = state, { maps, values, parameters } = frame.arrays;
  const staged = stage?.name && stage.colours ? new Map((stage.colours.units ?? []).map(u => [u.unit ? `${u.unit[0] + 1} ${u.unit[1]}` : `0 ${u.input}`, u.value])) : null;
  const top = staged ? Math.max(1e-12, ...[...staged.values()].map(Math.abs)) : 1;
  const atRow = values && (frame.row !== null || frame.at !== null);
  const paused = !frame.playing;
  for (let n = 0; n < view.tiles.children.length; n++) {
    const tile = view.tiles.children[n], [c, index] = seatOf(tile), size = parseInt(tile.style.width, 10);
    const v = staged ? staged.get(`${c} ${index}`) : atRow ? values[valueAt(run, c, index)] : undefined;
    if (staged) {
      const context = fit(tile.firstChild, size, size), poles = stage.colours.gradient ? palette.gradients : palette.values;
      context.fillStyle = v === undefined ? palette.sunk : css(ramp(v / top, poles));
      context.fillRect(0, 0, size, size);
    } else if (maps && (n + 1) * 1024 <= maps.length) paint(tile.firstChild, maps, 32, { from: n * 1024, width: size, height: size, palette, patterns: state.patterns });
    const number = v === undefined ? "" : staged && stage.colours.gradient ? gradient(v) : value(v);
    text(view.labels.children[n].lastChild, number && ` ${number}`);
    show(view.labels.children[n], !plan.phone || c === 0 || number !== "");
    // While it trains the name would change 24 times a second under a screen reader.
    if (paused || !tile.hasAttribute("aria-label") || tile.dataset.named !== tile.dataset.seat) {
      const b = c > 0 ? biasAt(run, c - 1, index) : null;
      const said = spoken(run, c, index, b === null ? null : value(parameters[b])) + (atRow && !staged ? `, value ${number} at this row` : number ? `, ${number}` : "");
      attribute(tile, "aria-label", said);
      tile.dataset.named = tile.dataset.seat;
    }
  }
}

export function mark(view, state, lit) {
  const { run, about, hover } = state, chosen = seat(run, about);
  const hovered = hover && Object.keys(hover).length > 0;
  for (const tile of view.tiles.children) {
    const [c, index] = seatOf(tile), selected = !!chosen && chosen[0] === c && chosen[1] === index;
    toggle(tile, "selected", selected || (!!about?.weight && c === about.weight[0] + 1 && index === about.weight[2]));
    attribute(tile, "aria-pressed", String(selected));
    toggle(tile, "far", !!(hovered && lit && !lit[c][index]));
  }
}

// One tab stop for the network; arrows walk: ←→ columns, ↑↓ units.
export function walk(view, key) {
  const tiles = [...view.tiles.children, ...view.offs.children];
  const at = tiles.indexOf(view.root.ownerDocument.activeElement);
  if (at < 0) return null;
  const middle = node => ({ x: node.offsetLeft + node.offsetWidth / 2, y: node.offsetTop + node.offsetHeight / 2 });
  const here = middle(tiles[at]), side = { ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0, down = { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
  let best = null, least = Infinity;
  for (const tile of tiles) {
    const { x, y } = middle(tile), dx = (x - here.x) * side, dy = (y - here.y) * down;
    const fits = side ? dx > 4 : Math.abs(x - here.x) < 4 && dy > 2;
    const distance = side ? dx * 10 + Math.abs(y - here.y) : dy;
    if (fits && distance < least) { least = distance; best = tile; }
  }
  return best;
}
export function rove(view, to) {
  for (const tile of [...view.tiles.children, ...view.offs.children]) attribute(tile, "tabindex", tile === to ? "0" : "-1");
}
