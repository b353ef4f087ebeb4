// Where a weight, a unit, a tile stands in the arrays of a frame, and what it is called.
// Columns: 0 are the features, c what layer c − 1 makes; the last are the outputs.

import { sub } from "../format.js";

export const weightAt = (run, l, i, j) => run.blocks[l].w[0] + i * run.sizes[l + 1] + j;
export const biasAt = (run, l, j) => run.blocks[l].b ? run.blocks[l].b[0] + j : null;

export function parameterAt(run, about) {
  if (about?.weight) return weightAt(run, ...about.weight);
  if (about?.bias) return biasAt(run, ...about.bias);
  return null;
}

export function aboutOfParameter(run, p) {
  for (let l = 0; l < run.blocks.length; l++) {
    const { w, b } = run.blocks[l], m = run.sizes[l + 1];
    if (p >= w[0] && p < w[1]) return { weight: [l, Math.floor((p - w[0]) / m), (p - w[0]) % m] };
    if (b && p >= b[0] && p < b[1]) return { bias: [l, p - b[0]] };
  }
  return null;
}

// Does what is asked about exist in this network? A layer may have gone since.
export function exists(run, about) {
  const within = (l, j) => l >= 0 && l < run.sizes.length - 1 && j < run.sizes[l + 1];
  if (about?.weight) return within(about.weight[0], about.weight[2]) && about.weight[1] < run.sizes[about.weight[0]];
  if (about?.bias) return within(...about.bias) && run.blocks[about.bias[0]].b !== null;
  if (about?.unit) return within(...about.unit);
  if (about?.layer !== undefined) return about.layer < run.sizes.length - 1;
  return about?.input !== undefined && about.input < run.sizes[0];
}

export const same = (a, b) => JSON.stringify(a ?? {}) === JSON.stringify(b ?? {});

export function inputOf(run, place) { return run.inputs.findIndex(input => input.on && input.place === place); }

// {unit, input} → [column, index in it]
export function seat(run, about) {
  if (about?.unit) return [about.unit[0] + 1, about.unit[1]];
  if (about?.bias) return [about.bias[0] + 1, about.bias[1]];
  return about?.input !== undefined && about.input < run.sizes[0] ? [0, about.input] : null;
}

export const aboutSeat = (column, index) => column === 0 ? { input: index } : { unit: [column - 1, index] };

// Which map of the frame is drawn for it; −1 if it is hidden away.
export function tileAt(frame, seatOf) {
  if (!seatOf) return -1;
  const [column, index] = seatOf;
  const within = frame.shown[column]?.indexOf(index) ?? -1;
  if (within < 0) return -1;
  return frame.shown.slice(0, column).reduce((sum, units) => sum + units.length, within);
}

export const valueAt = (run, column, index) =>
  run.sizes.slice(0, column).reduce((sum, size) => sum + size, index);

export function unitName(run, column, index) {
  if (column === 0) return run.inputs[inputOf(run, index)]?.label ?? `x${sub(index + 1)}`;
  return run.layers[column - 1].names?.[index] ?? `h${index + 1}`;
}
export function weightName(run, l, i, j) {
  const { letter, sup: high } = run.layers[l], superscript = high ? "¹²³⁴⁵⁶⁷⁸⁹"[Number(high) - 1] ?? `(${high})` : "";
  const single = run.sizes[l + 1] === 1 && l === run.sizes.length - 2;
  const comma = i > 8 || j > 8 ? "," : ""; // w₁₂₃ could be 1·23 or 12·3
  return `${letter}${superscript}${sub(i + 1)}${single ? "" : comma + sub(j + 1)}`;
}
export function biasName(run, l, j) {
  const last = l === run.sizes.length - 2, { sup: high } = run.layers[l];
  const superscript = high ? "¹²³⁴⁵⁶⁷⁸⁹"[Number(high) - 1] ?? `(${high})` : "";
  return `${last ? "c" : "b"}${superscript}${last && run.sizes[l + 1] === 1 ? "" : sub(j + 1)}`;
}

// The sentence of a tile: its place and its bias, which the picture shows as a stub only.
export function spoken(run, column, index, bias) {
  const value = bias === null ? "" : `, bias ${bias}`;
  if (column === 0) return `Feature ${unitName(run, 0, index)}`;
  if (column === run.sizes.length - 1) return `Output ${unitName(run, column, index)}${value}`;
  return `Unit ${index + 1} of hidden layer ${column}${value}`;
}

// All lines on a path through what is asked about: bit 1 marks a unit that leads to it or hangs on it.
export function paths(run, about) {
  const columns = run.sizes.map(size => new Uint8Array(size));
  const all = (from, to) => { for (let c = from; c < to; c++) columns[c]?.fill(1); };
  if (about?.weight) {
    const [l, i, j] = about.weight;
    all(0, l); all(l + 2, columns.length);
    columns[l][i] = 1; columns[l + 1][j] = 1;
  } else if (about?.layer !== undefined) {
    columns[about.layer].fill(1); columns[about.layer + 1].fill(1);
  } else {
    const place = seat(run, about);
    if (!place) return null;
    all(0, place[0]); all(place[0] + 1, columns.length);
    columns[place[0]][place[1]] = 1;
  }
  return columns;
}
