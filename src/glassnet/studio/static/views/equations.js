// Tokens → MathML. Nodes are built, never parsed: text out of a table cannot become markup.
// `tree` is pure (arrays [tag, attributes, ...children]), `mathml` turns it into nodes, `markup` into a string.

import { gradient, loss, value } from "./format.js";

const OPERATORS = new Set(["=", "+", "−", "·", "(", ")", "[", "]", "′", "∂", "⊙", "≈", "×", "/", ",", ">", "<", "≥", "≤", "→", "|", "…"]);
// Operators that can stand before a factor: a negative number after one of them is bracketed.
const JOINING = new Set(["+", "−", "·", "⊙", "×", "/"]);

const row = children => children.length === 1 ? children[0] : ["mrow", {}, ...children];
// A fence has its own mrow, so that its brackets are as tall as what is inside and no taller.
const fence = children => ["mrow", {}, ["mo", { stretchy: "false" }, "("], ...children, ["mo", { stretchy: "false" }, ")"]];

const isNumber = string => /^[\d.,]+$/.test(string);
const index = string => [isNumber(string) ? "mn" : "mi", {}, string];

// "w²v" is what two layers make together: a product of letters, each with its own number.
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
export function factors(letters) {
  const found = [...letters.matchAll(/([a-z])([⁰¹²³⁴⁵⁶⁷⁸⁹]*)/g)];
  return found.map(([, i, high]) => high ? { i, sup: [...high].map(n => SUPERSCRIPTS.indexOf(n)).join("") } : { i });
}

function identifier({ i, sub, sup, d }) {
  if (i.length > 1 && /^(w[⁰¹²³⁴-⁹]*)+v?$/.test(i)) return product(factors(i), sub, d);
  const base = ["mi", i.length > 1 ? { mathvariant: "normal" } : {}, i];
  const scripted = sub && sup ? ["msubsup", {}, base, index(sub), index(sup)]
    : sub ? ["msub", {}, base, index(sub)] : sup ? ["msup", {}, base, index(sup)] : base;
  return d ? ["mrow", {}, ["mi", {}, "d"], scripted] : scripted;
}

function product(parts, sub, d) {
  if (parts.length === 1) return identifier({ ...parts[0], sub, d });
  const made = parts.map(identifier), inner = sub || d ? fence(made) : row(made);
  const scripted = sub ? ["msub", {}, inner, index(sub)] : inner;
  return d ? ["mrow", {}, ["mi", {}, "d"], scripted] : scripted;
}

function number({ v, k, p, row: atRow }) {
  const isGradient = k === "gradient";
  const string = k === "plain" && Number.isInteger(v) ? String(v).replace("-", "−") : isGradient ? gradient(v) : k === "loss" ? loss(v) : value(v);
  const tone = k === "plain" || k === "loss" ? "" : isGradient ? (v < 0 ? "gn" : "gp") : v < 0 ? "n" : "p";
  const attributes = { class: tone, "data-full": String(v) };
  if (p !== undefined) attributes["data-p"] = String(p);
  if (atRow !== undefined) attributes["data-row"] = String(atRow);
  return ["mn", attributes, string];
}

// From "(" at `start`, the index of its ")".
function closing(tokens, start) {
  let depth = 0;
  for (let n = start; n < tokens.length; n++) {
    if (tokens[n] === "(") depth++;
    else if (tokens[n] === ")" && --depth === 0) return n;
  }
  return -1;
}

function children(tokens) {
  const out = [];
  for (let n = 0; n < tokens.length; n++) {
    const token = tokens[n], before = tokens[n - 1], after = tokens[n + 1];
    if (token === "(") {
      const end = closing(tokens, n);
      if (end > n) { out.push(fence(children(tokens.slice(n + 1, end)))); n = end; continue; }
    }
    if (token === "′" && out.length) { out.push(["msup", {}, out.pop(), ["mo", { lspace: "0", rspace: "0" }, "′"]]); continue; }
    if (typeof token === "string") { out.push(OPERATORS.has(token) ? ["mo", {}, token] : [isNumber(token) ? "mn" : token.length === 1 ? "mi" : "mtext", {}, token]); continue; }
    const made = one(token), negative = typeof token.v === "number" && token.v < 0;
    out.push(negative && (JOINING.has(before) || (after === "·" && before !== "=" && n > 0)) ? fence([made]) : made);
  }
  return out;
}

