// Nothing asked: the whole network in three lines, with its own letters and the loss of this moment.

import { count } from "../format.js";

const LOSSES = {
  squared_error: [{ frac: [[{ v: 1, k: "plain" }], [{ v: 2, k: "plain" }, { i: "n" }]] }, { sum: "n" }, { sq: [{ i: "y" }, "−", { i: "t" }] }],
  absolute_error: [{ frac: [[{ v: 1, k: "plain" }], [{ i: "n" }]] }, { sum: "n" }, "|", { i: "y" }, "−", { i: "t" }, "|"],
};

// Walking through one minibatch: what was computed just now.
let walked = { stage: null, made: null };
export function staged(stage) {
  if (walked.stage !== stage) {
    walked = { stage, made: { title: [{ t: `Stage ${stage.index + 1} of ${stage.of}` }], crumb: stage.text ?? "", steps: [{ tokens: stage.title, note: stage.note }] } };
  }
  return walked.made;
}

let last = { run: null, loss: null, made: null };
export function unasked({ run, frame }) {
  if (last.run === run && last.loss === frame.loss) return last.made;
  const hidden = run.layers.slice(0, -1), steps = [];
  const sup = l => hidden.length > 1 ? String(l + 1) : undefined;
  const shown = hidden.length > 3 ? [0, hidden.length - 1] : hidden.map((_, l) => l);
  for (const l of shown) {
    const before = l === 0 ? { i: "x" } : { i: "h", sup: sup(l - 1) };
    const inside = [before, { i: "w", sup: sup(l) }, ...(run.blocks[l].b ? ["+", { i: "b", sup: sup(l) }] : [])];
    const of = hidden[l].activation;
    steps.push({ tokens: [{ i: "h", sup: sup(l) }, "=", ...(of === "identity" ? inside : [{ fn: of, of: inside }])],
      note: `${count(run.sizes[l + 1], "unit")}, each from ${run.sizes[l]} ${l === 0 ? (run.sizes[0] === 1 ? "feature" : "features") : "units"}` });
  }
  const end = run.layers.length - 1;
  steps.push({ tokens: [{ i: "y" }, "=", hidden.length ? { i: "h", sup: sup(hidden.length - 1) } : { i: "x" }, { i: "v" }, ...(run.blocks[end].b ? ["+", { i: "c" }] : [])],
    note: run.outputs.length === 1 ? "the output, linear" : `${run.outputs.length} outputs, linear` });
  const formula = LOSSES[run.loss], name = run.loss.replaceAll("_", " ");
  steps.push({ tokens: [{ i: "L" }, "=", ...(formula ? [...formula, "="] : []), { v: frame.loss ?? NaN, k: "loss" }],
    note: `${name}, over ${count(run.rows.training, "training row")}` });
  const made = { title: [{ t: "The whole network" }], crumb: `${count(run.parameters, "parameter")}. Click a line, a unit or a point to ask why`, steps };
  last = { run, loss: frame.loss, made };
  return made;
}
