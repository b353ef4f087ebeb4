// Nothing asked: the whole network in a few lines, with its own letters and the loss of this moment; and what can be asked.

import { factors } from "../equations.js";
import { count } from "../format.js";

const one = { v: 1, k: "plain" }, mean = { frac: [[one], [{ i: "n" }]] }, log = (...of) => ({ fn: "log", of });
const LOSSES = {
  squared_error: [{ frac: [[one], [{ v: 2, k: "plain" }, { i: "n" }]] }, { sum: "n" }, { sq: [{ i: "y" }, "−", { i: "t" }] }],
  absolute_error: [mean, { sum: "n" }, "|", { i: "y" }, "−", { i: "t" }, "|"],
  binary_cross_entropy: ["−", mean, { sum: "n" }, "(", { i: "t" }, "·", log({ i: "p" }), "+", "(", one, "−", { i: "t" }, ")", "·", log(one, "−", { i: "p" }), ")"],
  cross_entropy: ["−", mean, { sum: "n" }, log({ i: "p", sub: "t" })],
};

const ASKING = [
  ["A line", "its gradient, step by step"],
  ["A unit", "its sum and its bend"],
  ["A point", "every number at that row"],
  ["A letter under By layer", "all of its weights"],
];

// Walking through one minibatch: what was computed just now, below what it was computed from.
const STAGES = 4; // that have room
let walked = { stage: null, trail: [], made: null };
export function staged(stage) {
  if (walked.stage === stage) return walked.made;
  const trail = [...walked.trail.filter(({ index }) => index < stage.index), stage].slice(-STAGES);
  const steps = trail.map(({ index, title, note }) => ({ tokens: title, note, number: index + 1 }));
  walked = { stage, trail, made: { title: [{ t: `Stage ${stage.index + 1} of ${stage.of}` }], crumb: stage.text ?? "", steps } };
  return walked.made;
}

// b¹w²v + b²v + c: what the biases of layers become that were multiplied out.
export function constant(letters) {
  const biases = letters.map(({ i, sup }) => ({ i: i === "w" ? "b" : "c", ...(sup ? { sup } : {}) }));
  return biases.flatMap((bias, n) => [...(n ? ["+"] : []), bias, ...letters.slice(n + 1)]);
}

// What layer l adds up: its input times its weights, and its bias.
function sum(run, l, before) {
  const { letter, sup } = run.layers[l], letters = letter.length > 1 ? factors(letter) : [{ i: letter, ...(sup ? { sup } : {}) }];
  const last = l === run.layers.length - 1, folded = letters.length > 1 && constant(letters);
  const bias = folded ? ["(", ...folded, ")"] : [last ? { i: "c" } : { i: "b", ...(letters[0].sup ? { sup: letters[0].sup } : {}) }];
  return [before, ...letters, ...(run.blocks[l].b ? ["+", ...bias] : [])];
}

let last = { run: null, loss: null, made: null };
export function unasked({ run, frame }) {
  if (last.run === run && last.loss === frame.loss) return last.made;
  const hidden = run.layers.slice(0, -1), steps = [];
  const sup = l => hidden.length > 1 ? String(l + 1) : undefined;
  const before = l => l === 0 ? { i: "x" } : { i: "h", sup: sup(l - 1) };
  const shown = hidden.length > 3 ? [0, hidden.length - 1] : hidden.map((_, l) => l);
  for (const l of shown) {
    const inside = sum(run, l, before(l)), of = hidden[l].activation;
    steps.push({ tokens: [{ i: "h", sup: sup(l) }, "=", ...(of === "identity" ? inside : [{ fn: of.replaceAll("_", " "), of: inside }])],
      note: `${count(run.sizes[l + 1], "unit")}, each from ${run.sizes[l]} ${l === 0 ? (run.sizes[0] === 1 ? "feature" : "features") : "units"}` });
  }
  const end = run.layers.length - 1, folds = run.folded && factors(run.layers[end].letter).length > 1 ? ": layers without a bend between them are one" : "";
  steps.push({ tokens: [{ i: "y" }, "=", ...sum(run, end, before(end))],
    note: `${run.outputs.length === 1 ? "the output" : `${run.outputs.length} outputs`}, linear${folds}` });
  const formula = LOSSES[run.loss], name = run.loss.replaceAll("_", " ");
  steps.push({ tokens: [{ i: "L" }, "=", ...(formula ? [...formula, "="] : []), { v: frame.loss ?? NaN, k: "loss" }],
    note: `${name}, over ${count(run.rows.training, "training row")}` });
  const made = { title: [{ t: run.folded ? "The network, folded" : "The whole network" }], crumb: `${count(run.parameters, "parameter")}. Click anything to ask why`, steps, asking: ASKING };
  last = { run, loss: frame.loss, made };
  return made;
}
