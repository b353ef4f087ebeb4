// Numbers → places on an axis.

export const linear = (lo, hi, from, to) => v => from + (v - lo) / (hi - lo || 1) * (to - from);
export function logarithmic(lo, hi, from, to) {
  const a = Math.log(lo), b = Math.log(hi);
  return v => from + (Math.log(Math.max(v, lo * 1e-3)) - a) / (b - a || 1) * (to - from);
}

// Powers of ten between; of a short range 1, 2 and 5 of each.
export function logTicks(lo, hi) {
  const list = multiples => {
    const ticks = [];
    for (let e = Math.floor(Math.log10(lo)) - 1; e <= Math.ceil(Math.log10(hi)); e++) {
      for (const m of multiples) { const v = Number(`${m}e${e}`); if (v >= lo && v <= hi) ticks.push(v); }
    }
    return ticks;
  };
  let ticks = list([1]);
  if (ticks.length < 2) ticks = list([1, 2, 5]);
  const every = Math.ceil(ticks.length / 4);
  return ticks.filter((_, n) => n % every === 0);
}

// The whole curve in as many points as there are pixels: of those on one pixel the least and the greatest stay.
export function thin(points, most) {
  if (points.length <= 2 * most) return points;
  const kept = [], per = points.length / most;
  for (let n = 0; n < most; n++) {
    const slice = points.slice(Math.floor(n * per), Math.floor((n + 1) * per));
    let low = slice[0], high = slice[0];
    for (const p of slice) { if (p[2] < low[2]) low = p; if (p[2] > high[2]) high = p; }
    kept.push(...(low[0] < high[0] ? [low, high] : low === high ? [low] : [high, low]));
  }
  kept.push(points[points.length - 1]);
  return kept;
}

export function extent(values, from = 0, step = 1) {
  let lo = Infinity, hi = -Infinity;
  for (let n = from; n < values.length; n += step) {
    const v = values[n];
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  return lo <= hi ? [lo, hi] : [0, 1];
}

export function histogram(values, bins, top) {
  const counts = new Uint32Array(bins);
  for (const v of values) counts[Math.max(0, Math.min(bins - 1, Math.floor((v / top + 1) / 2 * bins)))]++;
  return counts;
}
