// A grid of signed bytes → a picture on a canvas, and in words; the marks of rows.

import { fill, ratio } from "./canvas.js";
import { map } from "./raster.js";

export function paint(canvas, grid, n, { from = 0, width, height, palette, line = 1, patterns = false }) {
  const hatch = patterns ? Math.round(Math.max(5, width / 16) * ratio()) : 0;
  return fill(canvas, width, height, (pixels, w, h) => map(pixels, w, h, grid, n, from, palette.map, palette.rgb.ink, line * ratio(), hatch));
}

// What a map says in words: how much of it is negative.
export function negativeShare(grid, n, from = 0) {
  let negative = 0;
  for (let i = from; i < from + n * n; i++) negative += grid[i] < 0;
  return negative / (n * n);
}

// Class 1 a disc, class −1 a square, further classes corners; held out hollow. `size` is half the width.
export function mark(context, x, y, shape, colour, hollow, palette, size = 2.6) {
  context.beginPath();
  if (shape === 0) context.arc(x, y, size, 0, 7);
  else if (shape === 1) context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
  else polygon(context, x, y, size * 1.25, shape);
  context.lineWidth = hollow ? 1.4 : 1;
  context.fillStyle = hollow ? palette.panel : colour;
  context.fill();
  context.strokeStyle = hollow ? colour : palette.panel;
  context.stroke();
}
function polygon(context, x, y, size, shape) { // 2: triangle, 3: diamond, 4: triangle down, 5: pentagon …
  const corners = shape === 3 ? 4 : shape >= 5 ? shape : 3, turn = shape === 4 ? Math.PI / 2 : -Math.PI / 2;
  for (let i = 0; i < corners; i++) {
    const angle = turn + 2 * Math.PI * i / corners;
    context.lineTo(x + size * Math.cos(angle), y + size * Math.sin(angle));
  }
  context.closePath();
}

// The mark as pixels, for pictures whose thousands of rows move all the time.
const stamps = new Map();
export function stampOf(shape, colour, hollow, palette, size) {
  const key = [shape, colour, hollow, palette.panel, size, ratio()].join();
  if (!stamps.has(key)) {
    if (stamps.size > 500) stamps.clear();
    const side = 2 * Math.ceil((size * 1.3 + 1.2) * ratio()) + 1, canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.scale(ratio(), ratio());
    mark(context, side / 2 / ratio(), side / 2 / ratio(), shape, colour, hollow, palette, size);
    stamps.set(key, { size: side, words: new Uint32Array(context.getImageData(0, 0, side, side).data.buffer) });
  }
  return stamps.get(key);
}
