// The two ramps and the rule of the lines. Hue means data: everything else on the page is ink.

import { media } from "./dom.js";

const hex = colour => {
  const digits = colour.trim().slice(1);
  const full = digits.length === 3 ? [...digits].map(d => d + d).join("") : digits;
  return [0, 2, 4].map(i => parseInt(full.slice(i, i + 2), 16));
};

// A map reaches 70 % of the pole, so that points of the same class stay visible on it.
export const REACH = 0.7;
export function ramp(v, { positive, negative, middle }, reach = REACH) {
  const end = v < 0 ? negative : positive, share = Math.min(1, Math.abs(v)) * reach;
  return middle.map((c, i) => Math.round(c + (end[i] - c) * share));
}

// One entry a signed byte, in the byte order of ImageData: a map is painted by 1,024 look-ups.
export function table(poles, reach = REACH) {
  const colours = new Uint32Array(256), bytes = new Uint8Array(colours.buffer);
  for (let b = -128; b < 128; b++) bytes.set([...ramp(b / 127, poles, reach), 255], 4 * (b & 255));
  return colours;
}

// ---- lines

// Wide layers have many lines: thinner ones keep the ink of a column about the same.
export const thinning = wider => Math.min(1, Math.sqrt(12 / Math.max(1, wider)));
export const strength = (v, scale) => Math.min(1, Math.abs(v) / scale);
export const width = (r, k = 1) => Math.max(0.5, 6 * r * k);
export const opacity = r => 0.25 + 0.75 * r;

export function roundUp125(v) {
  if (!(v > 0) || !Number.isFinite(v)) return 1;
  const unit = 10 ** Math.floor(Math.log10(v) + 1e-12);
  return [1, 2, 5, 10].map(m => Number((m * unit).toPrecision(1))).find(m => m >= v * (1 - 1e-9)) ?? 10 * unit;
}

// The 95th percentile, rounded up; kept until passed or three times too large, or the picture would pump.
export function lineScale(values, previous = null) {
  if (!values.length) return previous ?? 1;
  const sizes = Float64Array.from(values, Math.abs).sort();
  const top = sizes[Math.min(sizes.length - 1, Math.floor(0.95 * sizes.length))];
  if (previous && top <= previous && top > previous / 3) return previous;
  return roundUp125(top);
}

// ---- the page's tokens, read once a theme

let known = null;
export function palette(state) {
  const root = document.documentElement;
  const dark = media("(prefers-color-scheme: dark)");
  const key = [state.theme, root.dataset.theme, root.className, dark].join();
  if (known?.key === key) return known;
  const style = getComputedStyle(root), token = name => style.getPropertyValue(`--${name}`).trim();
  const names = ["page", "panel", "sunk", "line", "line2", "ink", "ink2", "ink3", "pos", "neg", "posT", "negT", "gpos", "gneg", "mid"];
  const p = Object.fromEntries(names.map(name => [name, token(name)]));
  const middle = hex(p.mid);
  p.values = { positive: hex(p.pos), negative: hex(p.neg), middle };
  p.gradients = { positive: hex(p.gpos), negative: hex(p.gneg), middle };
  p.map = table(p.values);
  p.rgb = Object.fromEntries(names.map(name => [name, hex(p[name])])); // for pixels that are written by hand
  p.key = key;
  return known = p;
}
export const pole = (v, isGradient = false) => isGradient ? (v < 0 ? "gneg" : "gpos") : v < 0 ? "neg" : "pos";
export const sign = (v, p, isGradient = false) => p[pole(v, isGradient)];
export const css = rgb => `rgb(${rgb.join()})`;