function one(token) {
  if (token.i !== undefined) return identifier(token);
  if (token.v !== undefined) return number(token);
  if (token.t !== undefined) return ["mtext", {}, token.t.replace(/^ | $/g, "\u00a0")]; // MathML trims spaces
  if (token.sq) {
    const inner = children(token.sq), bare = token.sq.length === 1 && !(token.sq[0].v < 0);
    return ["msup", {}, bare ? inner[0] : fence(inner), ["mn", {}, "2"]];
  }
  if (token.fn) return ["mrow", {}, ["mi", { mathvariant: "normal" }, token.fn], ["mo", {}, "\u2061"], fence(children(token.of))];
  if (token.frac) return ["mfrac", {}, ...token.frac.map(part => row(children(part)))];
  if (token.sum !== undefined) return ["munder", {}, ["mo", { movablelimits: "true" }, "∑"], index(token.sum)];
  if (token.T) return ["msup", {}, token.T.length > 1 ? fence(children(token.T)) : row(children(token.T)), ["mo", {}, "⊤"]];
  if (token.ask) return ["mtext", { class: "ask" }, "\u2009?\u2009"];
  return ["mtext", {}, ""];
}

export const tree = tokens => ["math", {}, ["mrow", {}, ...children(tokens ?? [])]];

const NAMESPACE = "http://www.w3.org/1998/Math/MathML";
function node([tag, attributes, ...inside]) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, string] of Object.entries(attributes)) made.setAttribute(name, string);
  for (const child of inside) made.append(typeof child === "string" ? child : node(child));
  return made;
}
export const mathml = tokens => node(tree(tokens));

const escape = string => string.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
export function markup(tokens) {
  const write = ([tag, attributes, ...inside]) => `<${tag}${Object.entries(attributes).map(([k, v]) => ` ${k}="${escape(v)}"`).join("")}>${inside.map(c => typeof c === "string" ? escape(c) : write(c)).join("")}</${tag}>`;
  return write(tree(tokens));
}

// The same equation with other numbers: only the numbers are written, so that a picture costs no layout of formulas.
export function update(math, tokens) {
  const shape = JSON.stringify(tokens, (key, v) => key === "v" ? Math.sign(v) < 0 : v);
  if (math?.shape === shape) {
    const fresh = [];
    (function collect([tag, attributes, ...inside]) {
      if (attributes["data-full"] !== undefined) fresh.push([attributes, inside[0]]);
      for (const child of inside) if (typeof child !== "string") collect(child);
    })(tree(tokens));
    math.querySelectorAll("[data-full]").forEach((mn, n) => {
      const [attributes, string] = fresh[n];
      if (mn.firstChild.data !== string) mn.firstChild.data = string;
      mn.setAttribute("data-full", attributes["data-full"]);
    });
    return math;
  }
  const made = mathml(tokens);
  made.shape = shape;
  math?.replaceWith(made);
  return made;
}

// Pointing at a number lights its line or its point; a click copies all its digits.
export function listen(element, { light, copied }) {
  const found = event => event.target.closest?.("[data-full]");
  element.addEventListener("pointerover", event => {
    const number = found(event);
    if (number && (number.dataset.p || number.dataset.row)) light({ p: number.dataset.p && Number(number.dataset.p), row: number.dataset.row && Number(number.dataset.row) });
  });
  element.addEventListener("pointerout", event => { if (found(event)) light(null); });
  element.addEventListener("click", event => {
    const number = found(event);
    if (number) navigator.clipboard?.writeText(number.dataset.full).then(() => copied(number.dataset.full), () => {});
  });
}
