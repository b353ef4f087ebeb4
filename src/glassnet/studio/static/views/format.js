// Numbers and names as people read them. One place, so that the same number looks the same everywhere.

const minus = string => string.replace("-", "−");

export function value(v, digits = 3) {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "not a number" : v < 0 ? "−∞" : "∞";
  const size = Math.abs(v);
  if (size >= 1e5) return minus(v.toExponential(2)).replace("e+", " · 10^");
  const string = v.toFixed(size >= 1000 ? 1 : digits);
  return minus(Number(string) === 0 ? string.replace("-", "") : string); // no −0.000
}

// Gradients are small: five decimals, and two significant figures where five decimals would leave fewer.
export function gradient(v) {
  if (!Number.isFinite(v) || v === 0) return value(v);
  const size = Math.abs(v);
  if (size >= 1) return value(v, 4);
  if (size >= 0.001) return minus(v.toFixed(5));
  if (size < 1e-12) return minus(v.toExponential(1)).replace("e-", " · 10^−");
  return minus(v.toFixed(Math.ceil(-Math.log10(size)) + 1));
}

export const full = v => minus(String(v));

// For losses, scales and ticks: as few digits as tell it.
export function short(v) {
  if (!Number.isFinite(v) || v === 0) return v === 0 ? "0" : value(v);
  const size = Math.abs(v);
  if (size >= 1e5 || size < 1e-4) return minus(v.toExponential(0)).replace("e+", "e").replace("e-", "e−");
  return minus(String(Number(v.toPrecision(3))));
}
export function loss(v) {
  if (!Number.isFinite(v)) return value(v);
  return Math.abs(v) >= 0.001 ? value(v, 4) : Number(v.toPrecision(3)).toExponential().replace("e-", "e−");
}

export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

const high = "⁰¹²³⁴⁵⁶⁷⁸⁹", low = "₀₁₂₃₄₅₆₇₈₉";
export const sup = n => String(n).replace(/\d/g, d => high[d]);
export const sub = n => String(n).replace(/\d/g, d => low[d]);

// Letters as mathematics sets them: slanted where they stand for a number, digits and sin upright.
export function slanted(name) {
  return name.replace(/[A-Za-z]+/g, letters => letters.length > 1 ? letters
    : letters === "h" ? "ℎ" : String.fromCodePoint((letters < "a" ? 0x1d434 - 65 : 0x1d44e - 97) + letters.charCodeAt(0)));
}
