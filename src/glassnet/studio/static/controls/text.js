// Names and numbers as the controls say them. Values and losses look as in the pictures: views/format.js writes them.

import { loss, value } from "../views/format.js";

const NAMES = {
  auto: "automatic", squared_error: "squared", absolute_error: "absolute", binary_cross_entropy: "cross-entropy",
  cross_entropy: "softmax cross-entropy", adam: "Adam", adamw: "AdamW", sgd: "SGD", glorot: "Glorot", he: "He",
  lecun: "LeCun", relu: "ReLU", leaky_relu: "leaky ReLU", elu: "ELU", selu: "SELU", gelu: "GELU", rmsprop: "RMSprop",
  silu: "SiLU", boolean: "yes or no",
};

/** A name from a registry, without underscores and with its capitals. */
export function nameOf(name) {
  return NAMES[name] ?? String(name).replaceAll("_", " ");
}

export const lossText = (v) => (typeof v === "number" ? loss(v) : "–"); // a frame has null where there is no loss

/** A whole number with thin spaces between groups of three. */
export function whole(v) {
  return Math.round(v).toString().replace("-", "−").replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

export function scoreText(v, name) {
  if (typeof v !== "number") return "–";
  return name === "accuracy" ? `${value(100 * v, 1)} %` : value(v);
}

export function speedText(v) {
  if (typeof v !== "number" || !Number.isFinite(v)) return "–";
  return v >= 10 ? whole(v) : value(v, 1);
}

/** A setting such as a rate: as short as it can be said. */
export function settingText(v) {
  return String(Number(Number(v).toPrecision(6))).replace("-", "−");
}

/** What the polite live region says: what a glance at the header would tell. */
export function statusText(frame) {
  const held = typeof frame.validation === "number" ? `, validation ${lossText(frame.validation)}` : "";
  const doing = frame.looking ? "looking back" : frame.playing ? "training" : "paused";
  return `Epoch ${whole((frame.looking ?? frame).epoch)}, training loss ${lossText(frame.loss)}${held}, ${doing}.`;
}

/** The usual values of a setting with the current one among them. */
export function withCurrent(values, current) {
  return values.includes(current) ? values : [...values, current].sort((a, b) => a - b);
}
