// Pixels by hand. Without a GPU a canvas strokes 500 curves in some 20 ms of the main thread; these loops take 2.
// All colours are words in the byte order of ImageData (little endian: A B G R).

export const word = ([r, g, b]) => (255 << 24 | b << 16 | g << 8 | r) >>> 0;

// Red and blue are mixed in one product, green in another. share: 0 … 256
function blend(pixels, at, redBlue, green, share) {
  const below = pixels[at], rest = 256 - share;
  pixels[at] = 0xff000000 | (Math.imul(redBlue, share) + Math.imul(below & 0xff00ff, rest) >>> 8 & 0xff00ff) | (green * share + (below & 0xff00) * rest >>> 8 & 0xff00);
}
const redBlueOf = ([r, , b]) => b << 16 | r, greenOf = ([, g]) => g << 8;

// Every line has the same shape: from the left edge level, to the right edge level. With X = 1.5 t (1 − t) + t³ across
// and S = 3 t² − 2 t³ up, S and its slope as functions of X are two tables for all lines of all networks.
const STEPS = 512;
const shape = new Float32Array(STEPS + 2), slope = new Float32Array(STEPS + 2);
for (let n = 0; n <= STEPS + 1; n++) {
  const across = Math.min(1, n / STEPS);
  let t = across;
  for (let i = 0; i < 8; i++) t -= (1.5 * t * (1 - t) + t * t * t - across) / (1.5 - 3 * t + 3 * t * t);
  shape[n] = 3 * t * t - 2 * t * t * t;
  slope[n] = (6 * t - 6 * t * t) / (1.5 - 3 * t + 3 * t * t);
}
export const rise = across => shape[Math.round(Math.min(1, Math.max(0, across)) * STEPS)];

// A line from (x1, y1) to (x2, y2) in pixels, column by column; a pixel is covered by its distance from the curve.
export function line(pixels, width, height, x1, y1, x2, y2, thick, alpha, colour, dash = 0) {
  const redBlue = redBlueOf(colour), green = greenOf(colour), full = alpha * 256;
  const across = x2 - x1, up = y2 - y1, reach = thick / 2 + 0.5, most = Math.min(1, thick);
  const first = Math.max(0, Math.ceil(x1 - 0.5)), last = Math.min(width - 1, Math.floor(x2 - 0.5));
  let length = 0;
  for (let x = first; x <= last; x++) {
    const at = (x + 0.5 - x1) / across * STEPS, n = at | 0, part = at - n;
    const y = y1 + up * (shape[n] + part * (shape[n + 1] - shape[n]));
    const steep = up / across * slope[n], stretch = Math.sqrt(1 + steep * steep), half = reach * stretch, shrink = 1 / stretch;
    length += stretch;
    if (dash && length % (dash * 10) > dash * 7) continue; // 7 on, 3 off, along the curve
    const from = Math.max(0, Math.ceil(y - half - 0.5)), to = Math.min(height - 1, Math.floor(y + half - 0.5));
    for (let row = from, p = from * width + x; row <= to; row++, p += width) {
      let cover = reach - Math.abs(row + 0.5 - y) * shrink;
      if (cover > most) cover = most;
      if (cover > 0) blend(pixels, p, redBlue, green, cover * full | 0);
    }
  }
}

// Where a surface is nearly level its signed bytes are steps, and the line at zero would be a staircase or a band. The
// wider the band of zeros, the wider the mean that replaces it; none where zeros are a line, or are meant (a dead ReLU).
const smooth = new Map();
export function levelled(grid, n, from) {
  let zeros = 0;
  for (let i = from; i < from + n * n; i++) zeros += grid[i] === 0;
  const reach = Math.min(n >> 3, 8, Math.round(zeros / n + 0.1));
  if (reach < 1 || zeros > 14 * n) return null;
  if (!smooth.has(n)) smooth.set(n, [new Float32Array(n * n), new Float32Array(n * n)]);
  const [one, two] = smooth.get(n);
  for (let i = 0; i < n * n; i++) one[i] = grid[from + i];
  for (let pass = 0; pass < 2; pass++) {
    means(one, two, n, 1, n, reach);
    means(two, one, n, n, 1, reach);
  }
  return one;
}
function means(source, target, n, step, next, reach) { // along lines of cells `step` apart; at the rim over what is there
  for (let line = 0; line < n; line++) {
    let sum = 0, count = 0;
    const start = line * next;
    for (let i = 0; i < Math.min(n, reach); i++) { sum += source[start + i * step]; count++; }
    for (let i = 0; i < n; i++) {
      if (i + reach < n) { sum += source[start + (i + reach) * step]; count++; }
      if (i - reach > 0) { sum -= source[start + (i - reach - 1) * step]; count--; }
      target[start + i * step] = sum / count;
    }
  }
}

// An n × n grid of signed bytes, smoothed between the middles of its cells, with the line where the sign changes.
// hatch > 0: strokes that far apart over the negative side, for eyes or screens without the hue.
export function map(pixels, width, height, grid, n, from, colours, ink, thick = 1, hatch = 0) {
  const redBlue = redBlueOf(ink), green = greenOf(ink), level = levelled(grid, n, from);
  if (level) { grid = level; from = 0; }
  const left = new Int32Array(width), share = new Float32Array(width), sx = n / width, sy = n / height;
  for (let x = 0; x < width; x++) {
    const u = Math.min(n - 1, Math.max(0, (x + 0.5) * sx - 0.5));
    left[x] = Math.min(n - 2, u | 0);
    share[x] = u - left[x];
  }
  const reach = thick / 2 + 0.5;
  for (let y = 0, p = 0; y < height; y++) {
    const v = Math.min(n - 1, Math.max(0, (y + 0.5) * sy - 0.5)), top = Math.min(n - 2, v | 0), down = v - top;
    for (let x = 0; x < width; x++, p++) {
      const at = from + top * n + left[x], a = share[x];
      const nw = grid[at], ne = grid[at + 1], sw = grid[at + n], se = grid[at + n + 1];
      const north = nw + a * (ne - nw), south = sw + a * (se - sw), value = north + down * (south - north);
      pixels[p] = colours[Math.round(value) & 255];
      if (hatch && value < 0 && (x + y) % hatch < 1) blend(pixels, p, redBlue, green, 110);
      const dy = (south - north) * sy, dx = ((1 - down) * (ne - nw) + down * (se - sw)) * sx;
      if (Math.abs(value) > reach * (Math.abs(dx) + Math.abs(dy))) continue;
      const steep = Math.sqrt(dx * dx + dy * dy);
      if (steep === 0) continue; // flat at zero: no line, or the whole of it would be one
      const cover = Math.min(1, reach - Math.abs(value) / steep);
      if (cover > 0) blend(pixels, p, redBlue, green, cover * 235 | 0);
    }
  }
}

// A mark that was drawn once, put down at whole pixels: {size, words}.
export function stamp(pixels, width, height, { size, words }, x, y) {
  const left = Math.round(x - size / 2), top = Math.round(y - size / 2);
  for (let r = 0; r < size; r++) {
    const row = top + r;
    if (row < 0 || row >= height) continue;
    for (let c = 0; c < size; c++) {
      const column = left + c, colour = words[r * size + c], alpha = colour >>> 24;
      if (!alpha || column < 0 || column >= width) continue;
      blend(pixels, row * width + column, colour & 0xff00ff, colour & 0xff00, alpha + (alpha >> 7));
    }
  }
}
